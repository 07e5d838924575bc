-- Raw events have one number for their place in the chain: the block's above the lowest 24 bits, which hold the index among
-- its logs. One number instead of two makes every index of them smaller, and quicker to build.

-- An older process that writes waits, and then sees that the state is not what it left: it adds nothing to what is copied.
LOCK TABLE state IN EXCLUSIVE MODE;

CREATE TABLE placed_events (
    position  BIGINT PRIMARY KEY,
    timestamp BIGINT  NOT NULL,
    tx_hash   BYTEA   NOT NULL,
    tx_index  BIGINT  NOT NULL,
    address   BYTEA   NOT NULL,
    contract  TEXT COLLATE "C",
    kind      TEXT COLLATE "C",
    task_id   BYTEA,
    node_id   BIGINT,
    topics    BYTEA   NOT NULL,
    data      BYTEA   NOT NULL
);

INSERT INTO placed_events
SELECT (block << 24) | log_index, timestamp, tx_hash, tx_index, address, contract, kind, task_id, node_id, topics, data
FROM events ORDER BY block, log_index;

DROP TABLE events;
ALTER TABLE placed_events RENAME TO events;
ALTER TABLE events RENAME CONSTRAINT placed_events_pkey TO events_pkey;

CREATE INDEX events_by_task ON events (task_id, position) WHERE task_id IS NOT NULL;
CREATE INDEX events_by_node ON events (node_id, position) WHERE node_id IS NOT NULL;
CREATE INDEX events_by_kind ON events (kind, position);
CREATE INDEX events_by_contract ON events (contract, position);
CREATE INDEX events_by_tx ON events (tx_hash);

-- Of a history that is being loaded they are there already.
DELETE FROM indexes_put_off WHERE definition LIKE '% ON events %' OR definition LIKE '% ON %.events %';

-- What was told of events had another shape: whoever reads the feed begins anew.
DELETE FROM feed;
UPDATE state SET sequence = sequence + 1;
