-- What the trust level and the review of a node are derived from.
ALTER TABLE nodes ADD COLUMN review_until INTEGER;
ALTER TABLE nodes ADD COLUMN last_audit_at INTEGER;
ALTER TABLE nodes ADD COLUMN audits_passed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN audits_missed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN partner_bond BLOB;
ALTER TABLE nodes ADD COLUMN referrer INTEGER;

-- Disputes: what a ruling said and how it split the escrow. An amount is its length and its bytes.
ALTER TABLE tasks ADD COLUMN case_id INTEGER;
ALTER TABLE tasks ADD COLUMN ruling INTEGER;
ALTER TABLE tasks ADD COLUMN juror_amount BLOB;
ALTER TABLE escrows ADD COLUMN split_amount BLOB NOT NULL DEFAULT x'00';
ALTER TABLE token_totals ADD COLUMN split BLOB NOT NULL DEFAULT x'00';
ALTER TABLE protocol ADD COLUMN tasks_disputed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE protocol ADD COLUMN tasks_resolved INTEGER NOT NULL DEFAULT 0;
