-- The standard architecture's tables: the truth about gold and goods, in one place. Instants are milliseconds since 1970
-- UTC, gold is whole pieces. Rows that every bid rewrites (players, listings) leave half of each page free, so that the
-- new version lands on the same page and no index is touched (heap-only tuples); no column that a bid changes is indexed.

CREATE TABLE players (
    player        text PRIMARY KEY,
    gold          bigint  NOT NULL DEFAULT 0,
    escrowed      bigint  NOT NULL DEFAULT 0,  -- maxima of bids that lead
    granted       bigint  NOT NULL DEFAULT 0,
    seq           bigint  NOT NULL DEFAULT 0,                        -- of the latest event
    leads         integer NOT NULL DEFAULT 0,
    open_listings integer NOT NULL DEFAULT 0,
    deliveries    integer NOT NULL DEFAULT 0,
    stash         integer NOT NULL DEFAULT 0
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.5);

CREATE TABLE items (
    item     bigint  PRIMARY KEY,
    owner    text,              -- in whose stash it is; NULL in a listing or a delivery
    document text    NOT NULL,  -- the protocol's Item in JSON, which like all that follows never changes
    base     text    NOT NULL,
    category text    NOT NULL,
    rarity   text    NOT NULL,
    level    integer NOT NULL,
    words    text    NOT NULL,  -- the name without case and accents, a space before each word
    stats    jsonb   NOT NULL,
    bound    boolean NOT NULL
) WITH (fillfactor = 80);
CREATE SEQUENCE item_numbers;
CREATE INDEX items_of_owner ON items (owner, item) WHERE owner IS NOT NULL;

CREATE TABLE listings (
    listing           bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seller            text    NOT NULL,
    item              bigint  NOT NULL,
    document          text    NOT NULL,  -- from here on the item's, so that a search reads one table
    base              text    NOT NULL,
    category          text    NOT NULL,
    rarity            text    NOT NULL,
    level             integer NOT NULL,
    words             text    NOT NULL,
    stats             jsonb   NOT NULL,
    start_bid         bigint,
    buyout            bigint,
    deposit           bigint  NOT NULL,
    created_at_ms     bigint  NOT NULL,
    first_ends_at_ms  bigint  NOT NULL,
    fee_bp            integer NOT NULL,  -- from here on the house's rules of when it was created
    increment_bp      integer NOT NULL,
    increment_min     bigint  NOT NULL,
    price_max         bigint  NOT NULL,
    snipe_window_s    integer NOT NULL,
    snipe_extension_s integer NOT NULL,
    snipe_max_s       integer NOT NULL,
    state             text    NOT NULL,
    ends_at_ms        bigint  NOT NULL,
    version           integer NOT NULL,  -- from here on what a bid changes, at the row's end: its WAL record stays short
    price             bigint,
    min_bid           bigint,
    leader_max        bigint  NOT NULL,
    bids              integer NOT NULL,
    leader            text
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.5);
CREATE INDEX listings_by_end ON listings (ends_at_ms, listing) WHERE state = 'open';
CREATE INDEX listings_by_creation ON listings (created_at_ms, listing) WHERE state = 'open';
CREATE INDEX listings_of_category ON listings (category, ends_at_ms, listing) WHERE state = 'open';
CREATE INDEX listings_of_base ON listings (base, ends_at_ms, listing) WHERE state = 'open';
CREATE INDEX listings_by_buyout ON listings (buyout, listing) WHERE state = 'open' AND buyout IS NOT NULL;

CREATE TABLE deliveries (
    delivery bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    player   text    NOT NULL,
    kind     text    NOT NULL,
    gold     bigint  NOT NULL,
    item     bigint,
    document text,
    listing  bigint,
    at_ms    bigint  NOT NULL,
    claimed  boolean NOT NULL DEFAULT false
) WITH (fillfactor = 80);
CREATE INDEX deliveries_waiting ON deliveries (player, delivery) WHERE NOT claimed;

-- Double entry, as in auction.ledger: amount gold moved from account credit to account debit in the books of a player.
-- Written twice a bid and hardly ever read, so it has no index but by age, which costs nothing to keep.
CREATE TABLE ledger (
    entry  bigint GENERATED ALWAYS AS IDENTITY (CACHE 100),
    at_ms  bigint NOT NULL,
    amount bigint NOT NULL,
    ref    bigint,
    player text   NOT NULL,
    debit  text   NOT NULL,
    credit text   NOT NULL,
    reason text   NOT NULL
) WITH (autovacuum_vacuum_insert_scale_factor = 1);
CREATE INDEX ledger_by_age ON ledger USING brin (at_ms) WITH (autosummarize = on);

-- What a trade's function answers: why not, or how the listing stands, and who is to be told what.
CREATE TYPE trade AS (
    reason        text,     -- of the refusal, NULL where it was done
    figure        bigint,   -- of the refusal
    listing       bigint,
    version       integer,
    seller        text,
    leader        text,
    document      text,
    state         text,
    start_bid     bigint,
    buyout        bigint,
    price         bigint,
    min_bid       bigint,
    bids          integer,
    created_at_ms bigint,
    ends_at_ms    bigint,
    former        text,     -- who led, and does so no more
    former_seq    bigint,   -- of the latest event of each who is told
    buyer_seq     bigint,
    seller_seq    bigint,
    refund        bigint,   -- deliveries that were made
    goods         bigint,
    proceeds      bigint,
    gold          bigint    -- in `proceeds`
);

-- Idempotency keys with their first answers: a trade's as it was, any other in MessagePack.
CREATE TABLE keys (
    scope       text    NOT NULL,
    key         text    NOT NULL,
    fingerprint bytea   NOT NULL,
    at_ms       bigint  NOT NULL,
    trade       trade,
    answer      bytea,
    PRIMARY KEY (scope, key)
);
CREATE INDEX keys_by_age ON keys USING brin (at_ms);
