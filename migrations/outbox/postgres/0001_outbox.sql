-- The outbox of one account on one chain: what the SQLite migrations come to. Amounts in wei and gas prices are decimal
-- texts there and here.

CREATE TABLE account (
    id         BIGINT PRIMARY KEY CHECK (id = 0),
    chain_id   BIGINT NOT NULL,
    genesis    BYTEA  NOT NULL,
    address    BYTEA  NOT NULL,
    free_nonce BIGINT NOT NULL DEFAULT 0,
    term       BIGINT NOT NULL DEFAULT 0 -- counts the processes that had the outbox: the last one alone may write
);

CREATE TABLE intents (
    id              BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    key             TEXT COLLATE "C" NOT NULL UNIQUE,
    label           TEXT   NOT NULL,
    to_address      BYTEA  NOT NULL,
    data            BYTEA  NOT NULL,
    value           TEXT   NOT NULL,
    deadline        BIGINT,
    max_fee_per_gas TEXT,
    max_cost        TEXT,
    priority        BIGINT NOT NULL DEFAULT 0,
    created_at      BIGINT NOT NULL,
    ended_at        BIGINT,
    stage           TEXT   NOT NULL CHECK (stage IN ('queued', 'pending', 'cancelling', 'included', 'done')),
    nonce           BIGINT,
    problem         TEXT,
    block           BIGINT,
    block_hash      BYTEA,
    outcome         TEXT
);

CREATE INDEX intents_active ON intents (nonce, id) WHERE stage <> 'done';
CREATE INDEX intents_ended ON intents (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE attempts (
    id           BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    intent       BIGINT NOT NULL REFERENCES intents (id),
    kind         TEXT   NOT NULL CHECK (kind IN ('call', 'cancel')),
    nonce        BIGINT NOT NULL,
    tx_hash      BYTEA  NOT NULL UNIQUE,
    raw          BYTEA  NOT NULL,
    max_fee      TEXT   NOT NULL,
    priority_fee TEXT   NOT NULL,
    gas_limit    BIGINT NOT NULL,
    signed_at    BIGINT NOT NULL,
    signed_block BIGINT NOT NULL
);

CREATE INDEX attempts_of ON attempts (intent, nonce);
CREATE INDEX attempts_by_nonce ON attempts (nonce);

CREATE TABLE spending (
    nonce   BIGINT PRIMARY KEY,
    cost    TEXT   NOT NULL,
    seen_at BIGINT NOT NULL
);

CREATE INDEX spending_by_time ON spending (seen_at);
