//! Logs, metrics, health endpoints, settings and shutdown of a long-running program.
