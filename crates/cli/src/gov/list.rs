//! `aiigo gov list`.

use clap::Args;
use serde::Serialize;

use super::{
    proposals::Proposals,
    standing::{Standing, State},
};
use crate::{
    CliError,
    args::ChainArgs,
    cli::Session,
    format,
    output::{printable, table},
};

/// Characters of a title that are shown.
const TITLE: usize = 60;

/// List proposals, the newest first.
#[derive(Args, Debug)]
pub(crate) struct ListCommand {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    first: u16,
    #[command(flatten)]
    chain: ChainArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    title: String,
    state: State,
    for_wei: String,
    against_wei: String,
    abstain_wei: String,
    quorum_wei: String,
    vote_start: u64,
    vote_end: u64,
    #[serde(skip)]
    cells: [String; 6],
}

impl ListCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let chain = self.chain.connect().await?;
        let proposals = Proposals::read(&chain).await?;
        let mut rows = Vec::new();
        for proposal in proposals.newest().iter().take(usize::from(self.first)) {
            let standing = Standing::of(&chain, proposal).await?;
            let ends = match standing.state {
                State::Pending => format!("begins {}", format::relative(proposal.vote_start, standing.now)),
                State::Queued => format!("executable {}", format::relative(standing.eta, standing.now)),
                _ => format::relative(standing.deadline, standing.now),
            };
            rows.push(Row {
                id: proposal.id.to_string(),
                title: proposal.title().to_owned(),
                state: standing.state,
                for_wei: standing.in_favour.to_string(),
                against_wei: standing.against.to_string(),
                abstain_wei: standing.abstaining.to_string(),
                quorum_wei: standing.quorum.to_string(),
                vote_start: proposal.vote_start,
                vote_end: standing.deadline,
                cells: [
                    proposals.short(proposal.id),
                    standing.state.to_string(),
                    format::aiigo(standing.in_favour),
                    format::aiigo(standing.against),
                    ends,
                    printable(&shortened(proposal.title())),
                ],
            });
        }
        session.output.result(&rows, || {
            if rows.is_empty() {
                return "Nobody has proposed anything yet: `aiigo gov propose --help`".into();
            }
            let mut text = table(["PROPOSAL", "STATE", "FOR", "AGAINST", "VOTING ENDS", "TITLE"]);
            text.add_rows(rows.iter().map(|row| row.cells.clone()));
            format!("{text}\n{} of {}", rows.len(), proposals.newest().len())
        })
    }
}

/// The beginning of a text that is too long for a table.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(TITLE) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}
