//! What the tests share: a chain made up of valid events, databases, and a running server.

#![allow(dead_code, unreachable_pub)] // each test file uses a part of it

pub mod api;
pub mod catalog;
pub mod chain;
pub mod court;
pub mod database;
pub mod events;
pub mod market;
pub mod program;
pub mod replicas;
pub mod story;
