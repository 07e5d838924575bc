//! The project's own commands: demo, test, abi.
fn main() {}
