//! The made-up market's court: jurors and cases that take random but valid steps, as the contracts would have it.

use aiigo_protocol::{
    CaseStatus,
    ContractName::{self, *},
    DisputeCourt, EscrowManager, IDisputeCourtBase, JuryRound, NodeRegistry, SeatState, StakingPool, TaskMarketplace,
};
use alloy::primitives::{
    Address, B256, U256,
    aliases::{U40, U48, U96},
};

use super::{
    events::{Log, account, hash, log, treasury, whole},
    market::{Market, Stage},
};

/// Seats of the first jury.
const JURY: u8 = 3;
/// How far a vote may be from the ruling, basis points.
const TOLERANCE: u16 = 2_000;
/// Seconds of each period.
const PERIOD: u64 = 60;
/// How many people judge.
const JURORS: u64 = 14;

/// What the court would know of a juror.
#[derive(Clone, Debug)]
pub struct Juror {
    pub position: u64,
    pub weight: U256,
    /// Whether the position is still held.
    pub held: bool,
    pub active: bool,
    pub seats: u32,
}

#[derive(Clone, Debug)]
pub struct Seat {
    pub juror: Address,
    pub round: JuryRound,
    pub state: SeatState,
    pub share: u16,
}

#[derive(Clone, Debug)]
pub struct Case {
    pub id: u64,
    pub task: B256,
    pub node: u64,
    pub buyer: Address,
    pub status: CaseStatus,
    pub round: JuryRound,
    pub size: u8,
    pub seats: Vec<Seat>,
    pub replacements: u8,
    /// The two middle votes of the last ruling.
    pub middle: Option<(u16, u16)>,
    pub appellant: Option<Address>,
    pub evidence: u32,
}

impl Case {
    /// Seats of the present jury.
    fn bench(&mut self) -> impl Iterator<Item = &mut Seat> {
        let round = self.round;
        self.seats.iter_mut().filter(move |seat| seat.round == round)
    }

    /// How many of the present jury are in one of these states.
    pub fn count(&self, states: &[SeatState]) -> usize {
        self.seats.iter().filter(|seat| seat.round == self.round && states.contains(&seat.state)).count()
    }

    /// Filled seats whose jurors were not silent.
    pub fn seated(&self) -> usize {
        self.count(&[SeatState::Drawn, SeatState::Committed, SeatState::Revealed])
    }

    fn is_majority(&self, count: usize) -> bool {
        2 * count > usize::from(self.size)
    }

    fn case_id(&self) -> U256 {
        U256::from(self.id)
    }

    fn begin(&mut self, round: JuryRound, size: u8, time: u64) -> Log {
        (self.round, self.size, self.replacements) = (round, size, 0);
        self.fix_draw(time)
    }

    fn fix_draw(&mut self, time: u64) -> Log {
        self.status = CaseStatus::Drawing;
        let seats = U256::from(usize::from(self.size) - self.seated());
        court(&DisputeCourt::DrawFixed {
            caseId: self.case_id(),
            round: self.round.into(),
            seats,
            drawBlock: time / 12 + 4,
            epoch: U48::from(time / 3_600),
            deadline: U40::from(time + PERIOD),
        })
    }

    fn start_committing(&mut self, time: u64) -> Log {
        let (seated, committed) = (self.seated(), self.count(&[SeatState::Committed]));
        if seated == committed {
            return self.start_revealing(time);
        }
        self.status = CaseStatus::Committing;
        court(&DisputeCourt::CommitStarted {
            caseId: self.case_id(),
            round: self.round.into(),
            seated: U256::from(seated),
            deadline: U40::from(time + PERIOD),
        })
    }

    fn start_revealing(&mut self, time: u64) -> Log {
        self.status = CaseStatus::Revealing;
        court(&DisputeCourt::RevealStarted {
            caseId: self.case_id(),
            round: self.round.into(),
            committed: U256::from(self.count(&[SeatState::Committed])),
            deadline: U40::from(time + PERIOD),
        })
    }

    fn rule(&mut self, time: u64) -> Log {
        let mut votes: Vec<u16> =
            self.bench().filter(|seat| seat.state == SeatState::Revealed).map(|seat| seat.share).collect();
        votes.sort_unstable();
        let (low, high) = (votes[(votes.len() - 1) / 2], votes[votes.len() / 2]);
        self.status = CaseStatus::Ruled;
        self.middle = Some((low, high));
        court(&DisputeCourt::Ruled {
            caseId: self.case_id(),
            round: self.round.into(),
            share: (low + high) / 2,
            low,
            high,
            votes: U256::from(votes.len()),
            appealableUntil: U40::from(time + PERIOD),
        })
    }
}

