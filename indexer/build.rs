//! The migrations are part of the program: a change of one builds it again.

fn main() {
    println!("cargo::rerun-if-changed=../migrations/indexer/sqlite");
}
