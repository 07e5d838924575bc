-- Tasks of a status, also of one resource, in any order: else all of them are sorted for a page. ---------------------------

CREATE INDEX tasks_by_status_and_update ON tasks (status, updated_at, id);
CREATE INDEX tasks_by_status_and_price ON tasks (status, price_per_hour, id);
CREATE INDEX tasks_by_status_and_escrow ON tasks (status, escrow, id);
CREATE INDEX tasks_by_resource_and_update ON tasks (resource_type, status, updated_at, id);
CREATE INDEX tasks_by_resource_and_price ON tasks (resource_type, status, price_per_hour, id);
CREATE INDEX tasks_by_resource_and_escrow ON tasks (resource_type, status, escrow, id);
