-- The indexer's database. Columns hold integers, text or blobs:
--   amounts of up to 256 bits: a blob of one length byte and the significant bytes, big-endian, which sorts like the number
--   hashes and addresses: blobs of 32 and 20 bytes
--   enums: the number of the contract's variant; flags: 0 or 1; times: Unix seconds
-- A test compares these tables with the rows that the program declares.

-- Where the database stands --------------------------------------------------------------------------------------------

CREATE TABLE state (
    id           INTEGER PRIMARY KEY CHECK (id = 0),
    chain_id     INTEGER NOT NULL,
    deployment   TEXT    NOT NULL,
    indexed      INTEGER,
    indexed_hash BLOB,
    indexed_at   INTEGER,
    head         INTEGER NOT NULL,
    finalized    INTEGER NOT NULL,
    floor        INTEGER NOT NULL,
    live         INTEGER NOT NULL
) STRICT;

CREATE TABLE blocks (
    number      INTEGER PRIMARY KEY,
    hash        BLOB    NOT NULL,
    parent_hash BLOB    NOT NULL,
    timestamp   INTEGER NOT NULL
) STRICT;

-- What each row was before a block that can still be reorganised; a null `before`: the row was not there.
CREATE TABLE undo (
    block      INTEGER NOT NULL,
    table_name TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    before     TEXT,
    PRIMARY KEY (block, table_name, key)
) STRICT, WITHOUT ROWID;

-- Raw events -----------------------------------------------------------------------------------------------------------

CREATE TABLE events (
    block     INTEGER NOT NULL,
    log_index INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    tx_hash   BLOB    NOT NULL,
    tx_index  INTEGER NOT NULL,
    address   BLOB    NOT NULL,
    contract  TEXT,
    kind      TEXT,
    task_id   BLOB,
    node_id   INTEGER,
    topics    BLOB    NOT NULL,
    data      BLOB    NOT NULL,
    PRIMARY KEY (block, log_index)
) STRICT;

CREATE INDEX events_by_task ON events (task_id, block, log_index) WHERE task_id IS NOT NULL;
CREATE INDEX events_by_node ON events (node_id, block, log_index) WHERE node_id IS NOT NULL;
CREATE INDEX events_by_kind ON events (kind, block, log_index);
CREATE INDEX events_by_contract ON events (contract, block, log_index);
CREATE INDEX events_by_tx ON events (tx_hash);

-- Nodes ----------------------------------------------------------------------------------------------------------------

CREATE TABLE nodes (
    id                 INTEGER PRIMARY KEY,
    owner              BLOB    NOT NULL,
    operator           BLOB    NOT NULL,
    payout             BLOB    NOT NULL,
    resource_type      INTEGER NOT NULL,
    metadata_uri       TEXT    NOT NULL,
    registered_at      INTEGER NOT NULL,
    status             INTEGER NOT NULL,
    verified           INTEGER NOT NULL,
    online             INTEGER NOT NULL,
    banned             INTEGER NOT NULL,
    trust_level        INTEGER NOT NULL,
    reputation         INTEGER NOT NULL,
    stake              BLOB    NOT NULL,
    unbonding          BLOB    NOT NULL,
    unbonding_ready_at INTEGER,
    slashed            BLOB    NOT NULL,
    hash_rate          BLOB    NOT NULL,
    power              BLOB    NOT NULL,
    running            INTEGER NOT NULL,
    reviewing          INTEGER NOT NULL,
    running_power      BLOB    NOT NULL,
    tasks_accepted     INTEGER NOT NULL,
    tasks_paid         INTEGER NOT NULL,
    tasks_verified     INTEGER NOT NULL,
    tasks_failed       INTEGER NOT NULL,
    challenges_passed  INTEGER NOT NULL,
    challenges_missed  INTEGER NOT NULL
) STRICT;

CREATE INDEX nodes_by_owner ON nodes (owner, id);
CREATE INDEX nodes_by_operator ON nodes (operator, id);
CREATE INDEX nodes_by_status ON nodes (status, id);
CREATE INDEX nodes_by_resource ON nodes (resource_type, status, id);
CREATE INDEX nodes_by_reputation ON nodes (reputation, id);
CREATE INDEX nodes_by_power ON nodes (power, id);
CREATE INDEX nodes_by_stake ON nodes (stake, id);

CREATE TABLE node_escrows (
    node_id INTEGER NOT NULL,
    token   BLOB    NOT NULL,
    open    BLOB    NOT NULL,
    PRIMARY KEY (node_id, token)
) STRICT, WITHOUT ROWID;

