//! The state that every sequence begins with: deployed by the deploy script, then set up through the contracts' own doors.

use std::sync::Arc;

use aiigo_devnet::{CHAIN_ID, place, project_root};
use aiigo_pow::{CpuOptions, Hits, Job, PowError, Registry};
use aiigo_protocol::{
    AIIGOToken, ContractName, Deployment, DisputeCourt, NodeRegistry, ProofOfWorkVerifier, RewardDistributor,
    StakingPool, TaskMarketplace,
};
use alloy::{
    primitives::{Address, B256, Bytes, U256, aliases::U96, keccak256},
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
};

use super::{
    Error,
    machine::Machine,
    state::{self, State},
    watch::Watches,
};
use crate::{
    books::{Books, NodeBook, PositionBook},
    cast::{Holder, NODES, PURSE, Token, sworn_stake},
    model::{
        Beginning, CALIBRATION, COURT_PERIODS, Duty, EPOCH_LENGTH, ETHER_RATE, EXCUSE_FLOORS, LATE_WINDOW, LISTED,
        Model, Proven, REVIEW_MIN_TASKS, ROUND_WINDOW, Solutions, Sworn, Terms, hash_rate,
    },
};

/// Hashes tried for a proof of power: about five milli-TFLOPS in the devnet's window, so that power runs out as well.
const HASHES: u64 = 3_500_000;
/// Of a rate but AIIGO's own, seconds (8.6).
const RATE_LIFETIME: u64 = 30 * 86_400;
/// Audit rounds that there are solutions for.
const ROUNDS: usize = 3;
/// Nonces in a solution.
const NONCES: usize = 64;

/// Where everything is.
#[derive(Debug)]
pub(super) struct Suite {
    holders: [Address; Holder::COUNT],
    pub(super) tokens: [Address; Token::COUNT],
    /// Of the people.
    pub(super) signers: Vec<PrivateKeySigner>,
    pub(super) verifier: Address,
    /// Nonces by round and node: of all the work, and of too little.
    pub(super) solutions: Vec<Vec<[Bytes; 2]>>,
    pub(super) chain_id: u64,
}

impl Suite {
    fn new(deployment: &Deployment) -> Result<Self, Error> {
        let signers: Result<Vec<_>, _> =
            Holder::ACTORS.iter().map(|person| PrivateKeySigner::from_bytes(&person.key())).collect();
        let signers = signers?;
        let holders = std::array::from_fn(|index| {
            let contract = match Holder::ALL[index] {
                Holder::Treasury => ContractName::TimelockController,
                Holder::Registry => ContractName::NodeRegistry,
                Holder::Market => ContractName::TaskMarketplace,
                Holder::Escrow => ContractName::EscrowManager,
                Holder::Pool => ContractName::StakingPool,
                Holder::Distributor => ContractName::RewardDistributor,
                Holder::Court => ContractName::DisputeCourt,
                Holder::Vault => ContractName::FeeVault,
                Holder::Tips => ContractName::KeeperTips,
                Holder::Guardian => ContractName::Guardian,
                person => return signers[person.index()].address(),
            };
            deployment.address(contract)
        });
        let dollar = Address::from_word(keccak256("a dollar"));
        Ok(Self {
            holders,
            tokens: [Address::ZERO, deployment.address(ContractName::AIIGOToken), dollar],
            signers,
            verifier: deployment.address(ContractName::ProofOfWorkVerifier),
            solutions: Vec::new(),
            chain_id: deployment.chain_id,
        })
    }

    pub(super) fn address(&self, holder: Holder) -> Address {
        self.holders[holder.index()]
    }

    pub(super) fn holder(&self, address: Address) -> Option<Holder> {
        self.holders.iter().position(|known| *known == address).map(|index| Holder::ALL[index])
    }
}

/// A deployed suite with people, tokens and proven nodes, from which any number of sequences can start.
pub struct Prepared {
    pub(super) suite: Arc<Suite>,
    state: Arc<State>,
    terms: Terms,
    beginning: Beginning,
    pub(super) positions: Vec<U256>,
    pub(super) watches: Watches,
}

