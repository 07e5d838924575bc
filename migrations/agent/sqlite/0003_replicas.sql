-- Replicated tasks: the round, from 1, that the node applied in. Of one of these `salt` is that of the result's seal.
ALTER TABLE work ADD COLUMN round INTEGER; -- NULL: a task of one node
