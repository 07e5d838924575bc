//! Moves the protocol along when time passes.