impl Prepared {
    /// Deploys the suite, or takes the cached deployment, and sets it up.
    ///
    /// # Errors
    /// If the suite does not deploy, or a step of the preparation reverts.
    pub fn new() -> Result<Self, Error> {
        let dir = tempfile::tempdir()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let placed = runtime.block_on(place(&project_root(), dir.path(), CHAIN_ID))?;
        let deployment = Deployment::load(&placed.deployment)?;
        let (state, head) = state::load(&placed.state)?;
        let mut suite = Suite::new(&deployment)?;
        let machine = Machine::new(Arc::new(state), suite.chain_id, head.number(), head.timestamp());
        let mut terms = Terms::parse(&deployment.parameters)?;
        let mut setup = Setup { suite: &suite, machine, terms: &mut terms };
        setup.make_dollar();
        setup.list_tokens()?;
        setup.fund_tips();
        setup.let_reviews_begin_early()?;
        setup.let_juries_take_their_time()?;
        let interval_since = setup.let_rounds_take_their_time()?;
        setup.lengthen_epochs()?;
        let rate_until = setup.rate_ether()?;
        setup.fill_purses(&deployment)?;
        let nodes = setup.bring_nodes()?;
        let (positions, jurors) = setup.swear_jurors()?;
        let mut machine = setup.machine;
        machine.advance(terms.court.epoch_length);
        let mut books = Books {
            nodes: vec![NodeBook::default(); nodes.len()],
            positions: vec![PositionBook::default(); positions.len()],
            ..Books::default()
        };
        let mut watches = Watches::new(&suite, nodes.len());
        for (position, id) in positions.iter().enumerate() {
            watches.position(&suite, position, *id);
        }
        watches.refresh(&mut machine, &mut books);
        for holder in Holder::ALL {
            let ether = machine.account(suite.address(*holder)).balance;
            books.wallets[holder.index()][Token::Ether.index()] = ether.saturating_to();
        }
        let (number, timestamp) = (machine.number(), machine.now());
        let state = Arc::new(machine.into_state());
        let scratch = Machine::new(state.clone(), suite.chain_id, number, timestamp);
        let (nonces, rates) = search_rounds(scratch, &suite, &terms)?;
        suite.solutions = nonces;
        let beginning = Beginning {
            now: timestamp,
            block: number,
            books,
            nodes,
            jurors,
            rate_until,
            interval_since,
            solutions: Arc::new(rates),
        };
        Ok(Self { suite: Arc::new(suite), state, terms, beginning, positions, watches })
    }

    pub(super) fn machine(&self) -> Machine {
        Machine::new(self.state.clone(), self.suite.chain_id, self.beginning.block, self.beginning.now)
    }

    pub(super) fn books(&self) -> &Books {
        &self.beginning.books
    }

    /// The model of the state.
    pub fn model(&self) -> Model {
        Model::new(self.terms.clone(), self.beginning.clone())
    }
}

struct Setup<'a> {
    suite: &'a Suite,
    machine: Machine,
    terms: &'a mut Terms,
}

