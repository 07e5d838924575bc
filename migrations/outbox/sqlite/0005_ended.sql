-- What is over is forgotten after a while.
ALTER TABLE intents ADD COLUMN ended_at INTEGER; -- unix seconds, once the stage is 'done'

UPDATE intents SET ended_at = CAST(strftime('%s', 'now') AS INTEGER) WHERE stage = 'done';

CREATE INDEX intents_ended ON intents (ended_at) WHERE ended_at IS NOT NULL;

-- The lowest nonce above those of transactions that were forgotten.
ALTER TABLE account ADD COLUMN free_nonce INTEGER NOT NULL DEFAULT 0;
