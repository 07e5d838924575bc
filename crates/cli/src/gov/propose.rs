//! `aiigo gov propose`.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use aiigo_chain::refusal;
use aiigo_protocol::{
    AIIGOGovernor::{self, AIIGOGovernorEvents},
    ContractName, Event, NodeId,
    units::parse_aiigo,
};
use aiigo_task::{format_duration, parse_duration};
use alloy::{
    network::TransactionBuilder,
    primitives::{Address, Bytes, U256},
    providers::Provider,
    rpc::types::TransactionRequest,
    sol_types::SolCall,
};
use clap::{Args, Subcommand};

use super::action::{self, Action, FeeToken, Tier};
use crate::{
    Chain, CliError,
    args::{WalletArgs, parsed},
    cli::Session,
    confirm::ConfirmArgs,
    decoded::{self, DecodedCall},
    format,
    job::INTERVAL,
    share::Share,
    wallet::Wallet,
};

/// The next block comes sooner on any chain in use.
const NEXT_BLOCK: Duration = Duration::from_secs(30);

/// `aiigo gov propose`.
#[derive(Subcommand, Debug)]
pub(crate) enum ProposeCommand {
    /// Set the market's fee
    SetFee {
        /// Basis points (700) or per cent (7%)
        #[arg(value_parser = parsed::<Share>)]
        fee: Share,
        #[command(flatten)]
        proposing: ProposingArgs,
    },
    /// Set the least stake of a node
    SetMinStake {
        /// How much AIIGO
        #[arg(value_parser = parse_aiigo)]
        amount: U256,
        #[command(flatten)]
        proposing: ProposingArgs,
    },
    /// Say who runs a node
    AddTrustedNode {
        /// The node's id
        #[arg(value_parser = parsed::<NodeId>)]
        node: NodeId,
        /// Who runs it
        #[arg(long, value_enum, default_value = "community")]
        tier: Tier,
        #[command(flatten)]
        proposing: ProposingArgs,
    },
    /// Slash a node for misuse, half of its stake, and ban it
    Slash {
        /// The node's id
        #[arg(value_parser = parsed::<NodeId>)]
        node: NodeId,
        #[command(flatten)]
        proposing: ProposingArgs,
    },
    /// Set how much AIIGO is minted for fees
    SetRewardRate {
        /// The token of the fees: eth, aiigo, or its address
        #[arg(value_parser = parsed::<FeeToken>)]
        token: FeeToken,
        /// AIIGO for each whole unit of fee (1e18 of its smallest)
        #[arg(value_parser = parse_aiigo)]
        rate: U256,
        #[command(flatten)]
        proposing: ProposingArgs,
    },
    /// Put another implementation behind a contract
    Upgrade {
        /// The contract, e.g. TaskMarketplace
        #[arg(value_parser = contract)]
        contract: ContractName,
        /// The implementation's address
        implementation: Address,
        /// A call that is run on it at once: 0x and hexadecimal
        #[arg(long, value_name = "DATA", default_value = "0x", hide_default_value = true)]
        call: Bytes,
        #[command(flatten)]
        proposing: ProposingArgs,
    },
    /// Refuse new registrations, stakes and tasks for a time
    Pause {
        /// For how long from now on, the way of the proposal included: 20d
        #[arg(long, value_name = "TIME", value_parser = parse_duration)]
        duration: Duration,
        #[command(flatten)]
        proposing: ProposingArgs,
    },
    /// Lift every pause
    Unpause {
        #[command(flatten)]
        proposing: ProposingArgs,
    },
    /// Propose the calls in a file
    Raw {
        /// JSON: [{"target": ADDRESS or contract, "value": wei, "data": "0x…"}, …]
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        proposing: ProposingArgs,
    },
}

/// What every proposal needs.
#[derive(Args, Debug)]
pub(crate) struct ProposingArgs {
    /// Why: the text by which voters judge it
    #[arg(long, value_name = "TEXT")]
    description: String,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    wallet: WalletArgs,
}

