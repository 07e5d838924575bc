-- The indexer's database, as in SQLite: the same tables, columns and indexes. Columns hold integers, text or bytes:
--   amounts of up to 256 bits: a blob of one length byte and the significant bytes, big-endian, which sorts like the number
--   hashes and addresses: blobs of 32 and 20 bytes
--   enums: the number of the contract's variant; flags: 0 or 1; times: Unix seconds
-- A test compares these tables with the rows that the program declares.

-- Where the database stands --------------------------------------------------------------------------------------------

CREATE TABLE state (
    id           BIGINT PRIMARY KEY CHECK (id = 0),
    chain_id     BIGINT NOT NULL,
    deployment   TEXT COLLATE "C"    NOT NULL,
    indexed      BIGINT,
    indexed_hash BYTEA,
    indexed_at   BIGINT,
    head         BIGINT NOT NULL,
    finalized    BIGINT NOT NULL,
    floor        BIGINT NOT NULL,
    live         BIGINT NOT NULL
);

CREATE TABLE blocks (
    number      BIGINT PRIMARY KEY,
    hash        BYTEA    NOT NULL,
    parent_hash BYTEA    NOT NULL,
    timestamp   BIGINT NOT NULL
);

-- What each row was before a block that can still be reorganised; a null `before`: the row was not there.
CREATE TABLE undo (
    block      BIGINT NOT NULL,
    table_name TEXT COLLATE "C"    NOT NULL,
    key        TEXT COLLATE "C"    NOT NULL,
    before     TEXT COLLATE "C",
    PRIMARY KEY (block, table_name, key)
);

-- Raw events -----------------------------------------------------------------------------------------------------------

CREATE TABLE events (
    block     BIGINT NOT NULL,
    log_index BIGINT NOT NULL,
    timestamp BIGINT NOT NULL,
    tx_hash   BYTEA    NOT NULL,
    tx_index  BIGINT NOT NULL,
    address   BYTEA    NOT NULL,
    contract  TEXT COLLATE "C",
    kind      TEXT COLLATE "C",
    task_id   BYTEA,
    node_id   BIGINT,
    topics    BYTEA    NOT NULL,
    data      BYTEA    NOT NULL,
    PRIMARY KEY (block, log_index)
);

CREATE INDEX events_by_task ON events (task_id, block, log_index) WHERE task_id IS NOT NULL;
CREATE INDEX events_by_node ON events (node_id, block, log_index) WHERE node_id IS NOT NULL;
CREATE INDEX events_by_kind ON events (kind, block, log_index);
CREATE INDEX events_by_contract ON events (contract, block, log_index);
CREATE INDEX events_by_tx ON events (tx_hash);

-- Nodes ----------------------------------------------------------------------------------------------------------------

CREATE TABLE nodes (
    id                 BIGINT PRIMARY KEY,
    owner              BYTEA    NOT NULL,
    operator           BYTEA    NOT NULL,
    payout             BYTEA    NOT NULL,
    resource_type      BIGINT NOT NULL,
    metadata_uri       TEXT COLLATE "C"    NOT NULL,
    registered_at      BIGINT NOT NULL,
    status             BIGINT NOT NULL,
    verified           BIGINT NOT NULL,
    online             BIGINT NOT NULL,
    banned             BIGINT NOT NULL,
    trust_level        BIGINT NOT NULL,
    reputation         BIGINT NOT NULL,
    stake              BYTEA    NOT NULL,
    unbonding          BYTEA    NOT NULL,
    unbonding_ready_at BIGINT,
    slashed            BYTEA    NOT NULL,
    hash_rate          BYTEA    NOT NULL,
    power              BYTEA    NOT NULL,
    running            BIGINT NOT NULL,
    reviewing          BIGINT NOT NULL,
    running_power      BYTEA    NOT NULL,
    tasks_accepted     BIGINT NOT NULL,
    tasks_paid         BIGINT NOT NULL,
    tasks_verified     BIGINT NOT NULL,
    tasks_failed       BIGINT NOT NULL,
    challenges_passed  BIGINT NOT NULL,
    challenges_missed  BIGINT NOT NULL
);

