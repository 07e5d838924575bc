-- The agent's own memory. The chain is the truth; this is what the chain does not know.

-- The node that this folder belongs to, one for each registry.
CREATE TABLE node (
    chain_id INTEGER NOT NULL,
    registry TEXT    NOT NULL, -- address
    node_id  INTEGER NOT NULL,
    owner    TEXT    NOT NULL, -- address
    PRIMARY KEY (chain_id, registry)
) STRICT;

-- Tasks that the agent went for, from the moment before anything was sent.
CREATE TABLE work (
    task_id      TEXT    NOT NULL PRIMARY KEY,
    stage        TEXT    NOT NULL,
    attempt      INTEGER NOT NULL, -- commitments made so far
    salt         TEXT    NOT NULL, -- of the latest commitment
    spec         BLOB    NOT NULL, -- the canonical task spec
    commit_block INTEGER,          -- where the latest commitment landed
    result_hash  TEXT,
    result_uri   TEXT,
    delivered    INTEGER NOT NULL DEFAULT 0, -- whether the buyer's gateway has the outputs
    paid         TEXT,             -- smallest units, once settled
    note         TEXT,             -- why it ended
    created_at   INTEGER NOT NULL, -- unix seconds
    updated_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX work_stage ON work (stage);
