-- Trades as functions: one statement, one round trip and one transaction each. The rules are those of auction.pricing,
-- auction.listings and auction.bidding; tests hold them together. Rows are locked in one order everywhere (the listing,
-- then players by name), so that no two transactions ever wait for each other. A key is looked up under the lock: whoever
-- uses the same one at the same moment has committed by then.

CREATE FUNCTION share(amount bigint, share_bp bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- Rounded down, and never beyond 64 bits on the way.
RETURN amount / 10000 * share_bp + amount % 10000 * share_bp / 10000;

CREATE FUNCTION share_rounded_up(amount bigint, share_bp bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN amount / 10000 * share_bp + (amount % 10000 * share_bp + 9999) / 10000;

-- The answer stored under a key, with nobody left to be told; `key_reused` where it was another request's. NULL for a
-- free key.
CREATE FUNCTION answered(the_scope text, the_key text, the_fingerprint bytea) RETURNS trade LANGUAGE plpgsql AS $$
DECLARE
    stored keys;
    other  trade;
BEGIN
    SELECT * INTO stored FROM keys WHERE scope = the_scope AND key = the_key;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF stored.fingerprint = the_fingerprint THEN
        stored.trade.former := NULL; stored.trade.buyer_seq := NULL; stored.trade.seller_seq := NULL;
        RETURN stored.trade;
    END IF;
    other.reason := 'key_reused';
    RETURN other;
END $$;

-- How a listing stands, as the answer to its trade.
CREATE FUNCTION stands(INOUT done trade, l listings) LANGUAGE plpgsql AS $$
BEGIN
    done.listing := l.listing; done.version := l.version; done.seller := l.seller; done.leader := l.leader;
    done.document := l.document; done.state := l.state; done.start_bid := l.start_bid; done.buyout := l.buyout;
    done.price := l.price; done.min_bid := l.min_bid; done.bids := l.bids;
    done.created_at_ms := l.created_at_ms; done.ends_at_ms := l.ends_at_ms;
END $$;

-- A leader's whole maximum goes back into the wallet, or waits as a delivery where the wallet would pass its bound.
CREATE FUNCTION give_back(INOUT done trade, l listings, now_ms bigint) LANGUAGE plpgsql AS $$
BEGIN
    done.former := l.leader;
    UPDATE players SET gold = gold + l.leader_max, escrowed = escrowed - l.leader_max, leads = leads - 1, seq = seq + 1
        WHERE player = l.leader AND gold + l.leader_max <= 9007199254740991 RETURNING seq INTO done.former_seq;
    IF NOT FOUND THEN
        UPDATE players SET escrowed = escrowed - l.leader_max, leads = leads - 1, deliveries = deliveries + 1,
                           seq = seq + 2
            WHERE player = l.leader RETURNING seq INTO done.former_seq;
        INSERT INTO deliveries (player, kind, gold, listing, at_ms)
            VALUES (l.leader, 'refund', l.leader_max, l.listing, now_ms) RETURNING delivery INTO done.refund;
    END IF;
    INSERT INTO ledger (at_ms, amount, ref, player, debit, credit, reason)
        VALUES (now_ms, l.leader_max, l.listing, l.leader,
                CASE WHEN done.refund IS NULL THEN 'wallet' ELSE 'waiting' END, 'escrow', 'refund');
END $$;

CREATE FUNCTION bid(bidder text, the_listing bigint, amount bigint, now_ms bigint, max_bids integer,
                    the_key text, the_fingerprint bytea) RETURNS trade LANGUAGE plpgsql AS $$
DECLARE
    l        listings;
    done     trade;
    had      players;
    most     bigint;   -- the largest maximum that the listing takes
    beaten   bigint;   -- the lesser of two maxima, over which the price is one increment
    least_bid bigint;
    covered  bigint;   -- gold that the wallet must hold
    raises   boolean;
    wins     boolean;
BEGIN
    SELECT * INTO l FROM listings WHERE listing = the_listing FOR NO KEY UPDATE;
    IF the_key IS NOT NULL THEN
        done := answered(bidder, the_key, the_fingerprint);
        IF done.reason IS NOT NULL OR done.listing IS NOT NULL THEN
            RETURN done;
        END IF;
    END IF;
    raises := coalesce(l.leader = bidder, false);
    most := least(l.buyout - 1, l.price_max);
    done.reason := CASE
        WHEN l.listing IS NULL THEN 'no_such_listing'
        WHEN l.seller = bidder THEN 'own_listing'
        WHEN l.state <> 'open' OR now_ms >= l.ends_at_ms THEN 'listing_closed'
        WHEN l.start_bid IS NULL THEN 'not_for_bids'
        WHEN amount > most THEN 'price_out_of_range'
        WHEN raises AND amount <= l.leader_max THEN 'bid_too_low'
        WHEN NOT raises AND (l.min_bid IS NULL OR amount < l.min_bid) THEN 'bid_too_low'
    END;
    IF done.reason IS NOT NULL THEN
        done.figure := CASE
            WHEN done.reason = 'price_out_of_range' THEN most
            WHEN NOT raises THEN l.min_bid
            WHEN l.leader_max < most THEN l.leader_max + 1
        END;
        RETURN done;
    END IF;

    wins := raises OR l.leader IS NULL OR amount > l.leader_max;
    covered := CASE WHEN raises THEN amount - l.leader_max ELSE amount END;
    IF wins THEN
        IF l.leader < bidder THEN
            PERFORM FROM players WHERE player = l.leader FOR NO KEY UPDATE;
        END IF;
        UPDATE players SET gold = gold - covered, escrowed = escrowed + covered, leads = leads + (NOT raises)::integer
            WHERE player = bidder AND gold >= covered AND (raises OR leads < max_bids);
    ELSE
        PERFORM FROM players WHERE player = bidder AND gold >= covered AND leads < max_bids;
    END IF;
    IF NOT FOUND THEN
        SELECT * INTO had FROM players WHERE player = bidder;
        done.reason := CASE WHEN NOT raises AND had.leads >= max_bids THEN 'bid_limit' ELSE 'insufficient_gold' END;
        done.figure := coalesce(had.gold, 0);
        RETURN done;
    END IF;

    IF NOT raises THEN
        IF l.leader IS NULL THEN
            l.price := l.start_bid;
        ELSE
            beaten := least(amount, l.leader_max);
            l.price := least(greatest(amount, l.leader_max),
                             beaten + greatest(l.increment_min, share(beaten, l.increment_bp)));
        END IF;
        least_bid := l.price + greatest(l.increment_min, share(l.price, l.increment_bp));
        l.min_bid := CASE WHEN least_bid <= most THEN least_bid END;
        IF l.ends_at_ms - now_ms <= l.snipe_window_s * 1000::bigint THEN
            l.ends_at_ms := greatest(l.ends_at_ms, least(now_ms + l.snipe_extension_s * 1000::bigint,
                                                         l.first_ends_at_ms + l.snipe_max_s * 1000::bigint));
        END IF;
    END IF;
    IF NOT wins THEN
        done.reason := 'outbid';
    ELSIF raises OR l.leader IS NULL THEN
        INSERT INTO ledger (at_ms, amount, ref, player, debit, credit, reason)
            VALUES (now_ms, covered, the_listing, bidder, 'escrow', 'wallet', 'bid');
    ELSE
        UPDATE players SET gold = gold + l.leader_max, escrowed = escrowed - l.leader_max, leads = leads - 1,
                           seq = seq + 1
            WHERE player = l.leader AND gold + l.leader_max <= 9007199254740991 RETURNING seq INTO done.former_seq;
        IF FOUND THEN
            INSERT INTO ledger (at_ms, amount, ref, player, debit, credit, reason)
                VALUES (now_ms, covered, the_listing, bidder, 'escrow', 'wallet', 'bid'),
                       (now_ms, l.leader_max, the_listing, l.leader, 'wallet', 'escrow', 'refund');
            done.former := l.leader;
        ELSE
            INSERT INTO ledger (at_ms, amount, ref, player, debit, credit, reason)
                VALUES (now_ms, covered, the_listing, bidder, 'escrow', 'wallet', 'bid');
            done := give_back(done, l, now_ms);
        END IF;
    END IF;
    UPDATE listings SET version = version + 1, price = l.price, min_bid = l.min_bid, ends_at_ms = l.ends_at_ms,
                        bids = bids + (NOT raises)::integer,
                        leader = CASE WHEN wins THEN bidder ELSE leader END,
                        leader_max = CASE WHEN wins THEN amount ELSE leader_max END
        WHERE listing = the_listing
        RETURNING listing, version, seller, leader, document, state, start_bid, buyout, price, min_bid, bids,
                  created_at_ms, ends_at_ms
        INTO done.listing, done.version, done.seller, done.leader, done.document, done.state, done.start_bid,
             done.buyout, done.price, done.min_bid, done.bids, done.created_at_ms, done.ends_at_ms;
    IF the_key IS NOT NULL THEN
        INSERT INTO keys (scope, key, fingerprint, at_ms, trade) VALUES (bidder, the_key, the_fingerprint, now_ms, done);
    END IF;
    RETURN done;
END $$;

-- The end of a listing by a sale: goods and proceeds wait as deliveries. What the buyer pays has left its wallet.
CREATE FUNCTION sell(INOUT done trade, INOUT l listings, buyer text, price bigint, now_ms bigint) LANGUAGE plpgsql AS $$
DECLARE
    fee  bigint := share_rounded_up(price, l.fee_bp);
    kind text := CASE WHEN now_ms >= l.ends_at_ms THEN 'won' ELSE 'bought' END;
BEGIN
    INSERT INTO deliveries (player, kind, gold, item, document, listing, at_ms)
        VALUES (buyer, kind, 0, l.item, l.document, l.listing, now_ms) RETURNING delivery INTO done.goods;
    UPDATE players SET deliveries = deliveries + 1, seq = seq + CASE kind WHEN 'won' THEN 2 ELSE 1 END
        WHERE player = buyer RETURNING seq INTO done.buyer_seq;
    done.gold := price - fee + l.deposit;
    IF done.gold > 0 THEN
        INSERT INTO deliveries (player, kind, gold, listing, at_ms)
            VALUES (l.seller, 'proceeds', done.gold, l.listing, now_ms) RETURNING delivery INTO done.proceeds;
    END IF;
    UPDATE players SET open_listings = open_listings - 1, deliveries = deliveries + (done.gold > 0)::integer,
                       seq = seq + 1 + (done.gold > 0)::integer
        WHERE player = l.seller RETURNING seq INTO done.seller_seq;
    INSERT INTO ledger (at_ms, amount, ref, player, debit, credit, reason)
        SELECT now_ms, moved.amount, l.listing, l.seller, moved.debit, moved.credit, 'sale'
        FROM (VALUES (price - fee, 'waiting', 'elsewhere'), (fee, 'burned', 'elsewhere'),
                     (l.deposit, 'waiting', 'deposit')) AS moved (amount, debit, credit)
        WHERE moved.amount > 0;
    UPDATE listings SET state = 'sold', version = version + 1, price = sell.price, min_bid = NULL, leader = buyer,
                        leader_max = 0, deposit = 0
        WHERE listing = l.listing RETURNING * INTO l;
    done := stands(done, l);
END $$;

CREATE FUNCTION buy_out(buyer text, the_listing bigint, the_price bigint, now_ms bigint,
                        the_key text, the_fingerprint bytea) RETURNS trade LANGUAGE plpgsql AS $$
DECLARE
    l     listings;
    done  trade;
    due   bigint;
    leads_it boolean;
BEGIN
    SELECT * INTO l FROM listings WHERE listing = the_listing FOR NO KEY UPDATE;
    IF the_key IS NOT NULL THEN
        done := answered(buyer, the_key, the_fingerprint);
        IF done.reason IS NOT NULL OR done.listing IS NOT NULL THEN
            RETURN done;
        END IF;
    END IF;
    done.reason := CASE
        WHEN l.listing IS NULL THEN 'no_such_listing'
        WHEN l.seller = buyer THEN 'own_listing'
        WHEN l.state <> 'open' OR now_ms >= l.ends_at_ms THEN 'listing_closed'
        WHEN l.buyout IS NULL THEN 'no_buyout'
        WHEN the_price <> l.buyout THEN 'price_changed'
    END;
    IF done.reason IS NOT NULL THEN
        done.figure := l.buyout;
        RETURN done;
    END IF;

    leads_it := coalesce(l.leader = buyer, false);
    due := l.buyout - CASE WHEN leads_it THEN l.leader_max ELSE 0 END;
    PERFORM FROM players WHERE player IN (buyer, l.leader, l.seller) ORDER BY player FOR NO KEY UPDATE;
    UPDATE players SET gold = gold - due,
                       escrowed = escrowed - CASE WHEN leads_it THEN l.leader_max ELSE 0 END,
                       leads = leads - leads_it::integer
        WHERE player = buyer AND gold >= due;
    IF NOT FOUND THEN
        done.reason := 'insufficient_gold';
        done.figure := coalesce((SELECT gold FROM players WHERE player = buyer), 0);
        RETURN done;
    END IF;
    INSERT INTO ledger (at_ms, amount, ref, player, debit, credit, reason)
        SELECT now_ms, paid.amount, the_listing, buyer, 'elsewhere', paid.credit, 'buyout'
        FROM (VALUES (due, 'wallet'), (l.buyout - due, 'escrow')) AS paid (amount, credit) WHERE paid.amount > 0;
    IF l.leader <> buyer THEN
        done := give_back(done, l, now_ms);
    END IF;
    SELECT (sold.done).* INTO done FROM sell(done, l, buyer, l.buyout, now_ms) AS sold;
    IF the_key IS NOT NULL THEN
        INSERT INTO keys (scope, key, fingerprint, at_ms, trade) VALUES (buyer, the_key, the_fingerprint, now_ms, done);
    END IF;
    RETURN done;
END $$;

-- Settles one listing whose end has come and which nobody else is at; its `listing` is NULL where there is none.
CREATE FUNCTION end_next(now_ms bigint) RETURNS trade LANGUAGE plpgsql AS $$
DECLARE
    l    listings;
    done trade;
BEGIN
    SELECT * INTO l FROM listings WHERE state = 'open' AND ends_at_ms <= now_ms
        ORDER BY ends_at_ms, listing LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN done;
    END IF;
    PERFORM FROM players WHERE player IN (l.leader, l.seller) ORDER BY player FOR NO KEY UPDATE;
    IF l.leader IS NOT NULL THEN
        UPDATE players SET gold = gold + l.leader_max - l.price, escrowed = escrowed - l.leader_max, leads = leads - 1
            WHERE player = l.leader;
        INSERT INTO ledger (at_ms, amount, ref, player, debit, credit, reason)
            SELECT now_ms, won.amount, l.listing, l.leader, won.debit, 'escrow', 'won'
            FROM (VALUES (l.price, 'elsewhere'), (l.leader_max - l.price, 'wallet')) AS won (amount, debit)
            WHERE won.amount > 0;
        SELECT (sold.done).* INTO done FROM sell(done, l, l.leader, l.price, now_ms) AS sold;
        RETURN done;
    END IF;
    INSERT INTO deliveries (player, kind, gold, item, document, listing, at_ms)
        VALUES (l.seller, 'returned', 0, l.item, l.document, l.listing, now_ms) RETURNING delivery INTO done.goods;
    UPDATE players SET open_listings = open_listings - 1, deliveries = deliveries + 1, seq = seq + 2
        WHERE player = l.seller RETURNING seq INTO done.seller_seq;
    IF l.deposit > 0 THEN
        INSERT INTO ledger (at_ms, amount, ref, player, debit, credit, reason)
            VALUES (now_ms, l.deposit, l.listing, l.seller, 'burned', 'deposit', 'forfeit');
    END IF;
    UPDATE listings SET state = 'expired', version = version + 1, min_bid = NULL, deposit = 0
        WHERE listing = l.listing RETURNING * INTO l;
    RETURN stands(done, l);
END $$;
