-- What the transactions of this outbox cost that are in blocks. A nonce is in one block at most.
CREATE TABLE spending (
    nonce   INTEGER PRIMARY KEY,
    cost    TEXT    NOT NULL, -- gas used * price paid, wei
    seen_at INTEGER NOT NULL  -- unix seconds, when the outbox saw the block
);

CREATE INDEX spending_by_time ON spending (seen_at);
