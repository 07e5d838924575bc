-- The outbox of one account on one chain. Amounts in wei and gas prices are decimal texts: SQLite's integers end at 2^63.

CREATE TABLE account (
    id       INTEGER PRIMARY KEY CHECK (id = 0),
    chain_id INTEGER NOT NULL,
    genesis  BLOB    NOT NULL, -- hash of the chain's first block: development chains share their ids
    address  BLOB    NOT NULL
);

-- What is to be done on the chain, once.
CREATE TABLE intents (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    key             TEXT    NOT NULL UNIQUE, -- the caller's: the same key is the same intent
    label           TEXT    NOT NULL,
    to_address      BLOB    NOT NULL,
    data            BLOB    NOT NULL,
    value           TEXT    NOT NULL,
    deadline        INTEGER,                 -- unix seconds
    max_fee_per_gas TEXT,
    created_at      INTEGER NOT NULL,        -- unix seconds
    stage           TEXT    NOT NULL CHECK (stage IN ('queued', 'pending', 'cancelling', 'included', 'done')),
    nonce           INTEGER,                 -- from 'pending' on; an intent that was superseded gets another
    problem         TEXT,                    -- why it does not move on, for people
    block           INTEGER,                 -- that included it, while 'included'
    block_hash      BLOB,
    outcome         TEXT                     -- JSON; final once the stage is 'done'
);

CREATE INDEX intents_active ON intents (nonce, id) WHERE stage <> 'done';

-- Every transaction that was ever signed for an intent, recorded before it is sent.
CREATE TABLE attempts (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    intent       INTEGER NOT NULL REFERENCES intents (id),
    kind         TEXT    NOT NULL CHECK (kind IN ('call', 'cancel')),
    nonce        INTEGER NOT NULL,
    tx_hash      BLOB    NOT NULL UNIQUE,
    raw          BLOB    NOT NULL,
    max_fee      TEXT    NOT NULL,           -- per gas
    priority_fee TEXT    NOT NULL,           -- per gas
    gas_limit    INTEGER NOT NULL,
    signed_at    INTEGER NOT NULL,           -- unix seconds
    signed_block INTEGER NOT NULL            -- the chain's head then
);

CREATE INDEX attempts_of ON attempts (intent, nonce);