impl Market {
    /// Somebody joins or leaves the jurors, is weighed anew or released, or takes its fees.
    pub(super) fn judge(&mut self, pick: usize, choice: u64, time: u64) -> Vec<Log> {
        let address = account(800 + pick as u64 % JURORS);
        if choice.is_multiple_of(4) {
            return self.take_fees(pick);
        }
        let (epoch, until) = (U48::from(time / 3_600 + 1), U40::from(time + 10 * PERIOD));
        let amount = whole(10_000 + pick as u64 % 500);
        let Some(juror) = self.jurors.get_mut(&address).filter(|juror| juror.held) else {
            // Nobody closes the position of a juror.
            self.positions.push((address, amount, false));
            let id = self.positions.len() as u64;
            let seats = self.jurors.get(&address).map_or(0, |juror| juror.seats);
            let juror = Juror { position: id, weight: amount, held: true, active: true, seats };
            self.jurors.insert(address, juror);
            let (position, unlocks) = (U256::from(id), U40::from(time));
            return vec![
                log(
                    StakingPool,
                    &StakingPool::Staked {
                        positionId: position,
                        owner: address,
                        amount,
                        weight: amount,
                        unlocksAt: unlocks,
                    },
                ),
                court(&DisputeCourt::JurorJoined {
                    juror: address,
                    positionId: position,
                    weight: amount,
                    fromEpoch: epoch,
                }),
            ];
        };
        let position = U256::from(juror.position);
        match (juror.active, juror.seats, choice % 9) {
            (true, _, 0) => {
                (juror.active, juror.weight) = (false, U256::ZERO);
                let left = DisputeCourt::JurorLeft {
                    juror: address,
                    positionId: position,
                    fromEpoch: epoch,
                    heldUntil: until,
                };
                vec![court(&left)]
            }
            (true, ..) => {
                juror.weight = amount;
                vec![court(&DisputeCourt::JurorReweighed {
                    juror: address,
                    positionId: position,
                    weight: amount,
                    fromEpoch: epoch,
                })]
            }
            (false, 0, _) => {
                juror.held = false;
                vec![court(&DisputeCourt::PositionReleased { juror: address, positionId: position })]
            }
            _ => Vec::new(),
        }
    }

    fn take_fees(&mut self, pick: usize) -> Vec<Log> {
        let Some(index) = pick.checked_rem(self.court_fees.len()) else { return Vec::new() };
        let (account, amount) = self.court_fees.iter().nth(index).map(|(who, owed)| (*who, *owed)).expect("in range");
        self.court_fees.remove(&account);
        vec![court(&DisputeCourt::FeesWithdrawn { account, to: account, amount })]
    }

    /// A buyer takes a result to court.
    pub(super) fn dispute(&mut self, pick: usize, time: u64) -> Vec<Log> {
        let Some(task) = self.task(pick, Stage::Delivered) else { return Vec::new() };
        task.stage = Stage::Disputed;
        let bond = task.escrow / U256::from(50);
        task.held += bond;
        let (task_id, buyer, node_id, due, held) = (task.id, task.buyer, task.node, task.escrow, task.held);
        let node = &mut self.nodes[node_id as usize - 1];
        let taken = whole(20).min(node.stake);
        node.stake -= taken;
        let mut case = Case {
            id: self.cases.len() as u64 + 1,
            task: task_id,
            node: node_id,
            buyer,
            status: CaseStatus::Drawing,
            round: JuryRound::First,
            size: JURY,
            seats: Vec::new(),
            replacements: 0,
            middle: None,
            appellant: None,
            evidence: 1,
        };
        let case_id = case.case_id();
        let logs = vec![
            log(
                NodeRegistry,
                &NodeRegistry::CaseFeeTaken {
                    nodeId: node_id,
                    amount: taken,
                    stake: node.stake,
                    unbonding: node.unbonding,
                },
            ),
            court(&DisputeCourt::CaseOpened {
                caseId: case_id,
                taskId: task_id,
                nodeId: node_id,
                buyer,
                payer: buyer,
                buyerFee: whole(20),
                providerFee: taken,
                closeBy: U40::from(time + 100 * PERIOD),
            }),
            case.begin(JuryRound::First, JURY, time),
            log(
                TaskMarketplace,
                &TaskMarketplace::TaskDisputed {
                    taskId: task_id,
                    nodeId: node_id,
                    caseId: case_id,
                    disputer: buyer,
                    due,
                    bond,
                    evidenceURI: format!("ipfs://evidence-{}", case.id),
                },
            ),
            log(
                EscrowManager,
                &EscrowManager::ToppedUp {
                    taskId: task_id,
                    payer: buyer,
                    token: Address::ZERO,
                    amount: bond,
                    total: held,
                },
            ),
        ];
        self.cases.push(case);
        logs
    }