CREATE INDEX nodes_by_owner ON nodes (owner, id);
CREATE INDEX nodes_by_operator ON nodes (operator, id);
CREATE INDEX nodes_by_status ON nodes (status, id);
CREATE INDEX nodes_by_resource ON nodes (resource_type, status, id);
CREATE INDEX nodes_by_reputation ON nodes (reputation, id);
CREATE INDEX nodes_by_power ON nodes (power, id);
CREATE INDEX nodes_by_stake ON nodes (stake, id);

CREATE TABLE node_escrows (
    node_id BIGINT NOT NULL,
    token   BYTEA    NOT NULL,
    open    BYTEA    NOT NULL,
    PRIMARY KEY (node_id, token)
);

CREATE TABLE challenges (
    id           BIGINT PRIMARY KEY,
    node_id      BIGINT NOT NULL,
    status       BIGINT NOT NULL,
    seed         BYTEA    NOT NULL,
    opened_at    BIGINT NOT NULL,
    deadline     BIGINT NOT NULL,
    issued_tx    BYTEA    NOT NULL,
    closed_at    BIGINT,
    passed_tx    BYTEA,
    largest_hash BYTEA,
    hash_rate    BYTEA,
    power        BYTEA
);

CREATE INDEX challenges_by_node ON challenges (node_id, id);
CREATE INDEX challenges_by_status ON challenges (status, deadline, id);

-- Tasks ----------------------------------------------------------------------------------------------------------------

CREATE TABLE tasks (
    id              BYTEA    NOT NULL PRIMARY KEY,
    buyer           BYTEA    NOT NULL,
    status          BIGINT NOT NULL,
    resource_type   BIGINT NOT NULL,
    min_trust_level BIGINT NOT NULL,
    min_power       BIGINT NOT NULL,
    duration        BIGINT NOT NULL,
    accept_window   BIGINT NOT NULL,
    review_window   BIGINT NOT NULL,
    price_per_hour  BYTEA    NOT NULL,
    payment_token   BYTEA    NOT NULL,
    spec_hash       BYTEA    NOT NULL,
    spec_uri        TEXT COLLATE "C"    NOT NULL,
    escrow          BYTEA    NOT NULL,
    tip_deposit     BYTEA    NOT NULL,
    fee_bps         BIGINT NOT NULL,
    accept_by       BIGINT NOT NULL,
    attempts        BIGINT NOT NULL,
    node_id         BIGINT,
    operator        BYTEA,
    assigned_at     BIGINT,
    due_by          BIGINT,
    submitted_at    BIGINT,
    review_until    BIGINT,
    result_hash     BYTEA,
    result_uri      TEXT COLLATE "C",
    approver        BYTEA,
    due             BYTEA,
    provider_amount BYTEA,
    fee_amount      BYTEA,
    refund_amount   BYTEA,
    created_at      BIGINT NOT NULL,
    created_block   BIGINT NOT NULL,
    created_tx      BYTEA    NOT NULL,
    updated_at      BIGINT NOT NULL,
    closed_at       BIGINT
);

CREATE INDEX tasks_by_creation ON tasks (created_at, id);
CREATE INDEX tasks_by_update ON tasks (updated_at, id);
CREATE INDEX tasks_by_status ON tasks (status, created_at, id);
CREATE INDEX tasks_by_resource ON tasks (resource_type, status, created_at, id);
CREATE INDEX tasks_by_buyer ON tasks (buyer, created_at, id);
CREATE INDEX tasks_by_node ON tasks (node_id, created_at, id) WHERE node_id IS NOT NULL;
CREATE INDEX tasks_by_price ON tasks (price_per_hour, id);
CREATE INDEX tasks_by_escrow ON tasks (escrow, id);
CREATE INDEX tasks_by_spec ON tasks (spec_hash, created_at, id);
CREATE INDEX tasks_to_accept ON tasks (accept_by, id) WHERE status = 1;
CREATE INDEX tasks_to_deliver ON tasks (due_by, id) WHERE status = 2;
CREATE INDEX tasks_to_review ON tasks (review_until, id) WHERE status = 3;

