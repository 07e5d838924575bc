//! Sandboxes that run a task inside its limits.