fn contract(text: &str) -> Result<ContractName, String> {
    let found = ContractName::ALL.into_iter().find(|name| name.name().eq_ignore_ascii_case(text));
    found.ok_or_else(|| {
        let names: Vec<_> = ContractName::ALL.iter().map(|name| name.name()).collect();
        format!("`{text}` is no contract of the suite: {}", names.join(", "))
    })
}

impl ProposeCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.proposing().wallet.open().await?;
        let chain = wallet.chain();
        let action = match &self {
            Self::SetFee { fee, .. } => action::set_fee(chain, *fee).await?,
            Self::SetMinStake { amount, .. } => action::set_min_stake(chain, *amount).await?,
            Self::AddTrustedNode { node, tier, .. } => action::add_trusted_node(chain, *node, *tier),
            Self::Slash { node, .. } => action::slash(chain, *node),
            Self::SetRewardRate { token, rate, .. } => action::set_reward_rate(chain, *token, *rate),
            Self::Upgrade { contract, implementation, call, .. } => {
                action::upgrade(chain, *contract, *implementation, call.clone()).await?
            }
            Self::Pause { duration, .. } => {
                let now = chain.head().await?.timestamp;
                action::pause(chain.deployment(), now.saturating_add(duration.as_secs()))
            }
            Self::Unpause { .. } => action::pause(chain.deployment(), 0),
            Self::Raw { file, .. } => action::raw(chain.deployment(), file)?,
        };
        propose(&wallet, self.proposing(), action, session).await
    }

    fn proposing(&self) -> &ProposingArgs {
        match self {
            Self::SetFee { proposing, .. }
            | Self::SetMinStake { proposing, .. }
            | Self::AddTrustedNode { proposing, .. }
            | Self::Slash { proposing, .. }
            | Self::SetRewardRate { proposing, .. }
            | Self::Upgrade { proposing, .. }
            | Self::Pause { proposing, .. }
            | Self::Unpause { proposing }
            | Self::Raw { proposing, .. } => proposing,
        }
    }
}

async fn propose(wallet: &Wallet, args: &ProposingArgs, action: Action, session: &Session) -> Result<(), CliError> {
    let chain = wallet.chain();
    let calls = action.targets.iter().zip(&action.values).zip(&action.calldatas);
    let calls = decoded::calls(chain, calls.map(|((target, value), data)| (*target, *value, data))).await?;
    let rules = Rules::read_soon(wallet).await?;
    let description = action.description(&args.description);
    let mut lines = vec!["propose to".to_owned()];
    lines.extend(calls.iter().flat_map(DecodedCall::lines).map(|line| format!("  {line}")));
    lines.push(format!("as: {description}"));
    lines.extend(rules.lines());
    lines.extend(warnings(chain, &action).await?);
    if !rules.suffices() {
        return Err(CliError::Failed(format!(
            "{}. To have more: stake or hold more AIIGO, `aiigo gov delegate self`, or have others delegate to {}",
            rules.votes_line(),
            wallet.address()
        )));
    }
    let Action { targets, values, calldatas, .. } = action;
    let data = AIIGOGovernor::proposeCall { targets, values, calldatas, description: description.clone() }.abi_encode();
    let call = wallet.call(format!("proposing `{description}`"), ContractName::AIIGOGovernor, data);
    args.confirm.agree(wallet, &lines, &[&call], session).await?;
    let landed = wallet.send_once("propose", call, &session.stop).await?;
    let created = landed.events(chain.deployment()).find_map(|event| match event {
        Event::AIIGOGovernor(AIIGOGovernorEvents::ProposalCreated(created)) => Some(created),
        _ => None,
    });
    let created = created.ok_or_else(|| landed.lacks_its_event())?;
    let now = chain.head().await?.timestamp;
    let (starts, ends) = (created.voteStart.saturating_to(), created.voteEnd.saturating_to());
    let document = serde_json::json!({
        "proposalId": created.proposalId.to_string(),
        "description": created.description,
        "calls": calls,
        "voteStart": starts,
        "voteEnd": ends,
        "txHash": landed.tx_hash,
    });
    session.output.result(&document, || {
        format!(
            "Proposed {}\nvoting begins {}\nvoting ends {}\ntx {}",
            created.proposalId,
            format::deadline(starts, now),
            format::deadline(ends, now),
            landed.tx_hash
        )
    })
}

