//! `aiigo court vote` and `aiigo court reveal`: a vote is sealed first, and opened when all are sealed.

use aiigo_protocol::{CaseStatus, ContractName, DisputeCourt, SeatState};
use alloy::{
    primitives::{TxHash, U256},
    sol_types::SolCall,
};
use clap::Args;

use super::{
    case::{Case, Seat, in_words},
    secrets::{Secret, Secrets},
};
use crate::{
    CliError,
    args::{WalletArgs, parsed},
    cli::Session,
    confirm::ConfirmArgs,
    job::INTERVAL,
    progress::Progress,
    share::Share,
    wallet::{Call, Wallet},
};

/// Seal a vote: how much of what is due the provider should get.
#[derive(Args, Debug)]
pub(crate) struct VoteCommand {
    /// The case's number
    case: U256,
    /// The provider's share: basis points (0 to 10000) or per cent (50%)
    #[arg(value_parser = parsed::<Share>)]
    share: Share,
    /// Wait until votes are opened, and open this one
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    wallet: WalletArgs,
}

impl VoteCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let case = Case::read(wallet.chain(), self.case).await?;
        let seat = seat(&case, &wallet)?;
        if case.status != CaseStatus::Committing || seat.state != SeatState::Drawn || case.is_overdue() {
            return Err(CliError::Failed(format!(
                "no vote can be sealed in case {} now: your seat is {}, the case is {}: {}",
                case.id,
                seat.state,
                case.status,
                case.next()
            )));
        }
        let secrets = Secrets::of(&wallet);
        let secret = secrets.draft(case.id, case.round, self.share.bps)?;
        let file = secrets.file(case.id, case.round);
        let lines = [
            format!("seal your vote in case {}: {}", case.id, in_words(self.share.bps)),
            format!("need {} to open it: keep that file, whoever loses it loses stake", file.display()),
        ];
        self.confirm.agree(&wallet, &lines, &[&sealing(&wallet, &case, &secrets, &secret)], session).await?;
        // On the disk before anything is sent: whatever happens from here on, it can be opened.
        secrets.keep(case.id, case.round, secret)?;
        let sealed = seal(&wallet, &case, &secrets, &secret, session).await?;
        let opened = match self.wait {
            true => Some(reveal_in_time(&wallet, case.id, session).await?),
            false => None,
        };
        let document = serde_json::json!({
            "caseId": case.id.to_string(),
            "share": self.share.bps,
            "secret": file,
            "sealedTxHash": sealed,
            "revealedTxHash": opened,
        });
        session.output.result(&document, || match opened {
            Some(opened) => format!("Sealed and opened: {}\ntx {sealed}\ntx {opened}", in_words(self.share.bps)),
            None => format!(
                "Sealed: {}. To open it when all have sealed theirs: aiigo court reveal {}\ntx {sealed}",
                in_words(self.share.bps),
                case.id
            ),
        })
    }
}

/// Open the vote that you sealed.
#[derive(Args, Debug)]
pub(crate) struct RevealCommand {
    /// The case's number
    case: U256,
    /// Wait until votes are opened
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    wallet: WalletArgs,
}

impl RevealCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        if self.wait {
            until_revealing(&wallet, self.case, session).await?;
        }
        let case = Case::read(wallet.chain(), self.case).await?;
        let (secret, call) = opening(&wallet, &case)?;
        let line = format!("open your vote in case {}: {}", case.id, in_words(secret.share));
        self.confirm.agree(&wallet, &[line], &[&call], session).await?;
        let landed = wallet.send_once("court-reveal", call, &session.stop).await?;
        let case = Case::read(wallet.chain(), self.case).await?;
        let document = serde_json::json!({
            "caseId": case.id.to_string(),
            "share": secret.share,
            "status": case.status.name(),
            "ruling": case.ruling(),
            "txHash": landed.tx_hash,
        });
        session.output.result(&document, || {
            let ruling = case.ruling().map(|share| format!("; the ruling: {}", in_words(share))).unwrap_or_default();
            format!("Opened: {}{ruling}; {}\ntx {}", in_words(secret.share), case.next(), landed.tx_hash)
        })
    }
}

