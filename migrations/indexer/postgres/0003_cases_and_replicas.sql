-- Cases of the dispute court ---------------------------------------------------------------------------------------------

CREATE TABLE cases (
    id                    BIGINT PRIMARY KEY,
    task_id               BYTEA    NOT NULL,
    node_id               BIGINT NOT NULL,
    replica_node_id       BIGINT,
    appeal_id             BYTEA,
    buyer                 BYTEA    NOT NULL,
    payer                 BYTEA    NOT NULL,
    node_owner            BYTEA    NOT NULL,
    node_operator         BYTEA    NOT NULL,
    node_payout           BYTEA    NOT NULL,
    buyer_fee             BYTEA    NOT NULL,
    provider_fee          BYTEA    NOT NULL,
    status                BIGINT NOT NULL,
    round                 BIGINT NOT NULL,
    deadline              BIGINT NOT NULL,
    close_by              BIGINT NOT NULL,
    jury_size             BIGINT NOT NULL,
    seated                BIGINT NOT NULL,
    committed             BIGINT NOT NULL,
    revealed              BIGINT NOT NULL,
    replacements          BIGINT NOT NULL,
    lapses                BIGINT NOT NULL,
    draw_block            BIGINT NOT NULL,
    draw_epoch            BIGINT NOT NULL,
    draw_tries            BIGINT NOT NULL,
    seats                 BIGINT NOT NULL,
    evidence              BIGINT NOT NULL,
    share                 BIGINT,
    low                   BIGINT,
    high                  BIGINT,
    votes                 BIGINT,
    ruled_at              BIGINT,
    appellant             BYTEA,
    appeal_fee            BYTEA,
    appealed_at           BIGINT,
    appealed_share        BIGINT,
    ruled                 BIGINT,
    coherent              BIGINT,
    pot                   BYTEA,
    buyer_fee_returned    BYTEA,
    provider_fee_returned BYTEA,
    appeal_fee_returned   BYTEA,
    opened_at             BIGINT NOT NULL,
    opened_block          BIGINT NOT NULL,
    opened_tx             BYTEA    NOT NULL,
    updated_at            BIGINT NOT NULL,
    closed_at             BIGINT
);

CREATE INDEX cases_by_task ON cases (task_id, id);
CREATE INDEX cases_by_node ON cases (node_id, id);
CREATE INDEX cases_by_buyer ON cases (buyer, id);
CREATE INDEX cases_by_status ON cases (status, deadline, id);
CREATE INDEX cases_by_update ON cases (updated_at, id);

CREATE TABLE case_jurors (
    case_id      BIGINT NOT NULL,
    seat         BIGINT NOT NULL,
    juror        BYTEA    NOT NULL,
    round        BIGINT NOT NULL,
    state        BIGINT NOT NULL,
    position_id  BIGINT NOT NULL,
    drawn_at     BIGINT NOT NULL,
    commitment   BYTEA,
    committed_at BIGINT,
    share        BIGINT,
    revealed_at  BIGINT,
    penalty      BYTEA    NOT NULL,
    fee          BYTEA    NOT NULL,
    ended_at     BIGINT,
    PRIMARY KEY (case_id, seat)
);

CREATE INDEX case_jurors_by_juror ON case_jurors (juror, drawn_at, case_id, seat);
CREATE INDEX case_jurors_by_time ON case_jurors (drawn_at, case_id, seat);

CREATE TABLE evidence (
    case_id      BIGINT NOT NULL,
    number       BIGINT NOT NULL,
    party        BYTEA    NOT NULL,
    uri          TEXT COLLATE "C"    NOT NULL,
    submitted_at BIGINT NOT NULL,
    block        BIGINT NOT NULL,
    tx           BYTEA    NOT NULL,
    PRIMARY KEY (case_id, number)
);

CREATE TABLE jurors (
    address     BYTEA    NOT NULL PRIMARY KEY,
    position_id BIGINT NOT NULL,
    weight      BYTEA    NOT NULL,
    counts_from  BIGINT NOT NULL,
    active      BIGINT NOT NULL,
    held_until  BIGINT,
    seats       BIGINT NOT NULL,
    drawn       BIGINT NOT NULL,
    penalties   BYTEA    NOT NULL,
    fees        BYTEA    NOT NULL,
    joined_at   BIGINT NOT NULL,
    left_at     BIGINT,
    released_at BIGINT
);

CREATE INDEX jurors_by_weight ON jurors (weight, address);
CREATE INDEX jurors_by_position ON jurors (position_id, address);

ALTER TABLE accounts ADD COLUMN court_fees BYTEA NOT NULL DEFAULT '\x00';

-- Replicated tasks -------------------------------------------------------------------------------------------------------

CREATE TABLE replica_rounds (
    task_id      BYTEA    NOT NULL,
    round        BIGINT NOT NULL,
    accept_by    BIGINT NOT NULL,
    extended     BIGINT NOT NULL,
    candidates   BIGINT NOT NULL,
    draw_block   BIGINT,
    randomness   BYTEA,
    drawn_at     BIGINT,
    seal_until   BIGINT,
    sealed       BIGINT NOT NULL,
    reveal_until BIGINT,
    revealed     BIGINT NOT NULL,
    result_hash  BYTEA,
    agreeing     BIGINT,
    judged_at    BIGINT,
    settle_after BIGINT,
    PRIMARY KEY (task_id, round)
);

CREATE TABLE replicas (
    task_id         BYTEA    NOT NULL,
    round           BIGINT NOT NULL,
    node_id         BIGINT NOT NULL,
    operator        BYTEA    NOT NULL,
    status          BIGINT NOT NULL,
    applied_at      BIGINT NOT NULL,
    seat            BIGINT,
    sealed_hash     BYTEA,
    sealed_at       BIGINT,
    result_hash     BYTEA,
    result_uri      TEXT COLLATE "C",
    revealed_at     BIGINT,
    due             BYTEA,
    provider_amount BYTEA,
    fee_amount      BYTEA,
    case_id         BIGINT,
    ended_at        BIGINT,
    PRIMARY KEY (task_id, round, node_id)
);

CREATE INDEX replicas_by_node ON replicas (node_id, applied_at, task_id, round);
CREATE INDEX replicas_by_time ON replicas (applied_at, task_id, round, node_id);
CREATE INDEX replicas_by_status ON replicas (status, applied_at, task_id, round, node_id);

ALTER TABLE tasks ADD COLUMN seats BIGINT NOT NULL DEFAULT 1;

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
