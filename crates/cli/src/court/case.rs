//! A case as the court has it.

use aiigo_protocol::{CaseStatus, DisputeCourt, JuryRound, SeatState};
use alloy::primitives::{Address, B256, U256};

use crate::{Chain, CliError, error::Context, format};

/// A case with its seats, at one moment.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) id: U256,
    pub(super) status: CaseStatus,
    pub(super) round: JuryRound,
    /// Last second of the present period, unix.
    pub(super) deadline: u64,
    /// In the order in which they were drawn, of all rounds.
    pub(super) seats: Vec<Seat>,
    /// The rest, as the court says it.
    pub(super) raw: DisputeCourt::Case,
    /// The chain's clock, unix seconds.
    pub(super) now: u64,
}

/// A juror's seat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    pub(super) juror: Address,
    pub(super) round: JuryRound,
    pub(super) state: SeatState,
    /// The opened vote, basis points.
    pub(super) share: u16,
    /// The sealed vote; zero: none.
    pub(super) commitment: B256,
    /// Whether the seat is of the jury that judges now.
    pub(super) present: bool,
}

impl Case {
    /// Reads a case; one that is not there is an error.
    pub(super) async fn read(chain: &Chain, id: U256) -> Result<Self, CliError> {
        let what = || format!("reading case {id}");
        let court = chain.court();
        let now = chain.head().await?.timestamp;
        let raw = court.caseOf(id).call().await.map_err(|error| CliError::call(what(), error))?;
        let status = CaseStatus::try_from(raw.status).context(what)?;
        if status == CaseStatus::None {
            return Err(CliError::Failed(format!("there is no case {id}: `aiigo court cases` shows those there are")));
        }
        let seats = court.seatsOf(id).call().await.map_err(|error| CliError::call(what(), error))?;
        let seats = seats
            .into_iter()
            .enumerate()
            .map(|(index, seat)| {
                Ok(Seat {
                    juror: seat.juror,
                    round: JuryRound::try_from(seat.round).context(what)?,
                    state: SeatState::try_from(seat.state).context(what)?,
                    share: seat.share,
                    commitment: seat.commitment,
                    present: index >= usize::from(raw.firstSeat),
                })
            })
            .collect::<Result<Vec<_>, CliError>>()?;
        let round = JuryRound::try_from(raw.round).context(what)?;
        Ok(Self { id, status, round, deadline: raw.deadline.to(), seats, raw, now })
    }

    /// The seat that an account has in the jury that judges now.
    pub(super) fn seat_of(&self, juror: Address) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.present && seat.juror == juror)
    }

    /// Whether the present period is over, and only a call of `advance` is missing.
    pub(super) fn is_overdue(&self) -> bool {
        self.status != CaseStatus::Closed && self.now > self.deadline
    }

    /// The ruling as it stands, basis points for the provider.
    pub(super) fn ruling(&self) -> Option<u16> {
        let is_ruled = match self.status {
            CaseStatus::Ruled => true,
            // A case that is closed without a ruling had nobody to agree with it.
            CaseStatus::Closed => self.seats.iter().any(|seat| seat.state == SeatState::Coherent),
            _ => false,
        };
        is_ruled.then(|| self.raw.ballot.low.midpoint(self.raw.ballot.high))
    }

    /// Whether an account is a party, who may show evidence and appeal.
    pub(super) fn is_party(&self, account: Address) -> bool {
        let DisputeCourt::Case { buyer, payer, nodeOwner, nodeOperator, nodePayout, .. } = &self.raw;
        [buyer, payer, nodeOwner, nodeOperator, nodePayout].contains(&&account)
    }

    /// What comes next, and until when.
    pub(super) fn next(&self) -> String {
        let by = || format::deadline(self.deadline, self.now);
        match self.status {
            CaseStatus::Closed => "final".into(),
            _ if self.is_overdue() => {
                format!("its time ended {}; keepers take it on, or anyone who calls `advance`", by())
            }
            CaseStatus::Drawing => format!("block {} draws the jury, until {}", self.raw.draw.blockNumber, by()),
            CaseStatus::Committing => format!("jurors seal their votes until {}", by()),
            CaseStatus::Revealing => format!("jurors open their votes until {}", by()),
            _ => format!("can be appealed until {}", by()),
        }
    }
}

/// A ruling in words.
pub(super) fn in_words(share: u16) -> String {
    format!("{} to the provider", format::percent(share.into()))
}