CREATE TABLE challenges (
    id           INTEGER PRIMARY KEY,
    node_id      INTEGER NOT NULL,
    status       INTEGER NOT NULL,
    seed         BLOB    NOT NULL,
    opened_at    INTEGER NOT NULL,
    deadline     INTEGER NOT NULL,
    issued_tx    BLOB    NOT NULL,
    closed_at    INTEGER,
    passed_tx    BLOB,
    largest_hash BLOB,
    hash_rate    BLOB,
    power        BLOB
) STRICT;

CREATE INDEX challenges_by_node ON challenges (node_id, id);
CREATE INDEX challenges_by_status ON challenges (status, deadline, id);

-- Tasks ----------------------------------------------------------------------------------------------------------------

CREATE TABLE tasks (
    id              BLOB    NOT NULL PRIMARY KEY,
    buyer           BLOB    NOT NULL,
    status          INTEGER NOT NULL,
    resource_type   INTEGER NOT NULL,
    min_trust_level INTEGER NOT NULL,
    min_power       INTEGER NOT NULL,
    duration        INTEGER NOT NULL,
    accept_window   INTEGER NOT NULL,
    review_window   INTEGER NOT NULL,
    price_per_hour  BLOB    NOT NULL,
    payment_token   BLOB    NOT NULL,
    spec_hash       BLOB    NOT NULL,
    spec_uri        TEXT    NOT NULL,
    escrow          BLOB    NOT NULL,
    tip_deposit     BLOB    NOT NULL,
    fee_bps         INTEGER NOT NULL,
    accept_by       INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    node_id         INTEGER,
    operator        BLOB,
    assigned_at     INTEGER,
    due_by          INTEGER,
    submitted_at    INTEGER,
    review_until    INTEGER,
    result_hash     BLOB,
    result_uri      TEXT,
    approver        BLOB,
    due             BLOB,
    provider_amount BLOB,
    fee_amount      BLOB,
    refund_amount   BLOB,
    created_at      INTEGER NOT NULL,
    created_block   INTEGER NOT NULL,
    created_tx      BLOB    NOT NULL,
    updated_at      INTEGER NOT NULL,
    closed_at       INTEGER
) STRICT;

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
    task_id     BLOB    NOT NULL,
    attempt     INTEGER NOT NULL,
    node_id     INTEGER NOT NULL,
    operator    BLOB    NOT NULL,
    outcome     INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    due_by      INTEGER NOT NULL,
    ended_at    INTEGER,
    PRIMARY KEY (task_id, attempt)
) STRICT, WITHOUT ROWID;

CREATE INDEX assignments_by_node ON assignments (node_id, accepted_at, task_id, attempt);

-- Money ----------------------------------------------------------------------------------------------------------------

CREATE TABLE escrows (
    task_id         BLOB    NOT NULL PRIMARY KEY,
    payer           BLOB    NOT NULL,
    token           BLOB    NOT NULL,
    status          INTEGER NOT NULL,
    deposited       BLOB    NOT NULL,
    held            BLOB    NOT NULL,
    tips_paid       BLOB    NOT NULL,
    provider        BLOB,
    provider_amount BLOB    NOT NULL,
    fee_amount      BLOB    NOT NULL,
    refund_amount   BLOB    NOT NULL,
    opened_at       INTEGER NOT NULL,
    closed_at       INTEGER
) STRICT;

CREATE INDEX escrows_by_opening ON escrows (opened_at, task_id);
CREATE INDEX escrows_by_status ON escrows (status, opened_at, task_id);
CREATE INDEX escrows_by_payer ON escrows (payer, opened_at, task_id);
CREATE INDEX escrows_by_provider ON escrows (provider, opened_at, task_id) WHERE provider IS NOT NULL;

CREATE TABLE balances (
    account   BLOB NOT NULL,
    token     BLOB NOT NULL,
    amount    BLOB NOT NULL,
    credited  BLOB NOT NULL,
    withdrawn BLOB NOT NULL,
    PRIMARY KEY (account, token)
) STRICT, WITHOUT ROWID;

CREATE INDEX balances_by_amount ON balances (token, amount, account);

CREATE TABLE positions (
    id              INTEGER PRIMARY KEY,
    owner           BLOB    NOT NULL,
    amount          BLOB    NOT NULL,
    weight          BLOB    NOT NULL,
    unlocks_at      INTEGER NOT NULL,
    opened_at       INTEGER NOT NULL,
    closed_at       INTEGER,
    penalty         BLOB    NOT NULL,
    rewards_claimed BLOB    NOT NULL
) STRICT;

CREATE INDEX positions_by_owner ON positions (owner, id);
CREATE INDEX positions_by_amount ON positions (amount, id);