CREATE TABLE assignments (
    task_id     BYTEA    NOT NULL,
    attempt     BIGINT NOT NULL,
    node_id     BIGINT NOT NULL,
    operator    BYTEA    NOT NULL,
    outcome     BIGINT NOT NULL,
    accepted_at BIGINT NOT NULL,
    due_by      BIGINT NOT NULL,
    ended_at    BIGINT,
    PRIMARY KEY (task_id, attempt)
);

CREATE INDEX assignments_by_node ON assignments (node_id, accepted_at, task_id, attempt);

-- Money ----------------------------------------------------------------------------------------------------------------

CREATE TABLE escrows (
    task_id         BYTEA    NOT NULL PRIMARY KEY,
    payer           BYTEA    NOT NULL,
    token           BYTEA    NOT NULL,
    status          BIGINT NOT NULL,
    deposited       BYTEA    NOT NULL,
    held            BYTEA    NOT NULL,
    tips_paid       BYTEA    NOT NULL,
    provider        BYTEA,
    provider_amount BYTEA    NOT NULL,
    fee_amount      BYTEA    NOT NULL,
    refund_amount   BYTEA    NOT NULL,
    opened_at       BIGINT NOT NULL,
    closed_at       BIGINT
);

CREATE INDEX escrows_by_opening ON escrows (opened_at, task_id);
CREATE INDEX escrows_by_status ON escrows (status, opened_at, task_id);
CREATE INDEX escrows_by_payer ON escrows (payer, opened_at, task_id);
CREATE INDEX escrows_by_provider ON escrows (provider, opened_at, task_id) WHERE provider IS NOT NULL;

CREATE TABLE balances (
    account   BYTEA NOT NULL,
    token     BYTEA NOT NULL,
    amount    BYTEA NOT NULL,
    credited  BYTEA NOT NULL,
    withdrawn BYTEA NOT NULL,
    PRIMARY KEY (account, token)
);

CREATE INDEX balances_by_amount ON balances (token, amount, account);

CREATE TABLE positions (
    id              BIGINT PRIMARY KEY,
    owner           BYTEA    NOT NULL,
    amount          BYTEA    NOT NULL,
    weight          BYTEA    NOT NULL,
    unlocks_at      BIGINT NOT NULL,
    opened_at       BIGINT NOT NULL,
    closed_at       BIGINT,
    penalty         BYTEA    NOT NULL,
    rewards_claimed BYTEA    NOT NULL
);

CREATE INDEX positions_by_owner ON positions (owner, id);
CREATE INDEX positions_by_amount ON positions (amount, id);

CREATE TABLE accounts (
    address       BYTEA    NOT NULL PRIMARY KEY,
    token_balance BYTEA    NOT NULL,
    staked        BYTEA    NOT NULL,
    delegate      BYTEA,
    votes         BYTEA    NOT NULL,
    tasks_created BIGINT NOT NULL,
    nodes_owned   BIGINT NOT NULL
);

CREATE INDEX accounts_by_balance ON accounts (token_balance, address);
CREATE INDEX accounts_by_votes ON accounts (votes, address);

-- Rewards --------------------------------------------------------------------------------------------------------------

CREATE TABLE epochs (
    number          BIGINT PRIMARY KEY,
    starts_at       BIGINT NOT NULL,
    ends_at         BIGINT NOT NULL,
    closed          BIGINT NOT NULL,
    closed_at       BIGINT,
    total_weight    BYTEA    NOT NULL,
    budget          BYTEA,
    provider_budget BYTEA,
    staker_reward   BYTEA,
    claimed         BYTEA    NOT NULL
);

CREATE TABLE rewards (
    node_id    BIGINT NOT NULL,
    epoch      BIGINT NOT NULL,
    weight     BYTEA    NOT NULL,
    tasks      BIGINT NOT NULL,
    claimed    BYTEA,
    claimed_at BIGINT,
    payout     BYTEA,
    PRIMARY KEY (node_id, epoch)
);