impl Setup<'_> {
    /// The dollar is AIIGO's code once more, at another address: an ERC-20 as any, and nothing of the suite knows it.
    fn make_dollar(&mut self) {
        let code = self.machine.account(self.suite.tokens[Token::Aiigo.index()]);
        let dollar = self.suite.tokens[Token::Dollar.index()];
        self.machine.database().insert_account_info(dollar, code);
    }

    /// By governance, as on a chain that takes these tokens.
    fn list_tokens(&mut self) -> Result<(), Error> {
        let governance = self.suite.address(Holder::Treasury);
        for (token, terms) in LISTED {
            let address = self.suite.tokens[token.index()];
            let listing = TaskMarketplace::setPaymentTokenCall {
                token: address,
                allowed: true,
                timeoutTip: U96::from(terms.tip),
            };
            self.machine.must(governance, self.suite.address(Holder::Market), 0, &listing)?;
            let limits = NodeRegistry::TokenLimits {
                minCountedFee: terms.min_counted_fee,
                levelOneCap: terms.cap,
                levelTwoCap: terms.cap,
                levelThreeCap: terms.cap,
                levelFourCap: terms.cap,
            };
            let limiting = NodeRegistry::setTokenLimitsCall { token: address, limits };
            self.machine.must(governance, self.suite.address(Holder::Registry), 0, &limiting)?;
        }
        Ok(())
    }

    /// A few tips' worth, so that it also runs out.
    fn fund_tips(&mut self) {
        let tips = self.suite.address(Holder::Tips);
        let mut info = self.machine.account(tips);
        info.balance = U256::from(self.terms.tips[Duty::Finalize as usize].amount * 5 / 2);
        self.machine.database().insert_account_info(tips, info);
    }

    fn let_reviews_begin_early(&mut self) -> Result<(), Error> {
        let (governance, registry) = (self.suite.address(Holder::Treasury), self.suite.address(Holder::Registry));
        let mut parameters = self.machine.must(governance, registry, 0, &NodeRegistry::parametersCall {})?;
        parameters.reviewMinTasks = REVIEW_MIN_TASKS;
        self.machine.must(governance, registry, 0, &NodeRegistry::setParametersCall { parameters_: parameters })?;
        Ok(())
    }

    fn let_juries_take_their_time(&mut self) -> Result<(), Error> {
        let (governance, court) = (self.suite.address(Holder::Treasury), self.suite.address(Holder::Court));
        let mut parameters = self.machine.must(governance, court, 0, &DisputeCourt::parametersCall {})?;
        parameters.drawPeriod = COURT_PERIODS.draw;
        parameters.commitPeriod = COURT_PERIODS.commit;
        parameters.revealPeriod = COURT_PERIODS.reveal;
        parameters.appealWindow = COURT_PERIODS.appeal;
        parameters.holdPeriod = COURT_PERIODS.hold;
        self.machine.must(governance, court, 0, &DisputeCourt::setParametersCall { parameters_: parameters })?;
        Ok(())
    }

    /// When the interval that the first round ends began.
    fn let_rounds_take_their_time(&mut self) -> Result<u64, Error> {
        let (governance, verifier) = (self.suite.address(Holder::Treasury), self.suite.verifier);
        let mut parameters = self.machine.must(governance, verifier, 0, &ProofOfWorkVerifier::parametersCall {})?;
        parameters.window = ROUND_WINDOW;
        parameters.lateWindow = LATE_WINDOW;
        parameters.hashesPerTflops = [CALIBRATION; 5];
        let setting = ProofOfWorkVerifier::setParametersCall { parameters_: parameters };
        self.machine.must(governance, verifier, 0, &setting)?;
        for (token, floor) in self.suite.tokens.into_iter().zip(EXCUSE_FLOORS) {
            let floor = (token, U96::from(floor)).into();
            self.machine.must(governance, verifier, 0, &ProofOfWorkVerifier::setExcuseFloorCall { floor })?;
        }
        let round = self.machine.must(governance, verifier, 0, &ProofOfWorkVerifier::currentRoundCall {})?;
        Ok(round.openedAt.saturating_to())
    }

    /// Nothing but the deployment sets it: it is found among what its own view reads, as a number of 40 bits.
    fn lengthen_epochs(&mut self) -> Result<(), Error> {
        let distributor = self.suite.address(Holder::Distributor);
        let length =
            |machine: &mut Machine| machine.must(Address::ZERO, distributor, 0, &RewardDistributor::epochLengthCall {});
        let start = RewardDistributor::epochStartCall { epoch: U256::ZERO };
        let before = length(&mut self.machine)?;
        let begins = self.machine.must(Address::ZERO, distributor, 0, &start)?;
        let view = RewardDistributor::epochLengthCall {}.abi_encode();
        let touched = self.machine.run(Address::ZERO, distributor, 0, view.into()).touched;
        let slots = touched.get(&distributor).into_iter().flat_map(|account| &account.storage);
        for (slot, value) in slots.map(|(slot, value)| (*slot, value.present_value)) {
            for shift in (0..=216).step_by(8) {
                let mask: U256 = U256::from((1_u64 << 40) - 1);
                let shifted: U256 = value >> shift;
                if shifted & mask != before {
                    continue;
                }
                let field: U256 = U256::from(EPOCH_LENGTH) << shift;
                let hole: U256 = mask << shift;
                let changed: U256 = value & !hole | field;
                self.machine.store(distributor, slot, changed);
                let (found, still) =
                    (length(&mut self.machine)?, self.machine.must(Address::ZERO, distributor, 0, &start)?);
                if found == U256::from(EPOCH_LENGTH) && still == begins {
                    self.terms.rewards.start = begins.saturating_to();
                    return Ok(());
                }
                self.machine.store(distributor, slot, value);
            }
        }
        Err(Error::NoEpochLength)
    }

    /// So high that budgets run out; until when it counts.
    fn rate_ether(&mut self) -> Result<u64, Error> {
        let (governance, distributor) = (self.suite.address(Holder::Treasury), self.suite.address(Holder::Distributor));
        let call = RewardDistributor::setRateCall { feeToken: Address::ZERO, rate: U256::from(ETHER_RATE) };
        self.machine.must(governance, distributor, 0, &call)?;
        Ok(self.machine.now() + RATE_LIFETIME)
    }

    /// A jury and another for an appeal, without anybody who ever is a party.
    fn swear_jurors(&mut self) -> Result<(Vec<U256>, Vec<Sworn>), Error> {
        let (pool, court) = (self.suite.address(Holder::Pool), self.suite.address(Holder::Court));
        let (mut positions, mut jurors) = (Vec::new(), Vec::new());
        for (place, juror) in Holder::JURORS.iter().enumerate() {
            let from = self.suite.address(*juror);
            let (amount, lock) = sworn_stake(place);
            let staking = StakingPool::stakeCall { amount: U256::from(amount), lock: U256::from(lock) };
            let position = self.machine.must(from, pool, 0, &staking)?;
            self.machine.must(from, court, 0, &DisputeCourt::joinJuryCall { positionId: position })?;
            let now = self.machine.now();
            positions.push(position);
            jurors.push(Sworn {
                juror: *juror,
                unlocks_at: now + lock,
                from_epoch: now / self.terms.court.epoch_length + 1,
            });
        }
        Ok((positions, jurors))
    }

    /// Money for everybody, and an approval for every contract that pulls tokens.
    fn fill_purses(&mut self, deployment: &Deployment) -> Result<(), Error> {
        let faucet = &deployment.parameters["genesis"]["publicSale"];
        let faucet: Address = serde_json::from_value(faucet.clone())?;
        let [_, aiigo, dollar] = self.suite.tokens;
        for person in Holder::ACTORS {
            let to = self.suite.address(*person);
            let mut info = self.machine.account(to);
            info.balance = U256::from(PURSE[Token::Ether.index()]);
            self.machine.database().insert_account_info(to, info);
            let amount = U256::from(PURSE[Token::Aiigo.index()]);
            self.machine.must(faucet, aiigo, 0, &AIIGOToken::transferCall { to, value: amount })?;
            let minter = self.suite.address(Holder::Distributor);
            let amount = U256::from(PURSE[Token::Dollar.index()]);
            self.machine.must(minter, dollar, 0, &AIIGOToken::mintCall { to, amount })?;
            for (token, spender) in [aiigo, dollar].into_iter().flat_map(|token| {
                [Holder::Registry, Holder::Escrow, Holder::Pool, Holder::Court, Holder::Distributor]
                    .map(|spender| (token, spender))
            }) {
                let spender = self.suite.address(spender);
                self.machine.must(to, token, 0, &AIIGOToken::approveCall { spender, value: U256::MAX })?;
            }
        }
        Ok(())
    }

    fn bring_nodes(&mut self) -> Result<Vec<Proven>, Error> {
        let registry = self.suite.address(Holder::Registry);
        let mut proven = Vec::new();
        for (owner, operator, payout, stake) in NODES {
            let from = self.suite.address(owner);
            let registration = NodeRegistry::registerNodeCall {
                resourceType: aiigo_protocol::ResourceType::GPU.into(),
                metadataURI: "ipfs://node".to_owned(),
                operator: self.suite.address(operator),
                payout: self.suite.address(payout),
                referrer: 0,
            };
            let id = self.machine.must(from, registry, self.terms.registry.registration_fee, &registration)?;
            let staking = NodeRegistry::stakeForNodeCall { nodeId: id, amount: U256::from(stake) };
            self.machine.must(from, registry, 0, &staking)?;
            self.machine.must(from, registry, 0, &NodeRegistry::setOnlineCall { nodeId: id, online: true })?;
            let (hash_rate, power_until) = self.prove(from, id)?;
            proven.push(Proven { owner, operator, payout, hash_rate, power_until });
        }
        Ok(proven)
    }

    /// Answers an onboarding challenge by really searching: the hash rate shown, and until when it counts.
    fn prove(&mut self, from: Address, id: u64) -> Result<(u64, u64), Error> {
        self.machine.advance(1);
        let verifier = self.suite.verifier;
        self.machine.must(from, verifier, 0, &ProofOfWorkVerifier::issueChallengeCall { nodeId: id })?;
        let challenge = self.machine.must(from, verifier, 0, &ProofOfWorkVerifier::challengeOfCall { nodeId: id })?;
        let seed = aiigo_pow::node_seed(self.suite.chain_id, verifier, challenge.seed, id);
        self.machine.advance(1);
        let [found, _] = search(seed, HASHES)?;
        let answer = ProofOfWorkVerifier::submitSolutionCall { nodeId: id, nonces: found.nonces };
        self.machine.must(from, verifier, 0, &answer)?;
        let rate = hash_rate(found.largest, ROUND_WINDOW.into());
        Ok((rate, challenge.openedAt.to::<u64>() + self.terms.power_lasts()))
    }
}