CREATE TABLE accounts (
    address       BLOB    NOT NULL PRIMARY KEY,
    token_balance BLOB    NOT NULL,
    staked        BLOB    NOT NULL,
    delegate      BLOB,
    votes         BLOB    NOT NULL,
    tasks_created INTEGER NOT NULL,
    nodes_owned   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX accounts_by_balance ON accounts (token_balance, address);
CREATE INDEX accounts_by_votes ON accounts (votes, address);

-- Rewards --------------------------------------------------------------------------------------------------------------

CREATE TABLE epochs (
    number          INTEGER PRIMARY KEY,
    starts_at       INTEGER NOT NULL,
    ends_at         INTEGER NOT NULL,
    closed          INTEGER NOT NULL,
    closed_at       INTEGER,
    total_weight    BLOB    NOT NULL,
    budget          BLOB,
    provider_budget BLOB,
    staker_reward   BLOB,
    claimed         BLOB    NOT NULL
) STRICT;

CREATE TABLE rewards (
    node_id    INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,
    weight     BLOB    NOT NULL,
    tasks      INTEGER NOT NULL,
    claimed    BLOB,
    claimed_at INTEGER,
    payout     BLOB,
    PRIMARY KEY (node_id, epoch)
) STRICT, WITHOUT ROWID;

CREATE INDEX rewards_by_epoch ON rewards (epoch, weight, node_id);

CREATE TABLE epoch_fees (
    node_id INTEGER NOT NULL,
    epoch   INTEGER NOT NULL,
    token   BLOB    NOT NULL,
    fee     BLOB    NOT NULL,
    weight  BLOB    NOT NULL,
    PRIMARY KEY (node_id, epoch, token)
) STRICT, WITHOUT ROWID;

-- Governance -----------------------------------------------------------------------------------------------------------

CREATE TABLE proposals (
    id            BLOB    NOT NULL PRIMARY KEY,
    proposer      BLOB    NOT NULL,
    stage         INTEGER NOT NULL,
    description   TEXT    NOT NULL,
    calls         TEXT    NOT NULL,
    vote_start    INTEGER NOT NULL,
    vote_end      INTEGER NOT NULL,
    executable_at INTEGER,
    votes_for     BLOB    NOT NULL,
    votes_against BLOB    NOT NULL,
    votes_abstain BLOB    NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX proposals_by_creation ON proposals (created_at, id);

CREATE TABLE votes (
    proposal_id BLOB    NOT NULL,
    voter       BLOB    NOT NULL,
    support     INTEGER NOT NULL,
    weight      BLOB    NOT NULL,
    reason      TEXT    NOT NULL,
    cast_at     INTEGER NOT NULL,
    PRIMARY KEY (proposal_id, voter)
) STRICT, WITHOUT ROWID;

CREATE INDEX votes_by_time ON votes (cast_at, proposal_id, voter);
CREATE INDEX votes_by_voter ON votes (voter, cast_at, proposal_id);

-- The protocol as a whole ----------------------------------------------------------------------------------------------

CREATE TABLE protocol (
    id                INTEGER PRIMARY KEY CHECK (id = 0),
    nodes             INTEGER NOT NULL,
    nodes_pending     INTEGER NOT NULL,
    nodes_verified    INTEGER NOT NULL,
    nodes_active      INTEGER NOT NULL,
    nodes_inactive    INTEGER NOT NULL,
    nodes_slashed     INTEGER NOT NULL,
    active_power      BLOB    NOT NULL,
    node_stake        BLOB    NOT NULL,
    node_unbonding    BLOB    NOT NULL,
    slashed           BLOB    NOT NULL,
    tasks             INTEGER NOT NULL,
    tasks_open        INTEGER NOT NULL,
    tasks_in_progress INTEGER NOT NULL,
    tasks_completed   INTEGER NOT NULL,
    tasks_verified    INTEGER NOT NULL,
    tasks_cancelled   INTEGER NOT NULL,
    tasks_expired     INTEGER NOT NULL,
    pool_staked       BLOB    NOT NULL,
    pool_weight       BLOB    NOT NULL,
    pool_rewards      BLOB    NOT NULL,
    minted            BLOB    NOT NULL,
    burned            BLOB    NOT NULL,
    rewards_claimed   BLOB    NOT NULL
) STRICT;

CREATE TABLE token_totals (
    token     BLOB NOT NULL PRIMARY KEY,
    escrowed  BLOB NOT NULL,
    deposited BLOB NOT NULL,
    paid      BLOB NOT NULL,
    fees      BLOB NOT NULL,
    refunded  BLOB NOT NULL,
    tips      BLOB NOT NULL,
    withdrawn BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE parameters (
    name       TEXT    NOT NULL PRIMARY KEY,
    value      TEXT    NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE payment_tokens (
    token       BLOB    NOT NULL PRIMARY KEY,
    allowed     INTEGER NOT NULL,
    timeout_tip BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE reward_rates (
    token      BLOB    NOT NULL PRIMARY KEY,
    rate       BLOB    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
