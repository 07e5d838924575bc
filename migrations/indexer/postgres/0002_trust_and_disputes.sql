-- What the trust level and the review of a node are derived from.
ALTER TABLE nodes ADD COLUMN review_until BIGINT;
ALTER TABLE nodes ADD COLUMN last_audit_at BIGINT;
ALTER TABLE nodes ADD COLUMN audits_passed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN audits_missed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN partner_bond BYTEA;
ALTER TABLE nodes ADD COLUMN referrer BIGINT;

-- Disputes: what a ruling said and how it split the escrow. An amount is its length and its bytes.
ALTER TABLE tasks ADD COLUMN case_id BIGINT;
ALTER TABLE tasks ADD COLUMN ruling BIGINT;
ALTER TABLE tasks ADD COLUMN juror_amount BYTEA;
ALTER TABLE escrows ADD COLUMN split_amount BYTEA NOT NULL DEFAULT '\x00';
ALTER TABLE token_totals ADD COLUMN split BYTEA NOT NULL DEFAULT '\x00';
ALTER TABLE protocol ADD COLUMN tasks_disputed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE protocol ADD COLUMN tasks_resolved BIGINT NOT NULL DEFAULT 0;