CREATE INDEX rewards_by_epoch ON rewards (epoch, weight, node_id);

CREATE TABLE epoch_fees (
    node_id BIGINT NOT NULL,
    epoch   BIGINT NOT NULL,
    token   BYTEA    NOT NULL,
    fee     BYTEA    NOT NULL,
    weight  BYTEA    NOT NULL,
    PRIMARY KEY (node_id, epoch, token)
);

-- Governance -----------------------------------------------------------------------------------------------------------

CREATE TABLE proposals (
    id            BYTEA    NOT NULL PRIMARY KEY,
    proposer      BYTEA    NOT NULL,
    stage         BIGINT NOT NULL,
    description   TEXT COLLATE "C"    NOT NULL,
    calls         TEXT COLLATE "C"    NOT NULL,
    vote_start    BIGINT NOT NULL,
    vote_end      BIGINT NOT NULL,
    executable_at BIGINT,
    votes_for     BYTEA    NOT NULL,
    votes_against BYTEA    NOT NULL,
    votes_abstain BYTEA    NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

CREATE INDEX proposals_by_creation ON proposals (created_at, id);

CREATE TABLE votes (
    proposal_id BYTEA    NOT NULL,
    voter       BYTEA    NOT NULL,
    support     BIGINT NOT NULL,
    weight      BYTEA    NOT NULL,
    reason      TEXT COLLATE "C"    NOT NULL,
    cast_at     BIGINT NOT NULL,
    PRIMARY KEY (proposal_id, voter)
);

CREATE INDEX votes_by_time ON votes (cast_at, proposal_id, voter);
CREATE INDEX votes_by_voter ON votes (voter, cast_at, proposal_id);

-- The protocol as a whole ----------------------------------------------------------------------------------------------

CREATE TABLE protocol (
    id                BIGINT PRIMARY KEY CHECK (id = 0),
    nodes             BIGINT NOT NULL,
    nodes_pending     BIGINT NOT NULL,
    nodes_verified    BIGINT NOT NULL,
    nodes_active      BIGINT NOT NULL,
    nodes_inactive    BIGINT NOT NULL,
    nodes_slashed     BIGINT NOT NULL,
    active_power      BYTEA    NOT NULL,
    node_stake        BYTEA    NOT NULL,
    node_unbonding    BYTEA    NOT NULL,
    slashed           BYTEA    NOT NULL,
    tasks             BIGINT NOT NULL,
    tasks_open        BIGINT NOT NULL,
    tasks_in_progress BIGINT NOT NULL,
    tasks_completed   BIGINT NOT NULL,
    tasks_verified    BIGINT NOT NULL,
    tasks_cancelled   BIGINT NOT NULL,
    tasks_expired     BIGINT NOT NULL,
    pool_staked       BYTEA    NOT NULL,
    pool_weight       BYTEA    NOT NULL,
    pool_rewards      BYTEA    NOT NULL,
    minted            BYTEA    NOT NULL,
    burned            BYTEA    NOT NULL,
    rewards_claimed   BYTEA    NOT NULL
);

CREATE TABLE token_totals (
    token     BYTEA NOT NULL PRIMARY KEY,
    escrowed  BYTEA NOT NULL,
    deposited BYTEA NOT NULL,
    paid      BYTEA NOT NULL,
    fees      BYTEA NOT NULL,
    refunded  BYTEA NOT NULL,
    tips      BYTEA NOT NULL,
    withdrawn BYTEA NOT NULL
);

CREATE TABLE parameters (
    name       TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    value      TEXT COLLATE "C"    NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE payment_tokens (
    token       BYTEA    NOT NULL PRIMARY KEY,
    allowed     BIGINT NOT NULL,
    timeout_tip BYTEA    NOT NULL
);

CREATE TABLE reward_rates (
    token      BYTEA    NOT NULL PRIMARY KEY,
    rate       BYTEA    NOT NULL,
    expires_at BIGINT NOT NULL
);
