//! An account that signs, and its transactions.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use aiigo_chain::{Intent, Key, Outbox, OutboxConfig, Outcome, Priority, refusal};
use aiigo_protocol::{ContractName, Deployment, Event};
use alloy::{
    network::TransactionBuilder,
    primitives::{Address, Bytes, TxHash, U256},
    providers::Provider,
    rpc::types::{TransactionReceipt, TransactionRequest},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Chain, CliError,
    error::Context,
    runs::{Run, Runs},
};

/// A transaction that was not mined in this time is given up, so that it can't surprise its sender days later.
const PATIENCE_SECONDS: u64 = 15 * 60;
/// How long to wait for another command of the same account that is sending.
const TURN: Duration = Duration::from_secs(60);

/// An account with its key, its chain and its records.
#[derive(Debug)]
pub(crate) struct Wallet {
    chain: Chain,
    signer: Key,
    data_dir: PathBuf,
}

/// What to send.
#[derive(Debug)]
pub(crate) struct Call {
    /// What it does, for messages: `approving task 0x…`.
    pub(crate) what: String,
    pub(crate) to: Address,
    pub(crate) data: Bytes,
    /// ETH wei.
    pub(crate) value: U256,
}

/// A transaction on the chain.
#[derive(Debug)]
pub(crate) struct Landed {
    pub(crate) tx_hash: TxHash,
    pub(crate) receipt: TransactionReceipt,
}

impl Landed {
    /// What the suite's contracts said in it.
    pub(crate) fn events(&self, deployment: &Deployment) -> impl Iterator<Item = Event> {
        self.receipt.logs().iter().filter_map(|log| Event::decode(deployment.contract_at(log.address())?, log.data()))
    }

    /// An event that it should have brought is not there.
    pub(crate) fn lacks_its_event(&self) -> CliError {
        CliError::Failed(format!(
            "transaction {} went through without the event that it should have: is --deployment the right file for this \
             chain?",
            self.tx_hash
        ))
    }
}

/// What a transaction would cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Gas that it would use now.
    pub(crate) gas: u64,
    /// The most that this gas may cost at what is offered for it now, ETH wei.
    pub(crate) most: U256,
}

impl Wallet {
    pub(crate) fn new(chain: Chain, signer: Key, data_dir: PathBuf) -> Self {
        Self { chain, signer, data_dir }
    }

    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }

    pub(crate) fn address(&self) -> Address {
        self.signer.address()
    }

    /// Where this user's records are.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// This account's records on this chain.
    pub(crate) fn runs(&self) -> Runs {
        Runs::new(&self.data_dir, self.chain.deployment().chain_id, self.address())
    }

    /// A call of a contract of the suite.
    pub(crate) fn call(&self, what: impl Into<String>, contract: ContractName, data: Vec<u8>) -> Call {
        let to = self.chain.deployment().address(contract);
        Call { what: what.into(), to, data: data.into(), value: U256::ZERO }
    }

    /// What a call would cost now.
    ///
    /// # Errors
    /// If the contract would refuse it.
    pub(crate) async fn cost(&self, call: &Call) -> Result<Cost, CliError> {
        let what = || call.what.clone();
        let request = TransactionRequest::default()
            .with_from(self.address())
            .with_to(call.to)
            .with_input(call.data.clone())
            .with_value(call.value);
        let gas = match self.chain.provider().estimate_gas(request).await {
            Ok(gas) => gas,
            Err(error) => {
                return Err(match refusal(&error) {
                    Some(error) => CliError::Refused { what: what(), error },
                    None => CliError::caused(what(), error),
                });
            }
        };
        let fees =
            self.chain.provider().estimate_eip1559_fees().await.context(|| "asking for the price of gas".into())?;
        Ok(Cost { gas, most: U256::from(gas) * U256::from(fees.max_fee_per_gas) })
    }

    /// Notes that what a call would bring about is so: should a command that was killed have sent it, that is over.
    pub(crate) fn is_done(&self, action: &str, call: &Call) -> Result<(), CliError> {
        self.runs().begin(action, &content(call))?.finish()
    }

    /// Sends a transaction once: if the same command was killed in the middle, this goes on with what it sent.
    pub(crate) async fn send_once(
        &self,
        action: &str,
        call: Call,
        stop: &CancellationToken,
    ) -> Result<Landed, CliError> {
        let run = self.runs().begin(action, &content(&call))?;
        let sent = self.send(&run, call, stop).await;
        // An interrupted one stays under way, and so does one whose end could not be learned.
        if sent.as_ref().map_or_else(CliError::is_final, |_| true) {
            run.finish()?;
        }
        sent
    }

    /// Sends the transaction of a run and waits until it is on the chain.
    pub(crate) async fn send(&self, run: &Run, call: Call, stop: &CancellationToken) -> Result<Landed, CliError> {
        let outbox = self.outbox().await?;
        let token = CancellationToken::new();
        let stops_the_driver = token.clone().drop_guard();
        let mut driver = tokio::spawn({
            let outbox = outbox.clone();
            async move { outbox.run(token).await }
        });
        let what = call.what.clone();
        let intent = Intent {
            key: run.key().to_owned(),
            label: call.what,
            to: call.to,
            data: call.data,
            value: call.value,
            deadline: Some(run.started_at() + PATIENCE_SECONDS),
            max_fee_per_gas: None,
            max_cost: None,
            priority: Priority::Normal,
        };
        let outcome = tokio::select! {
            outcome = outbox.send(intent) => outcome.context(|| what.clone())?,
            ended = &mut driver => return Err(driver_ended(what, ended)),
            () = stop.cancelled() => return Err(CliError::Interrupted {
                resume: format!("{what} is under way: give the same command again to go on with it"),
            }),
        };
        // The next command of this account may have the outbox.
        drop(stops_the_driver);
        let _ = driver.await;
        match outcome {
            Outcome::Landed { tx_hash, receipt, .. } => Ok(Landed { tx_hash, receipt: *receipt }),
            Outcome::Reverted { error, .. } => Err(CliError::Refused { what, error }),
            Outcome::Expired => Err(CliError::Failed(format!(
                "{what}: no block took the transaction within {} minutes, or it became pointless meanwhile, and none will \
                 take it now: nothing happened; try again",
                PATIENCE_SECONDS / 60
            ))),
        }
    }

    /// The account's outbox. Another command of the same account may be sending: then it is waited for.
    async fn outbox(&self) -> Result<Outbox, CliError> {
        let name = format!("outbox-{}-{}.sqlite", self.chain.deployment().chain_id, self.address());
        let path = self.data_dir.join(name);
        tokio::fs::create_dir_all(&self.data_dir).await.context(|| format!("creating {}", self.data_dir.display()))?;
        let config = OutboxConfig { lock_patience: TURN, ..OutboxConfig::default() };
        Outbox::open(&path, self.chain.provider().clone(), self.signer.clone(), config)
            .await
            .context(|| format!("opening the records of transactions in {}", path.display()))
    }
}

/// Two calls are the same if these bytes are.
fn content(call: &Call) -> Vec<u8> {
    [call.to.as_slice(), &call.data, &call.value.to_be_bytes::<32>()].concat()
}

fn driver_ended<E: std::error::Error + Send + Sync + 'static>(
    what: String,
    ended: Result<Result<(), E>, tokio::task::JoinError>,
) -> CliError {
    match ended {
        Ok(Ok(())) => CliError::Failed(format!("{what}: stopped before it was done; give the same command again")),
        Ok(Err(error)) => CliError::caused(what, error),
        Err(error) => CliError::caused(what, error),
    }
}