/// Opens rounds on a machine that nobody goes on with, and searches for every node: nonces and hash rates by round and node.
#[allow(clippy::type_complexity)]
fn search_rounds(
    mut machine: Machine,
    suite: &Suite,
    terms: &Terms,
) -> Result<(Vec<Vec<[Bytes; 2]>>, Vec<Vec<Solutions>>), Error> {
    let opener = suite.address(Holder::Stranger);
    let (mut nonces, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        machine.advance(terms.longest_interval() + 1);
        machine.expect_round();
        machine.must(opener, suite.verifier, 0, &ProofOfWorkVerifier::openRoundWithoutPreimageCall {})?;
        let round = machine.must(opener, suite.verifier, 0, &ProofOfWorkVerifier::currentRoundCall {})?;
        let (mut of_nodes, mut shown) = (Vec::new(), Vec::new());
        for id in 1..=NODES.len() as u64 {
            let seed = aiigo_pow::node_seed(suite.chain_id, suite.verifier, round.seed, id);
            let solutions = search(seed, HASHES / 2)?;
            shown.push(solutions.each_ref().map(|found| hash_rate(found.largest, ROUND_WINDOW.into())));
            of_nodes.push(solutions.map(|found| found.nonces));
        }
        nonces.push(of_nodes);
        rates.push(shown);
    }
    Ok((nonces, rates))
}

