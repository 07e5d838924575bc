-- Cases of the dispute court ---------------------------------------------------------------------------------------------

CREATE TABLE cases (
    id                    INTEGER PRIMARY KEY,
    task_id               BLOB    NOT NULL,
    node_id               INTEGER NOT NULL,
    replica_node_id       INTEGER,
    appeal_id             BLOB,
    buyer                 BLOB    NOT NULL,
    payer                 BLOB    NOT NULL,
    node_owner            BLOB    NOT NULL,
    node_operator         BLOB    NOT NULL,
    node_payout           BLOB    NOT NULL,
    buyer_fee             BLOB    NOT NULL,
    provider_fee          BLOB    NOT NULL,
    status                INTEGER NOT NULL,
    round                 INTEGER NOT NULL,
    deadline              INTEGER NOT NULL,
    close_by              INTEGER NOT NULL,
    jury_size             INTEGER NOT NULL,
    seated                INTEGER NOT NULL,
    committed             INTEGER NOT NULL,
    revealed              INTEGER NOT NULL,
    replacements          INTEGER NOT NULL,
    lapses                INTEGER NOT NULL,
    draw_block            INTEGER NOT NULL,
    draw_epoch            INTEGER NOT NULL,
    draw_tries            INTEGER NOT NULL,
    seats                 INTEGER NOT NULL,
    evidence              INTEGER NOT NULL,
    share                 INTEGER,
    low                   INTEGER,
    high                  INTEGER,
    votes                 INTEGER,
    ruled_at              INTEGER,
    appellant             BLOB,
    appeal_fee            BLOB,
    appealed_at           INTEGER,
    appealed_share        INTEGER,
    ruled                 INTEGER,
    coherent              INTEGER,
    pot                   BLOB,
    buyer_fee_returned    BLOB,
    provider_fee_returned BLOB,
    appeal_fee_returned   BLOB,
    opened_at             INTEGER NOT NULL,
    opened_block          INTEGER NOT NULL,
    opened_tx             BLOB    NOT NULL,
    updated_at            INTEGER NOT NULL,
    closed_at             INTEGER
) STRICT;

CREATE INDEX cases_by_task ON cases (task_id, id);
CREATE INDEX cases_by_node ON cases (node_id, id);
CREATE INDEX cases_by_buyer ON cases (buyer, id);
CREATE INDEX cases_by_status ON cases (status, deadline, id);
CREATE INDEX cases_by_update ON cases (updated_at, id);

CREATE TABLE case_jurors (
    case_id      INTEGER NOT NULL,
    seat         INTEGER NOT NULL,
    juror        BLOB    NOT NULL,
    round        INTEGER NOT NULL,
    state        INTEGER NOT NULL,
    position_id  INTEGER NOT NULL,
    drawn_at     INTEGER NOT NULL,
    commitment   BLOB,
    committed_at INTEGER,
    share        INTEGER,
    revealed_at  INTEGER,
    penalty      BLOB    NOT NULL,
    fee          BLOB    NOT NULL,
    ended_at     INTEGER,
    PRIMARY KEY (case_id, seat)
) STRICT, WITHOUT ROWID;

CREATE INDEX case_jurors_by_juror ON case_jurors (juror, drawn_at, case_id, seat);
CREATE INDEX case_jurors_by_time ON case_jurors (drawn_at, case_id, seat);

CREATE TABLE evidence (
    case_id      INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    party        BLOB    NOT NULL,
    uri          TEXT    NOT NULL,
    submitted_at INTEGER NOT NULL,
    block        INTEGER NOT NULL,
    tx           BLOB    NOT NULL,
    PRIMARY KEY (case_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE jurors (
    address     BLOB    NOT NULL PRIMARY KEY,
    position_id INTEGER NOT NULL,
    weight      BLOB    NOT NULL,
    counts_from  INTEGER NOT NULL,
    active      INTEGER NOT NULL,
    held_until  INTEGER,
    seats       INTEGER NOT NULL,
    drawn       INTEGER NOT NULL,
    penalties   BLOB    NOT NULL,
    fees        BLOB    NOT NULL,
    joined_at   INTEGER NOT NULL,
    left_at     INTEGER,
    released_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX jurors_by_weight ON jurors (weight, address);
CREATE INDEX jurors_by_position ON jurors (position_id, address);

ALTER TABLE accounts ADD COLUMN court_fees BLOB NOT NULL DEFAULT x'00';

-- Replicated tasks -------------------------------------------------------------------------------------------------------

CREATE TABLE replica_rounds (
    task_id      BLOB    NOT NULL,
    round        INTEGER NOT NULL,
    accept_by    INTEGER NOT NULL,
    extended     INTEGER NOT NULL,
    candidates   INTEGER NOT NULL,
    draw_block   INTEGER,
    randomness   BLOB,
    drawn_at     INTEGER,
    seal_until   INTEGER,
    sealed       INTEGER NOT NULL,
    reveal_until INTEGER,
    revealed     INTEGER NOT NULL,
    result_hash  BLOB,
    agreeing     INTEGER,
    judged_at    INTEGER,
    settle_after INTEGER,
    PRIMARY KEY (task_id, round)
) STRICT, WITHOUT ROWID;

CREATE TABLE replicas (
    task_id         BLOB    NOT NULL,
    round           INTEGER NOT NULL,
    node_id         INTEGER NOT NULL,
    operator        BLOB    NOT NULL,
    status          INTEGER NOT NULL,
    applied_at      INTEGER NOT NULL,
    seat            INTEGER,
    sealed_hash     BLOB,
    sealed_at       INTEGER,
    result_hash     BLOB,
    result_uri      TEXT,
    revealed_at     INTEGER,
    due             BLOB,
    provider_amount BLOB,
    fee_amount      BLOB,
    case_id         INTEGER,
    ended_at        INTEGER,
    PRIMARY KEY (task_id, round, node_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX replicas_by_node ON replicas (node_id, applied_at, task_id, round);
CREATE INDEX replicas_by_time ON replicas (applied_at, task_id, round, node_id);
CREATE INDEX replicas_by_status ON replicas (status, applied_at, task_id, round, node_id);

ALTER TABLE tasks ADD COLUMN seats INTEGER NOT NULL DEFAULT 1;

-- What an earlier version indexed has none of this: the index begins anew, from the deployment's first block. -------------

DELETE FROM undo;
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
UPDATE state
SET indexed = NULL, indexed_hash = NULL, indexed_at = NULL, head = 0, finalized = 0, floor = 0, live = 0;
