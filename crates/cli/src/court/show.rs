//! `aiigo court show`.

use aiigo_protocol::SeatState;
use alloy::primitives::U256;
use clap::Args;
use serde_json::json;

use super::{
    case::{Case, Seat, in_words},
    subject::{Subject, evidence},
};
use crate::{
    CliError,
    args::ChainArgs,
    cli::Session,
    format,
    output::{facts, printable, table},
};

/// Show a case: what it is about, the evidence, the votes, what comes next.
#[derive(Args, Debug)]
pub(crate) struct ShowCommand {
    /// The case's number
    case: U256,
    #[command(flatten)]
    chain: ChainArgs,
}

impl ShowCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let chain = self.chain.connect().await?;
        let case = Case::read(&chain, self.case).await?;
        let subject = Subject::of(&chain, &case).await?;
        let evidence = evidence(&chain, case.id).await?;
        let seats: Vec<_> = case.seats.iter().map(seat_document).collect();
        let document = json!({
            "id": case.id.to_string(),
            "status": case.status.name(),
            "round": case.round.name(),
            "deadline": case.deadline,
            "overdue": case.is_overdue(),
            "ruling": case.ruling(),
            "taskId": subject.task,
            "nodeId": subject.node,
            "resultHash": subject.result,
            "appellant": subject.appellant.map(|(node, result)| json!({ "nodeId": node, "resultHash": result })),
            "specUri": subject.created.request.specURI,
            "buyer": case.raw.buyer,
            "payer": case.raw.payer,
            "evidence": evidence,
            "seats": seats,
        });
        session.output.result(&document, || {
            let mut rows = vec![
                ("case", case.id.to_string()),
                ("status", format!("{}: {}", case.status, case.next())),
                ("jury", format!("{}, {} seats", case.round, case.raw.jurySize)),
                ("task", subject.task.to_string()),
                ("node", format!("{}, result {}", subject.node, subject.result)),
            ];
            if let Some((node, result)) = subject.appellant {
                rows.push(("appellant", format!("node {node}, result {result}")));
            }
            rows.push(("buyer's side", case.raw.payer.to_string()));
            rows.push(("node's owner", case.raw.nodeOwner.to_string()));
            rows.push(("spec", subject.created.request.specURI.clone()));
            rows.extend(case.ruling().map(|share| ("ruling", in_words(share))));
            for piece in &evidence {
                rows.push(("evidence", format!("{} of {}", piece.uri, piece.party)));
            }
            let mut text = facts(&rows);
            if !case.seats.is_empty() {
                let mut jury = table(["JUROR", "JURY", "SEAT", "VOTE"]);
                jury.add_rows(case.seats.iter().map(|seat| {
                    [
                        seat.juror.to_string(),
                        seat.round.to_string(),
                        seat.state.to_string(),
                        vote_of(seat).unwrap_or_default(),
                    ]
                }));
                text.push_str(&format!("\n{jury}\n"));
            }
            text.push_str(&printable(&format!("To run the program again and compare: aiigo court check {}", case.id)));
            text
        })
    }
}

/// An opened vote in words.
fn vote_of(seat: &Seat) -> Option<String> {
    opened(seat).then(|| format::percent(seat.share.into()))
}

fn opened(seat: &Seat) -> bool {
    matches!(seat.state, SeatState::Revealed | SeatState::Coherent | SeatState::Incoherent)
}

fn seat_document(seat: &Seat) -> serde_json::Value {
    json!({
        "juror": seat.juror,
        "round": seat.round.name(),
        "state": seat.state.name(),
        "share": opened(seat).then_some(seat.share),
    })
}