/// A solution, and the largest of its hashes.
struct Found {
    nonces: Bytes,
    largest: U256,
}

/// The nonces of the smallest hashes of so many, and some of larger ones that show about a quarter of the work; whatever
/// searches: a solver with a clock would prove another power each time.
fn search(seed: B256, hashes: u64) -> Result<[Found; 2], Error> {
    // A few more are expected below it than are needed.
    let target = u64::MAX / hashes * 5 * NONCES as u64;
    let backends = Registry::builtin();
    let options = CpuOptions { nice: false, ..CpuOptions::default() };
    let mut devices = backends.backends().iter().filter_map(|backend| backend.open(&options).ok()).flatten();
    let mut device = devices.next().ok_or(PowError::NoDevice)?;
    let (job, mut first, mut found) = (Job::new(seed), 0, Vec::new());
    while first < hashes {
        let mut hits = Hits::default();
        first += device.search(&job, first, hashes - first, target, &mut hits)?;
        found.extend(hits.as_slice().iter().map(|nonce| (aiigo_pow::hash(seed, *nonce), *nonce)));
    }
    found.sort_unstable();
    Ok([0, 3].map(|quarter| {
        let taken: Vec<_> = found.iter().skip(quarter * NONCES).take(NONCES).collect();
        let largest = taken.last().map_or(U256::MAX, |(hash, _)| U256::from_be_bytes(hash.0));
        let mut nonces: Vec<u64> = taken.iter().map(|(_, nonce)| *nonce).collect();
        nonces.sort_unstable();
        Found { nonces: nonces.into_iter().flat_map(u64::to_be_bytes).collect::<Vec<_>>().into(), largest }
    }))
}
