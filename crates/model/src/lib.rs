//! A money model of the protocol, held against the deployed bytecode call by call.
//!
//! [`Model`] is a second, much simpler telling of `docs/protocol.md`: who may do what when, and what that moves. [`Chain`] is
//! the suite as the deploy script left it, in an EVM in this process. [`Pair`] gives both the same calls and compares every
//! balance after each; [`Step`]s are what a property test makes such calls from, so that a difference shrinks to the
//! shortest sequence that shows it.

mod blocks;
mod books;
mod call;
mod cast;
mod chain;
mod model;
mod pair;
mod shorten;
mod step;

pub use books::Books;
pub use call::{Call, Request};
pub use chain::{Chain, Prepared};
pub use model::{EVENTS, Model, Refusal};
pub use pair::{Difference, Pair, Tally};
pub use step::{Step, steps};
