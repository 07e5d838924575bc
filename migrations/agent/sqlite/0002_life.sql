-- What the provider told the agent to do: one row at most.
CREATE TABLE mode (
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    mode  TEXT    NOT NULL,
    since INTEGER NOT NULL -- unix seconds
) STRICT;

-- What the running agent says of itself to `status`.
CREATE TABLE remark (
    subject TEXT    NOT NULL PRIMARY KEY,
    text    TEXT    NOT NULL,
    since   INTEGER NOT NULL -- unix seconds
) STRICT;

-- Tasks that were not taken, and why; the latest only.
CREATE TABLE declined (
    task_id    TEXT    NOT NULL PRIMARY KEY,
    reason     TEXT    NOT NULL,
    may_change INTEGER NOT NULL, -- whether it is looked at again
    at         INTEGER NOT NULL  -- unix seconds
) STRICT;

CREATE INDEX declined_at ON declined (at);

ALTER TABLE work ADD COLUMN settled_at INTEGER; -- unix seconds of the chain