/// The seat of the account in the jury that judges now.
fn seat<'a>(case: &'a Case, wallet: &Wallet) -> Result<&'a Seat, CliError> {
    let juror = wallet.address();
    case.seat_of(juror).ok_or_else(|| {
        let who = match case.seats.iter().any(|seat| seat.juror == juror) {
            true => "had a seat in an earlier jury of it",
            false => "has no seat in it",
        };
        CliError::Failed(format!("{juror} {who}: `aiigo court show {}` shows who judges", case.id))
    })
}

fn sealing(wallet: &Wallet, case: &Case, secrets: &Secrets, secret: &Secret) -> Call {
    let commitment = secrets.hash(case.id, case.round, secret);
    let data = DisputeCourt::commitVoteCall { caseId: case.id, commitment }.abi_encode();
    wallet.call(format!("sealing a vote in case {}", case.id), ContractName::DisputeCourt, data)
}

/// Sends a sealed vote whose secret is on the disk.
pub(super) async fn seal(
    wallet: &Wallet,
    case: &Case,
    secrets: &Secrets,
    secret: &Secret,
    session: &Session,
) -> Result<TxHash, CliError> {
    let call = sealing(wallet, case, secrets, secret);
    Ok(wallet.send_once("court-vote", call, &session.stop).await?.tx_hash)
}

/// The call that opens the account's vote.
fn opening(wallet: &Wallet, case: &Case) -> Result<(Secret, Call), CliError> {
    let seat = seat(case, wallet)?;
    if case.status != CaseStatus::Revealing || seat.state != SeatState::Committed || case.is_overdue() {
        return Err(CliError::Failed(format!(
            "no vote can be opened in case {} now: your seat is {}, the case is {}: {}",
            case.id,
            seat.state,
            case.status,
            case.next()
        )));
    }
    let secrets = Secrets::of(wallet);
    let secret = secrets.opening(case.id, case.round, seat.commitment)?.ok_or_else(|| {
        CliError::Failed(format!(
            "what opens the vote that you sealed in case {} is not in {}: name the folder of the machine that sealed it with \
             --data-dir, or copy the file",
            case.id,
            secrets.file(case.id, case.round).display()
        ))
    })?;
    let data = DisputeCourt::revealVoteCall { caseId: case.id, share: secret.share, salt: secret.salt() }.abi_encode();
    let call = wallet.call(format!("opening the vote in case {}", case.id), ContractName::DisputeCourt, data);
    Ok((secret, call))
}

/// Opens the account's vote in a case that is being revealed.
pub(super) async fn reveal(wallet: &Wallet, case: &Case, session: &Session) -> Result<TxHash, CliError> {
    let (_, call) = opening(wallet, case)?;
    Ok(wallet.send_once("court-reveal", call, &session.stop).await?.tx_hash)
}

async fn reveal_in_time(wallet: &Wallet, id: U256, session: &Session) -> Result<TxHash, CliError> {
    until_revealing(wallet, id, session).await?;
    reveal(wallet, &Case::read(wallet.chain(), id).await?, session).await
}

/// Waits as long as votes are being sealed.
async fn until_revealing(wallet: &Wallet, id: U256, session: &Session) -> Result<(), CliError> {
    let progress = Progress::new(true);
    loop {
        match Case::read(wallet.chain(), id).await {
            Ok(case) if matches!(case.status, CaseStatus::Drawing | CaseStatus::Committing) => {
                progress.waiting(format!("case {id}: {}", case.next()));
            }
            Ok(_) => return Ok(()),
            Err(error @ CliError::Caused { .. }) => {
                progress.waiting(format!("the chain does not answer, trying again: {}", error.causes().join(": ")));
            }
            Err(error) => return Err(error),
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = session.stop.cancelled() => {
                return Err(CliError::Interrupted { resume: format!("To open the vote in time: aiigo court reveal {id} --wait") });
            }
        }
    }
}
