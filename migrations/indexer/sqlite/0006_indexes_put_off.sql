-- Indexes that are built once a long history is loaded. A later migration that drops an index deletes it here, too. ---------

CREATE TABLE indexes_put_off (
    name       TEXT PRIMARY KEY,
    definition TEXT NOT NULL
) STRICT;