    /// A case goes a step further.
    pub(super) fn try_case(&mut self, pick: usize, choice: u64, time: u64) -> Vec<Log> {
        let open: Vec<usize> =
            (0..self.cases.len()).filter(|index| self.cases[*index].status != CaseStatus::Closed).collect();
        let Some(index) = pick.checked_rem(open.len()).map(|index| open[index]) else { return Vec::new() };
        let mut case = self.cases[index].clone();
        let logs = match case.status {
            _ if choice.is_multiple_of(13) => {
                case.evidence += 1;
                let party = case.buyer;
                let uri = format!("ipfs://more-{}", case.evidence);
                vec![court(&DisputeCourt::EvidenceSubmitted { caseId: case.case_id(), party, evidenceURI: uri })]
            }
            CaseStatus::Drawing => self.draw(&mut case, choice, time),
            CaseStatus::Committing => self.commit(&mut case, choice, time),
            CaseStatus::Revealing => self.reveal(&mut case, choice, time),
            CaseStatus::Ruled if case.round != JuryRound::Appeal && choice.is_multiple_of(3) => appeal(&mut case, time),
            _ => self.close(&mut case),
        };
        self.cases[index] = case;
        logs
    }

    fn draw(&mut self, case: &mut Case, choice: u64, time: u64) -> Vec<Log> {
        let sits = |juror: &Address| case.seats.iter().any(|seat| seat.juror == *juror);
        let free = usize::from(case.size) - case.seated();
        let drawn: Vec<(Address, u64)> = self
            .jurors
            .iter()
            .filter(|(juror, state)| state.active && !sits(juror))
            .map(|(juror, state)| (*juror, state.position))
            .take(free)
            .collect();
        let mut logs = Vec::new();
        for (juror, position) in &drawn {
            case.seats.push(Seat { juror: *juror, round: case.round, state: SeatState::Drawn, share: 0 });
            self.jurors.get_mut(juror).expect("a juror").seats += 1;
            logs.push(court(&DisputeCourt::JurorDrawn {
                caseId: case.case_id(),
                juror: *juror,
                round: case.round.into(),
                positionId: U256::from(*position),
            }));
        }
        let seated = case.seated();
        let advanced = DisputeCourt::DrawAdvanced {
            caseId: case.case_id(),
            tries: U256::from(choice % 24),
            seated: U256::from(seated),
        };
        logs.push(court(&advanced));
        // A jury that could not be filled sits if a majority of its seats is.
        if drawn.len() == free || case.is_majority(seated) {
            logs.push(case.start_committing(time));
        } else {
            logs.extend(self.lapse(case, time));
        }
        logs
    }

    /// One more seals its vote, or nobody who hasn't does.
    fn commit(&mut self, case: &mut Case, choice: u64, time: u64) -> Vec<Log> {
        let case_id = case.case_id();
        if !choice.is_multiple_of(5) {
            let round = case.round.into();
            let seat = case.bench().find(|seat| seat.state == SeatState::Drawn).expect("somebody has to vote");
            seat.state = SeatState::Committed;
            seat.share = [0, 2_500, 9_000, 10_000][(choice % 4) as usize];
            let (juror, commitment) = (seat.juror, hash(&[b"vote", &choice.to_be_bytes()]));
            let mut logs = vec![court(&DisputeCourt::VoteCommitted { caseId: case_id, juror, round, commitment })];
            if case.count(&[SeatState::Drawn]) == 0 {
                logs.push(case.start_revealing(time));
            }
            return logs;
        }
        let silent = case.count(&[SeatState::Drawn]);
        let mut logs = self.penalise(case, SeatState::Drawn, SeatState::Silent, |_| true);
        if case.replacements < 1 {
            case.replacements += 1;
            let (round, seats) = (case.round.into(), U256::from(silent));
            logs.push(court(&DisputeCourt::JurorsReplaced { caseId: case_id, round, seats }));
            logs.push(case.fix_draw(time));
        } else if case.is_majority(case.count(&[SeatState::Committed])) {
            logs.push(case.start_revealing(time));
        } else {
            logs.extend(self.lapse(case, time));
        }
        logs
    }

