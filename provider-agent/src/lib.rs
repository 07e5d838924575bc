//! Proves a machine's power and earns by running tasks in a sandbox.
