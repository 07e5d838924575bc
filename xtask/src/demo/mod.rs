//! `cargo xtask demo`.

use clap::Args;

use crate::project::Error;

#[derive(Args)]
pub(crate) struct DemoArgs {}

pub(crate) fn run(_args: DemoArgs) -> Result<(), Error> {
    Ok(())
}
