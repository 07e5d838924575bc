-- What subscribers are told: the changes of the blocks that came one by one, in order, without gaps. -----------------------

CREATE TABLE feed (
    sequence   BIGINT PRIMARY KEY,
    block      BIGINT NOT NULL,
    retracted  BIGINT NOT NULL,
    table_name TEXT COLLATE "C" NOT NULL,
    before     TEXT COLLATE "C",
    after      TEXT COLLATE "C"
);

ALTER TABLE state ADD COLUMN sequence BIGINT NOT NULL DEFAULT 0;
