//! A throwaway chain with the suite deployed, for the demo and the tests.
//!
//! [`Devnet`] is the chain: anvil on a free port, with the contracts of this checkout deployed by the project's own
//! deploy script. The deployed state is cached, so that only the first start after a change pays for the compiler.
//! [`Market`] puts the off-chain programs around it, as the real processes that a user would start. [`Process`] is one
//! such child: it logs to a file, is waited for by what it does and never by time, and dies with its parent. [`Line`]
//! stands between a program and the chain and fails as networks and endpoints do. [`Postgres`] is a database server,
//! [`Docker`] a container engine, [`Registry`] serves it images.

mod account;
mod anvil;
mod bare;
mod deploy;
mod devnet;
mod docker;
mod error;
mod landing;
mod line;
mod market;
mod poll;
mod postgres;
mod process;
mod registry;
mod snapshot;
mod spawner;
mod subscription;
mod toolchain;

pub use account::Account;
pub use anvil::BlockTime;
pub use bare::BareChain;
pub use devnet::{CHAIN_ID, Devnet, DevnetConfig, project_root};
pub use docker::Docker;
pub use error::{DevnetError, ProcessError};
pub use landing::{landed, mined};
pub use line::{Fault, Faults, Lie, Line, REFUSALS};
pub use market::{Agent, Desk, Finished, Market, MarketConfig, Program, Server};
pub use poll::{eventually, try_until};
pub use postgres::Postgres;
pub use process::{Process, ProcessCommand};
pub use registry::{Images, Registry};
pub use snapshot::{Placed, place};
pub use subscription::Subscription;
pub use toolchain::find_tool;
