-- The daily series, and what nodes earn. ----------------------------------------------------------------------------------

CREATE TABLE days (
    day             INTEGER PRIMARY KEY,
    tasks           INTEGER NOT NULL,
    tasks_verified  INTEGER NOT NULL,
    tasks_resolved  INTEGER NOT NULL,
    tasks_cancelled INTEGER NOT NULL,
    tasks_expired   INTEGER NOT NULL,
    nodes           INTEGER NOT NULL,
    slashed         BLOB    NOT NULL,
    minted          BLOB    NOT NULL,
    burned          BLOB    NOT NULL,
    nodes_active    INTEGER NOT NULL,
    active_power    BLOB    NOT NULL,
    node_stake      BLOB    NOT NULL,
    pool_staked     BLOB    NOT NULL
) STRICT;

CREATE TABLE day_tokens (
    day       INTEGER NOT NULL,
    token     BLOB    NOT NULL,
    deposited BLOB    NOT NULL,
    paid      BLOB    NOT NULL,
    fees      BLOB    NOT NULL,
    split     BLOB    NOT NULL,
    refunded  BLOB    NOT NULL,
    PRIMARY KEY (day, token)
) STRICT, WITHOUT ROWID;

CREATE TABLE day_prices (
    day           INTEGER NOT NULL,
    resource_type INTEGER NOT NULL,
    token         BLOB    NOT NULL,
    tasks         INTEGER NOT NULL,
    sum           BLOB    NOT NULL,
    lowest        BLOB    NOT NULL,
    highest       BLOB    NOT NULL,
    PRIMARY KEY (day, resource_type, token)
) STRICT, WITHOUT ROWID;

CREATE TABLE earnings (
    node_id INTEGER NOT NULL,
    token   BLOB    NOT NULL,
    tasks   INTEGER NOT NULL,
    amount  BLOB    NOT NULL,
    PRIMARY KEY (node_id, token)
) STRICT, WITHOUT ROWID;

-- What an earlier version indexed has none of this: the index begins anew, from the deployment's first block. -------------

DELETE FROM undo;
DELETE FROM feed;
DELETE FROM blocks;
DELETE FROM events;
DELETE FROM nodes;
DELETE FROM node_escrows;
DELETE FROM challenges;
DELETE FROM tasks;
DELETE FROM assignments;
DELETE FROM escrows;
DELETE FROM balances;
DELETE FROM positions;
DELETE FROM accounts;
DELETE FROM epochs;
DELETE FROM rewards;
DELETE FROM epoch_fees;
DELETE FROM proposals;
DELETE FROM votes;
DELETE FROM protocol;
DELETE FROM token_totals;
DELETE FROM parameters;
DELETE FROM payment_tokens;
DELETE FROM reward_rates;
DELETE FROM cases;
DELETE FROM case_jurors;
DELETE FROM evidence;
DELETE FROM jurors;
DELETE FROM replica_rounds;
DELETE FROM replicas;
UPDATE state
SET indexed = NULL, indexed_hash = NULL, indexed_at = NULL, head = 0, finalized = 0, floor = 0, live = 0,
    sequence = sequence + 1;
