//! `aiigo court join`, `leave` and `withdraw`: who judges, and what they earned by it.

use aiigo_protocol::{ContractName, DisputeCourt, DisputeCourt::DisputeCourtEvents, Event};
use alloy::{
    primitives::{Address, U256},
    sol_types::SolCall,
};
use clap::Args;

use crate::{
    Chain, CliError,
    args::WalletArgs,
    cli::Session,
    confirm::ConfirmArgs,
    format,
    stake::positions,
    wallet::{Landed, Wallet},
};

/// Become a juror with a position of the staking pool, which stays frozen meanwhile.
#[derive(Args, Debug)]
pub(crate) struct JoinCommand {
    /// The position's id, from `aiigo stake list` [default: the largest one that is large enough]
    position: Option<U256>,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    wallet: WalletArgs,
}

impl JoinCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let chain = wallet.chain();
        let rules = rules(chain).await?;
        let position = match self.position {
            Some(position) => position,
            None => largest(&wallet, U256::from(rules.minPosition)).await?,
        };
        let data = DisputeCourt::joinJuryCall { positionId: position }.abi_encode();
        let call =
            wallet.call(format!("joining the jurors with position {position}"), ContractName::DisputeCourt, data);
        let lines = [
            format!("make you a juror, with all of position {position}: it can't be unstaked while you are one"),
            format!(
                "a vote not given, or far from the ruling, costs {} or {} of it",
                penalty(rules.seatStake.to(), rules.silencePenaltyBps),
                penalty(rules.seatStake.to(), rules.incoherencePenaltyBps)
            ),
            "keep `aiigo court watch --auto` running, or look at `aiigo court cases` every few hours".into(),
        ];
        self.confirm.agree(&wallet, &lines, &[&call], session).await?;
        let landed = wallet.send_once("court-join", call, &session.stop).await?;
        let joined = events(chain, &landed).find_map(|event| match event {
            DisputeCourtEvents::JurorJoined(joined) => Some(joined),
            _ => None,
        });
        let joined = joined.ok_or_else(|| landed.lacks_its_event())?;
        let from = first_second(chain, joined.fromEpoch.to()).await?;
        let now = chain.head().await?.timestamp;
        let document = serde_json::json!({
            "juror": joined.juror,
            "positionId": joined.positionId.to_string(),
            "weightWei": joined.weight.to_string(),
            "from": from,
            "txHash": landed.tx_hash,
        });
        session.output.result(&document, || {
            format!(
                "A juror with {}; can be drawn from {} on\ntx {}",
                format::aiigo(joined.weight),
                format::deadline(from, now),
                landed.tx_hash
            )
        })
    }
}

/// The share of a seat's stake, in AIIGO.
fn penalty(seat_stake: u128, bps: u16) -> String {
    format::aiigo(U256::from(seat_stake) * U256::from(bps) / U256::from(10_000))
}

async fn rules(chain: &Chain) -> Result<aiigo_protocol::IDisputeCourtBase::Parameters, CliError> {
    chain.court().parameters().call().await.map_err(|error| CliError::call("reading the court's parameters", error))
}

/// The account's largest position.
async fn largest(wallet: &Wallet, least: U256) -> Result<U256, CliError> {
    let positions = positions(wallet.chain(), wallet.address()).await?;
    match positions.iter().max_by_key(|position| position.amount) {
        Some(largest) if largest.amount >= least => Ok(largest.id),
        _ => Err(CliError::Failed(format!(
            "a juror needs a position of at least {}, and {} has none: aiigo stake add {}",
            format::aiigo(least),
            wallet.address(),
            aiigo_protocol::units::format_amount(least)
        ))),
    }
}

/// When an epoch of the court begins, unix seconds.
async fn first_second(chain: &Chain, epoch: u64) -> Result<u64, CliError> {
    let length = chain.court().epochLength().call().await;
    let length = length.map_err(|error| CliError::call("reading the court's epochs", error))?;
    Ok(epoch.saturating_mul(length.into()))
}

/// What the court said in a transaction.
pub(super) fn events(chain: &Chain, landed: &Landed) -> impl Iterator<Item = DisputeCourtEvents> {
    landed.events(chain.deployment()).filter_map(|event| match event {
        Event::DisputeCourt(event) => Some(event),
        _ => None,
    })
}

/// Stop being a juror; seats that you have stay to be judged.
#[derive(Args, Debug)]
pub(crate) struct LeaveCommand {
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    wallet: WalletArgs,
}

impl LeaveCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let chain = wallet.chain();
        let membership = chain.court().membershipOf(wallet.address()).call().await;
        let membership = membership.map_err(|error| CliError::call("reading your membership", error))?;
        let data = DisputeCourt::leaveJuryCall {}.abi_encode();
        let call = wallet.call("leaving the jurors", ContractName::DisputeCourt, data);
        let mut lines = vec!["end your being drawn, from the court's next epoch on".to_owned()];
        if membership.seats > 0 {
            lines.push(format!("leave you {} seats in open cases: go on until they are closed", membership.seats));
        }
        self.confirm.agree(&wallet, &lines, &[&call], session).await?;
        let landed = wallet.send_once("court-leave", call, &session.stop).await?;
        let left = events(chain, &landed).find_map(|event| match event {
            DisputeCourtEvents::JurorLeft(left) => Some(left),
            _ => None,
        });
        let left = left.ok_or_else(|| landed.lacks_its_event())?;
        let (held_until, now) = (left.heldUntil.to::<u64>(), chain.head().await?.timestamp);
        let document = serde_json::json!({
            "juror": left.juror,
            "positionId": left.positionId.to_string(),
            "heldUntil": held_until,
            "seats": membership.seats,
            "txHash": landed.tx_hash,
        });
        session.output.result(&document, || {
            format!(
                "Left. Position {} is held until {} and until your last seat is over; then keepers, or anyone, release it\n\
                 tx {}",
                left.positionId,
                format::deadline(held_until, now),
                landed.tx_hash
            )
        })
    }
}

/// Take out the AIIGO that the court owes you: jurors' fees, and case fees that came back.
#[derive(Args, Debug)]
pub(crate) struct WithdrawCommand {
    /// Where it goes [default: to the account itself]
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    wallet: WalletArgs,
}

impl WithdrawCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let (chain, account) = (wallet.chain(), wallet.address());
        let to = self.to.unwrap_or(account);
        let owed = chain.court().feesOf(account).call().await;
        let owed = owed.map_err(|error| CliError::call(format!("reading what the court owes {account}"), error))?;
        if owed.is_zero() {
            return Err(CliError::Failed(format!(
                "the court owes {account} nothing; jurors are paid when a case is closed"
            )));
        }
        let data = DisputeCourt::withdrawFeesCall { to }.abi_encode();
        let call = wallet.call(format!("withdrawing fees of the court to {to}"), ContractName::DisputeCourt, data);
        self.confirm.agree(&wallet, &[format!("pay {} to {to}", format::aiigo(owed))], &[&call], session).await?;
        let landed = wallet.send_once("court-withdraw", call, &session.stop).await?;
        let paid = events(chain, &landed).find_map(|event| match event {
            DisputeCourtEvents::FeesWithdrawn(paid) => Some(paid.amount),
            _ => None,
        });
        let paid = paid.ok_or_else(|| landed.lacks_its_event())?;
        let document = serde_json::json!({ "to": to, "amountWei": paid.to_string(), "txHash": landed.tx_hash });
        session.output.result(&document, || format!("Withdrew {} to {to}\ntx {}", format::aiigo(paid), landed.tx_hash))
    }
}
