//! Moves the protocol along when time passes.
fn main() {}
