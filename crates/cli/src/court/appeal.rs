//! `aiigo court appeal` and `aiigo court evidence`: what a party can do.

use aiigo_protocol::{CaseStatus, ContractName, DisputeCourt, JuryRound};
use alloy::{primitives::U256, sol_types::SolCall};
use clap::Args;

use super::case::{Case, in_words};
use crate::{
    CliError, allowance,
    args::WalletArgs,
    cli::Session,
    confirm::ConfirmArgs,
    format,
    wallet::{Call, Wallet},
};

/// Demand a larger jury, as a party of the case.
#[derive(Args, Debug)]
pub(crate) struct AppealCommand {
    /// The case's number
    case: U256,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    wallet: WalletArgs,
}

impl AppealCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let chain = wallet.chain();
        let case = Case::read(chain, self.case).await?;
        party(&case, &wallet)?;
        let refused = |why: String| Err(CliError::Failed(format!("case {} can't be appealed: {why}", case.id)));
        if case.status != CaseStatus::Ruled {
            return refused(format!("it is {}: {}", case.status, case.next()));
        }
        if case.round == JuryRound::Appeal {
            return refused("this is the jury of the appeal, and its ruling is final".into());
        }
        if case.is_overdue() {
            return refused(format!("the time for it ended {}", format::deadline(case.deadline, case.now)));
        }
        let terms = chain.court().termsOf(case.id).call().await;
        let terms = terms.map_err(|error| CliError::call(format!("reading the terms of case {}", case.id), error))?;
        let fee = U256::from(terms.appealFee);
        let balance = chain.token().balanceOf(wallet.address()).call().await;
        let balance = balance.map_err(|error| CliError::call("reading your AIIGO", error))?;
        if balance < fee {
            return refused(format!(
                "it costs {}, and {} has {}",
                format::aiigo(fee),
                wallet.address(),
                format::aiigo(balance)
            ));
        }
        let allow = allowance::call(&wallet, ContractName::DisputeCourt, fee).await?;
        let data = DisputeCourt::appealCall { caseId: case.id }.abi_encode();
        let call = wallet.call(format!("appealing case {}", case.id), ContractName::DisputeCourt, data);
        let lines = [
            format!("appeal case {}: {}", case.id, case.ruling().map(in_words).unwrap_or_default()),
            format!("cost {}, which returns only if the ruling moves clearly in your favour", format::aiigo(fee)),
            format!("have a jury of {} decide anew and finally", 2 * u16::from(terms.jurySize) + 1),
        ];
        let calls: Vec<&Call> = allow.iter().chain([&call]).collect();
        self.confirm.agree(&wallet, &lines, &calls, session).await?;
        if let Some(allow) = allow {
            wallet.send_once(allowance::ACTION, allow, &session.stop).await?;
        }
        let landed = wallet.send_once("court-appeal", call, &session.stop).await?;
        let case = Case::read(chain, self.case).await?;
        let document = serde_json::json!({
            "caseId": case.id.to_string(),
            "status": case.status.name(),
            "feeWei": fee.to_string(),
            "txHash": landed.tx_hash,
        });
        session.output.result(&document, || format!("Appealed; {}\ntx {}", case.next(), landed.tx_hash))
    }
}

/// Say where your evidence is, as a party of the case.
#[derive(Args, Debug)]
pub(crate) struct EvidenceCommand {
    /// The case's number
    case: U256,
    /// Where it is: ipfs://… (`aiigo store put FILE` gives the CID)
    uri: String,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    wallet: WalletArgs,
}

impl EvidenceCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let case = Case::read(wallet.chain(), self.case).await?;
        party(&case, &wallet)?;
        let data = DisputeCourt::submitEvidenceCall { caseId: case.id, evidenceURI: self.uri.clone() }.abi_encode();
        let what = format!("showing evidence in case {}", case.id);
        let call = wallet.call(what, ContractName::DisputeCourt, data);
        let line = format!("tell the jurors of case {}, and everybody, of {}", case.id, self.uri);
        self.confirm.agree(&wallet, &[line], &[&call], session).await?;
        let landed = wallet.send_once("court-evidence", call, &session.stop).await?;
        let document = serde_json::json!({ "caseId": case.id.to_string(), "uri": self.uri, "txHash": landed.tx_hash });
        session.output.result(&document, || format!("Told in case {}\ntx {}", case.id, landed.tx_hash))
    }
}

fn party(case: &Case, wallet: &Wallet) -> Result<(), CliError> {
    match case.is_party(wallet.address()) {
        true => Ok(()),
        false => Err(CliError::Failed(format!(
            "{} is no party of case {}: those are the buyer's side ({}, {}) and the node's accounts ({}, {}, {})",
            wallet.address(),
            case.id,
            case.raw.buyer,
            case.raw.payer,
            case.raw.nodeOwner,
            case.raw.nodeOperator,
            case.raw.nodePayout
        ))),
    }
}