/// What the governor asks of a proposal, and what the account has. Votes in AIIGO wei, times in seconds.
#[derive(Clone, Copy, Debug)]
struct Rules {
    votes: U256,
    threshold: U256,
    quorum: U256,
    delay: u64,
    period: u64,
}

impl Rules {
    /// The rules; votes that were delegated in the newest block are waited for, because they count from the next one on.
    async fn read_soon(wallet: &Wallet) -> Result<Self, CliError> {
        let (chain, account) = (wallet.chain(), wallet.address());
        let failed = |error| CliError::call(format!("reading the votes of {account}"), error);
        let started = Instant::now();
        loop {
            let rules = Self::read(wallet).await?;
            let held = chain.token().getVotes(account).call().await.map_err(failed)?;
            let staked = chain.pool().getVotes(account).call().await.map_err(failed)?;
            let will_suffice = held.saturating_add(staked) >= rules.threshold;
            if rules.suffices() || !will_suffice || started.elapsed() > NEXT_BLOCK {
                return Ok(rules);
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    async fn read(wallet: &Wallet) -> Result<Self, CliError> {
        let governor = wallet.chain().governor();
        let failed = |error| CliError::call("reading the governor's rules", error);
        // The governor looks a second back, so that nobody proposes with votes of a moment.
        let before = U256::from(wallet.chain().head().await?.timestamp.saturating_sub(1));
        Ok(Self {
            votes: governor.getVotes(wallet.address(), before).call().await.map_err(failed)?,
            threshold: governor.proposalThreshold().call().await.map_err(failed)?,
            quorum: governor.quorum(before).call().await.map_err(failed)?,
            delay: governor.votingDelay().call().await.map_err(failed)?.saturating_to(),
            period: governor.votingPeriod().call().await.map_err(failed)?.saturating_to(),
        })
    }

    fn suffices(&self) -> bool {
        self.votes >= self.threshold
    }

    fn votes_line(&self) -> String {
        let enough = if self.suffices() { "enough" } else { "too few" };
        format!(
            "you have {} of votes, and a proposal needs {}: {enough}",
            format::aiigo(self.votes),
            format::aiigo(self.threshold)
        )
    }

    fn lines(&self) -> Vec<String> {
        let duration = |seconds| format_duration(Duration::from_secs(seconds));
        vec![
            self.votes_line(),
            format!("to pass, {} have to take part, and more be for it than against it", format::aiigo(self.quorum)),
            format!("voting begins in {} and lasts {}", duration(self.delay), duration(self.period)),
        ]
    }
}

/// What would be refused if it were carried out now. That may change until it is, so it is no error.
async fn warnings(chain: &Chain, action: &Action) -> Result<Vec<String>, CliError> {
    let timelock = chain.deployment().address(ContractName::TimelockController);
    let mut warnings = Vec::new();
    for (index, ((target, value), data)) in action.targets.iter().zip(&action.values).zip(&action.calldatas).enumerate()
    {
        let request = TransactionRequest::default()
            .with_from(timelock)
            .with_to(*target)
            .with_input(data.clone())
            .with_value(*value);
        if let Err(error) = chain.provider().call(request).await {
            let why = refusal(&error).map_or_else(|| error.to_string(), |refusal| refusal.to_string());
            warnings.push(format!("attention: carried out now, call {} would fail: {why}", index + 1));
        }
    }
    Ok(warnings)
}
