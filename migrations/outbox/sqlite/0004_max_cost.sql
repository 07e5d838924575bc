-- The most that the gas of an intent may cost, wei.
ALTER TABLE intents ADD COLUMN max_cost TEXT;
