//! What the world does to an agent that works well: the line to the chain, endpoints that lie, the chain itself, buyers, audits.

mod chain;
mod line;
mod market;
