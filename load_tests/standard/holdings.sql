-- What a player has: grants, items put up for sale, deliveries claimed. One statement and one transaction each, and the
-- same order of locks as in trades.sql.

CREATE FUNCTION grant_goods(the_player text, the_gold bigint, granted jsonb, capacity integer, now_ms bigint,
                            the_key text, the_fingerprint bytea, the_answer bytea, OUT reason text, OUT answer bytea)
LANGUAGE plpgsql AS $$
DECLARE
    had    players;
    stored keys;
    items_granted integer := jsonb_array_length(granted);
BEGIN
    INSERT INTO players (player) VALUES (the_player) ON CONFLICT DO NOTHING;
    SELECT * INTO had FROM players WHERE player = the_player FOR NO KEY UPDATE;
    SELECT * INTO stored FROM keys WHERE scope = the_player AND key = the_key;
    IF FOUND THEN
        reason := CASE WHEN stored.fingerprint <> the_fingerprint THEN 'key_reused' END;
        answer := stored.answer;
        RETURN;
    END IF;
    reason := CASE
        WHEN items_granted > 0 AND had.stash + items_granted > capacity THEN 'stash_full'
        WHEN had.gold + the_gold > 9007199254740991 OR had.granted + the_gold > 4611686018427387904 THEN 'wallet_full'
    END;
    IF reason IS NOT NULL THEN
        RETURN;
    END IF;
    UPDATE players SET gold = gold + the_gold, granted = players.granted + the_gold, stash = stash + items_granted
        WHERE player = the_player;
    INSERT INTO items (item, owner, document, base, category, rarity, level, words, stats, bound)
        SELECT row.item, the_player, row.document, row.base, row.category, row.rarity, row.level, row.words, row.stats,
               row.bound
        FROM jsonb_to_recordset(granted) AS row (item bigint, document text, base text, category text, rarity text,
                                                 level integer, words text, stats jsonb, bound boolean);
    IF the_gold > 0 THEN
        INSERT INTO ledger (at_ms, amount, player, debit, credit, reason)
            VALUES (now_ms, the_gold, the_player, 'wallet', 'granted', 'grant');
    END IF;
    INSERT INTO keys (scope, key, fingerprint, at_ms, answer)
        VALUES (the_player, the_key, the_fingerprint, now_ms, the_answer);
    answer := the_answer;
END $$;

-- `refused` is what the rules have against the prices or the duration, whoever asks; it is told in its turn.
CREATE FUNCTION create_listing(the_seller text, the_item bigint, the_start_bid bigint, the_buyout bigint,
                               the_end_ms bigint, the_deposit bigint, the_min_bid bigint, refused text,
                               max_listings integer, rules bigint[], now_ms bigint,
                               the_key text, the_fingerprint bytea) RETURNS trade LANGUAGE plpgsql AS $$
DECLARE
    had  players;
    i    items;
    l    listings;
    done trade;
BEGIN
    SELECT * INTO had FROM players WHERE player = the_seller FOR NO KEY UPDATE;
    IF the_key IS NOT NULL THEN
        done := answered(the_seller, the_key, the_fingerprint);
        IF done.reason IS NOT NULL OR done.listing IS NOT NULL THEN
            RETURN done;
        END IF;
    END IF;
    SELECT * INTO i FROM items WHERE item = the_item AND owner = the_seller FOR NO KEY UPDATE;
    done.reason := CASE
        WHEN i.item IS NULL THEN 'no_such_item'
        WHEN i.bound THEN 'bound_item'
        WHEN refused IS NOT NULL THEN refused
        WHEN had.open_listings >= max_listings THEN 'listing_limit'
        WHEN had.gold < the_deposit THEN 'insufficient_gold'
    END;
    IF done.reason IS NOT NULL THEN
        done.figure := had.gold;
        RETURN done;
    END IF;
    UPDATE items SET owner = NULL WHERE item = the_item;
    UPDATE players SET gold = gold - the_deposit, stash = stash - 1, open_listings = open_listings + 1
        WHERE player = the_seller;
    IF the_deposit > 0 THEN
        INSERT INTO ledger (at_ms, amount, player, debit, credit, reason)
            VALUES (now_ms, the_deposit, the_seller, 'deposit', 'wallet', 'deposit');
    END IF;
    INSERT INTO listings (seller, item, document, base, category, rarity, level, words, stats, start_bid, buyout,
                          deposit, created_at_ms, first_ends_at_ms, fee_bp, increment_bp, increment_min, price_max,
                          snipe_window_s, snipe_extension_s, snipe_max_s, state, ends_at_ms, version, min_bid,
                          leader_max, bids)
        VALUES (the_seller, i.item, i.document, i.base, i.category, i.rarity, i.level, i.words, i.stats, the_start_bid,
                the_buyout, the_deposit, now_ms, the_end_ms, rules[1], rules[2], rules[3], rules[4], rules[5], rules[6],
                rules[7], 'open', the_end_ms, 1,
                the_min_bid, 0, 0)
        RETURNING * INTO l;
    done := stands(done, l);
    IF the_key IS NOT NULL THEN
        INSERT INTO keys (scope, key, fingerprint, at_ms, trade)
            VALUES (the_seller, the_key, the_fingerprint, now_ms, done);
    END IF;
    RETURN done;
END $$;

-- A delivery's row is also the answer stored under its key: the same request names the same delivery.
CREATE FUNCTION claim(the_player text, the_delivery bigint, capacity integer, now_ms bigint,
                      the_key text, the_fingerprint bytea, OUT reason text, OUT d deliveries) LANGUAGE plpgsql AS $$
DECLARE
    had    players;
    stored keys;
BEGIN
    SELECT * INTO had FROM players WHERE player = the_player FOR NO KEY UPDATE;
    SELECT * INTO d FROM deliveries WHERE delivery = the_delivery AND player = the_player FOR NO KEY UPDATE;
    IF the_key IS NOT NULL THEN
        SELECT * INTO stored FROM keys WHERE scope = the_player AND key = the_key;
        IF FOUND THEN
            reason := CASE WHEN stored.fingerprint <> the_fingerprint THEN 'key_reused' END;
            RETURN;
        END IF;
    END IF;
    reason := CASE
        WHEN d.delivery IS NULL THEN 'no_such_delivery'
        WHEN d.claimed THEN 'delivery_claimed'
        WHEN d.item IS NOT NULL AND had.stash >= capacity THEN 'stash_full'
        WHEN had.gold + d.gold > 9007199254740991 THEN 'wallet_full'
    END;
    IF reason IS NOT NULL THEN
        RETURN;
    END IF;
    UPDATE deliveries SET claimed = true WHERE delivery = the_delivery;
    UPDATE players SET gold = gold + d.gold, deliveries = deliveries - 1,
                       stash = stash + (d.item IS NOT NULL)::integer
        WHERE player = the_player;
    UPDATE items SET owner = the_player WHERE item = d.item;
    IF d.gold > 0 THEN
        INSERT INTO ledger (at_ms, amount, ref, player, debit, credit, reason)
            VALUES (now_ms, d.gold, d.listing, the_player, 'wallet', 'waiting', 'claim');
    END IF;
    IF the_key IS NOT NULL THEN
        INSERT INTO keys (scope, key, fingerprint, at_ms) VALUES (the_player, the_key, the_fingerprint, now_ms);
    END IF;
END $$;
