//! The `aiigo` command: jobs, nodes, stakes and money from the terminal.
fn main() {}
