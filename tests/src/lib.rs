//! End-to-end tests over the real binaries and a real chain.
