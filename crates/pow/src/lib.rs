//! Proof-of-work challenge solver and the power estimator.
