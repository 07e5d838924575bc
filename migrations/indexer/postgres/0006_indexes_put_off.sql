-- Indexes that are built once a long history is loaded. A later migration that drops an index deletes it here, too. ---------

CREATE TABLE indexes_put_off (
    name       TEXT COLLATE "C" PRIMARY KEY,
    definition TEXT COLLATE "C" NOT NULL
);
