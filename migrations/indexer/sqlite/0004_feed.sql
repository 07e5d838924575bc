-- What subscribers are told: the changes of the blocks that came one by one, in order, without gaps. -----------------------

CREATE TABLE feed (
    sequence   INTEGER PRIMARY KEY,
    block      INTEGER NOT NULL,
    retracted  INTEGER NOT NULL,
    table_name TEXT    NOT NULL,
    before     TEXT,
    after      TEXT
) STRICT;

ALTER TABLE state ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;