    /// One more opens its vote, or nobody who hasn't does.
    fn reveal(&mut self, case: &mut Case, choice: u64, time: u64) -> Vec<Log> {
        let case_id = case.case_id();
        let mut logs = Vec::new();
        if choice.is_multiple_of(6) {
            logs.extend(self.penalise(case, SeatState::Committed, SeatState::Silent, |_| true));
            if !case.is_majority(case.count(&[SeatState::Revealed])) {
                logs.extend(self.lapse(case, time));
                return logs;
            }
        } else {
            let round = case.round.into();
            let seat = case.bench().find(|seat| seat.state == SeatState::Committed).expect("somebody has to show");
            seat.state = SeatState::Revealed;
            let (juror, share) = (seat.juror, seat.share);
            logs.push(court(&DisputeCourt::VoteRevealed { caseId: case_id, juror, round, share }));
        }
        if case.count(&[SeatState::Committed]) == 0 {
            logs.push(case.rule(time));
        }
        logs
    }

    /// Ends seats by a penalty, whatever their round.
    fn penalise(&mut self, case: &mut Case, from: SeatState, to: SeatState, which: impl Fn(&Seat) -> bool) -> Vec<Log> {
        let case_id = case.case_id();
        let mut logs = Vec::new();
        for seat in case.seats.iter_mut().filter(|seat| seat.state == from && which(seat)) {
            seat.state = to;
            let juror = self.jurors.get_mut(&seat.juror).expect("a juror");
            juror.seats -= 1;
            let (position_id, amount) = (U256::from(juror.position), whole(1));
            let held = &mut self.positions[juror.position as usize - 1].1;
            *held -= amount;
            let (left, burner) = (*held, account(900));
            logs.push(court(&DisputeCourt::JurorPenalised {
                caseId: case_id,
                juror: seat.juror,
                reason: seat.state.into(),
                positionId: position_id,
                amount,
            }));
            logs.push(log(
                StakingPool,
                &StakingPool::StakeSeized { positionId: position_id, to: burner, amount, left, weight: left },
            ));
        }
        logs
    }

    fn end(&mut self, case: &mut Case, from: &[SeatState], to: SeatState, which: impl Fn(&Seat) -> bool) {
        for seat in case.seats.iter_mut().filter(|seat| from.contains(&seat.state) && which(seat)) {
            seat.state = to;
            self.jurors.get_mut(&seat.juror).expect("a juror").seats -= 1;
        }
    }

    /// The round ends without a ruling.
    fn lapse(&mut self, case: &mut Case, time: u64) -> Vec<Log> {
        let round = case.round;
        let mut logs = vec![court(&DisputeCourt::RoundLapsed { caseId: case.case_id(), round: round.into() })];
        self.end(case, &[SeatState::Drawn, SeatState::Committed], SeatState::Released, |seat| seat.round == round);
        match round {
            JuryRound::First => logs.push(case.begin(JuryRound::Redraw, JURY, time)),
            JuryRound::Redraw => logs.extend(self.close_without_ruling(case)),
            JuryRound::Appeal => logs.extend(self.close(case)),
        }
        logs
    }

    fn credit_fee(&mut self, case: &Case, to: Address, amount: U256) -> Log {
        *self.court_fees.entry(to).or_default() += amount;
        court(&DisputeCourt::FeeCredited { caseId: case.case_id(), account: to, amount })
    }

