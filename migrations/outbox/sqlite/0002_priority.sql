-- Which intents go first, and pay more for it: 0 normal, 1 urgent.
ALTER TABLE intents ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;

CREATE INDEX attempts_by_nonce ON attempts (nonce);
