-- The transaction outbox of one signer on one chain. Amounts are decimal text, times are unix seconds.

CREATE TABLE signer (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    address  TEXT NOT NULL,
    chain_id INTEGER NOT NULL
);

CREATE TABLE intent (
    id              INTEGER PRIMARY KEY,
    key             TEXT NOT NULL UNIQUE,
    label           TEXT NOT NULL,
    recipient       TEXT NOT NULL,
    data            BLOB NOT NULL,
    value           TEXT NOT NULL,
    deadline        INTEGER,
    max_fee_per_gas TEXT,
    -- queued: no live attempt; sent: an attempt may land; landed: on the chain, not final; done: nothing can change
    state           TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'landed', 'done')),
    -- set with `landed` and `done`
    outcome         TEXT CHECK (outcome IN ('landed', 'reverted', 'expired')),
    tx_hash         TEXT,
    block_number    INTEGER,
    receipt         TEXT,
    error_name      TEXT,
    error_detail    TEXT,
    created_at      INTEGER NOT NULL
);

CREATE INDEX intent_by_state ON intent (state, id);

CREATE TABLE attempt (
    id           INTEGER PRIMARY KEY,
    intent_id    INTEGER NOT NULL REFERENCES intent (id),
    nonce        INTEGER NOT NULL,
    tx_hash      TEXT NOT NULL UNIQUE,
    raw          BLOB NOT NULL,
    gas_limit    INTEGER NOT NULL,
    max_fee      TEXT NOT NULL,
    priority_fee TEXT NOT NULL,
    -- a transfer of nothing to ourselves that takes the nonce, so that the intent can't land any more
    cancels      INTEGER NOT NULL DEFAULT 0,
    -- another transaction of the same key took the nonce
    dead         INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL
);

CREATE INDEX attempt_by_intent ON attempt (intent_id, id);