    /// The buyer's fee goes to who voted as the ruling, an appeal's fee comes back.
    fn close(&mut self, case: &mut Case) -> Vec<Log> {
        case.status = CaseStatus::Closed;
        let (low, high) = case.middle.expect("a ruling");
        let share = (low + high) / 2;
        let coherent = |seat: &Seat| seat.share + TOLERANCE >= low && seat.share <= high + TOLERANCE;
        let mut logs = self.penalise(case, SeatState::Revealed, SeatState::Incoherent, |seat| !coherent(seat));
        let jurors: Vec<Address> =
            case.seats.iter().filter(|seat| seat.state == SeatState::Revealed).map(|seat| seat.juror).collect();
        self.end(case, &[SeatState::Revealed], SeatState::Coherent, |_| true);
        let (fee, back) = (whole(15), whole(5));
        logs.push(self.credit_fee(case, case.buyer, back));
        if let Some(appellant) = case.appellant {
            logs.push(self.credit_fee(case, appellant, whole(60)));
        }
        let each = fee / U256::from(jurors.len());
        for juror in &jurors {
            logs.push(self.credit_fee(case, *juror, each));
        }
        logs.push(court(&DisputeCourt::CaseClosed {
            caseId: case.case_id(),
            taskId: case.task,
            ruled: true,
            share,
            coherent: U256::from(jurors.len()),
            pot: each * U256::from(jurors.len()),
            buyerFeeReturned: back,
            providerFeeReturned: U256::ZERO,
        }));
        logs.extend(self.resolve(case, true, share));
        logs
    }

    fn close_without_ruling(&mut self, case: &mut Case) -> Vec<Log> {
        case.status = CaseStatus::Closed;
        self.end(case, &[SeatState::Revealed], SeatState::Released, |_| true);
        let mut logs = vec![court(&DisputeCourt::CaseClosed {
            caseId: case.case_id(),
            taskId: case.task,
            ruled: false,
            share: 0,
            coherent: U256::ZERO,
            pot: whole(40),
            buyerFeeReturned: U256::ZERO,
            providerFeeReturned: U256::ZERO,
        })];
        logs.extend(self.resolve(case, false, 5_000));
        logs
    }

    /// Everything that is held is split between provider, treasury and buyer.
    fn resolve(&mut self, case: &Case, ruled: bool, share: u16) -> Vec<Log> {
        let task = self.tasks.iter_mut().find(|task| task.id == case.task).expect("a task");
        task.stage = Stage::Closed;
        let (due, held) = (task.escrow, task.held);
        let provider = due * U256::from(share) / U256::from(10_000);
        let fee = if ruled { provider / U256::from(20) } else { U256::ZERO };
        let provider = provider - fee;
        let resolved = TaskMarketplace::TaskResolved {
            taskId: case.task,
            nodeId: case.node,
            ruled,
            share,
            due,
            providerAmount: provider,
            feeAmount: fee,
            jurorAmount: U256::ZERO,
            bondToProvider: U256::ZERO,
        };
        let accounts = vec![account(300 + case.node), treasury(), case.buyer];
        let amounts = vec![provider, fee, held - provider - fee];
        for (who, amount) in accounts.iter().zip(&amounts).filter(|(_, amount)| !amount.is_zero()) {
            *self.balances.entry(*who).or_default() += amount;
        }
        let split = EscrowManager::PaymentSplit { taskId: case.task, token: Address::ZERO, accounts, amounts };
        vec![log(TaskMarketplace, &resolved), log(EscrowManager, &split)]
    }
}

fn appeal(case: &mut Case, time: u64) -> Vec<Log> {
    case.appellant = Some(case.buyer);
    let appealed = DisputeCourt::Appealed {
        caseId: case.case_id(),
        appellant: case.buyer,
        fee: whole(60),
        closeBy: U40::from(time + 200 * PERIOD),
    };
    vec![court(&appealed), case.begin(JuryRound::Appeal, 2 * JURY + 1, time)]
}

/// What the court announces when it is deployed.
pub(super) fn parameters() -> Log {
    let parameters = IDisputeCourtBase::Parameters {
        minPosition: whole(10_000).to::<U96>(),
        seatStake: whole(1_000).to::<U96>(),
        toleranceBps: TOLERANCE,
        incoherencePenaltyBps: 1_000,
        silencePenaltyBps: 1_000,
        jurySize: JURY,
        maxReplacements: 1,
        caseFee: whole(20).to::<U96>(),
        appealFee: whole(60).to::<U96>(),
        drawDelay: 4,
        drawPeriod: PERIOD as u32,
        commitPeriod: PERIOD as u32,
        revealPeriod: PERIOD as u32,
        appealWindow: PERIOD as u32,
        holdPeriod: 10 * PERIOD as u32,
    };
    court(&DisputeCourt::CourtParametersChanged { parameters })
}

fn court(event: &impl alloy::sol_types::SolEvent) -> Log {
    log(ContractName::DisputeCourt, event)
}
