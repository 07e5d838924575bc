//! The second act: the same job again, and a buyer who takes the result to court.

use std::{ffi::OsString, time::Duration};

use aiigo_devnet::{Account as Keys, landed};
use aiigo_protocol::{AIIGOToken, ContractName, DisputeCourt, StakingPool, TaskId, TaskMarketplace, units};
use alloy::{
    primitives::{Address, B256, U256, keccak256},
    providers::DynProvider,
    sol_types::SolEvent,
};
use serde_json::{Value, json};

use super::{
    DemoArgs,
    money::{aiigo, eth, wei},
    play::{PATIENCE, Play, TASK},
};
use crate::project::{Error, state_dir};

/// Accounts of the devnet that nobody else uses. Three are drawn.
const JURORS: std::ops::Range<u32> = 24..28;
/// AIIGO that a juror stakes: the least that the court takes.
const STAKE: u64 = 10_000;
/// Votes, the provider's share in basis points: all of it.
const UPHELD: u16 = 10_000;
/// Nothing.
const REJECTED: u16 = 0;
/// As the contracts number them.
mod status {
    pub(super) const DRAWING: u8 = 1;
    pub(super) const COMMITTING: u8 = 2;
    pub(super) const RULED: u8 = 4;
}

/// What the court decided.
pub(super) struct Ruling {
    case: U256,
    jurors: usize,
    /// The task as the indexer has it.
    task: Value,
}

impl Ruling {
    /// Its part of the document of `--json`; amounts are decimal strings of wei.
    pub(super) fn json(&self) -> Value {
        json!({
            "taskId": self.task["id"],
            "status": self.task["status"],
            "caseId": self.case.to_string(),
            "jurors": self.jurors,
            "providerShareBps": self.task["ruling"],
            "escrowWei": self.task["escrow"],
            "providerPaidWei": self.task["providerAmount"],
            "feeWei": self.task["feeAmount"],
            "jurorsPaidWei": self.task["jurorAmount"],
            "refundedWei": self.task["refundAmount"],
        })
    }
}

impl Play<'_> {
    /// Jurors stake and opt in. They count from the court's next epoch on.
    pub(super) async fn jurors(&mut self) -> Result<Vec<Keys>, Error> {
        self.account.chapter("Jurors opt in");
        let mut jurors = Vec::new();
        for index in JURORS {
            let juror = self.market.devnet().account(index)?;
            self.account.waiting(format!("{} stakes and joins the jury pool", juror.address()));
            self.join(&juror).await?;
            jurors.push(juror);
        }
        self.account.step(&format!("{} jurors staked {STAKE} AIIGO each and joined the pool", jurors.len()), None);
        let court = self.court(&jurors[0]);
        let joined = court.currentEpoch().call().await?;
        self.account.waiting("the stakes count from the court's next epoch on");
        let until = tokio::time::Instant::now() + PATIENCE;
        while court.currentEpoch().call().await? == joined {
            if tokio::time::Instant::now() > until {
                return Err("the court's epoch did not end".into());
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
            self.market.devnet().mine(1).await?;
        }
        Ok(jurors)
    }

    async fn join(&self, juror: &Keys) -> Result<(), Error> {
        let devnet = self.market.devnet();
        let stake = U256::from(STAKE) * U256::from(10).pow(U256::from(units::DECIMALS));
        devnet.send_aiigo(juror.address(), stake).await?;
        let pool = StakingPool::new(self.address(ContractName::StakingPool), devnet.provider_as(juror));
        let token = AIIGOToken::new(self.address(ContractName::AIIGOToken), devnet.provider_as(juror));
        landed(token.approve(*pool.address(), stake)).await?;
        let receipt = landed(pool.stake(stake, U256::ZERO)).await?;
        let position = receipt
            .logs()
            .iter()
            .find_map(|log| StakingPool::Staked::decode_log(&log.inner).ok())
            .ok_or("the pool did not say which position was opened")?
            .positionId;
        landed(self.court(juror).joinJury(position)).await?;
        Ok(())
    }

    /// The same job again; the buyer does not approve but disputes, three jurors compare with the first execution and
    /// vote, and the escrow is split as they rule.
    pub(super) async fn dispute(&mut self, args: &DemoArgs, jurors: &[Keys], first: &Value) -> Result<Ruling, Error> {
        self.account.chapter("The same job again, and a dispute");
        self.account.waiting("a provider runs the job");
        let done = self.second_job(args).await?;
        let task: TaskId = done["taskId"].as_str().unwrap_or_default().parse()?;
        self.account.step(&format!("node {} delivered; the buyer does not approve", done["nodeId"]), None);

        let case = self.open_case(task).await?;
        self.seat(case, &jurors[0]).await?;
        let same = done["resultHash"] == first["resultHash"] && !done["resultHash"].is_null();
        self.account.step(
            match same {
                true => "the jurors compare: an independent execution gave the same result hash",
                false => "the jurors compare: an independent execution gave another result hash",
            },
            None,
        );
        let voted = self.vote(case, jurors, if same { UPHELD } else { REJECTED }).await?;
        self.close(case).await?;

        let graphql = self.graphql()?;
        let task = graphql
            .until("the indexer to see the ruling", PATIENCE, TASK, json!({ "id": done["taskId"] }), |data| {
                (data["task"]["status"] == "RESOLVED").then(|| data["task"].clone())
            })
            .await?;
        let share = f64::from(task["ruling"].as_u64().unwrap_or_default() as u32) / 100.0;
        self.account.step(
            &format!(
                "ruled: {share}% to the provider: {}, jurors {}, protocol {}, back to the buyer {}",
                eth(wei(&task["providerAmount"])),
                eth(wei(&task["jurorAmount"])),
                eth(wei(&task["feeAmount"])),
                eth(wei(&task["refundAmount"])),
            ),
            None,
        );
        Ok(Ruling { case, jurors: voted, task })
    }

    async fn second_job(&mut self, args: &DemoArgs) -> Result<Value, Error> {
        let buyer = self.market.buyer()?;
        let results = state_dir().join("results").join(format!("{}-disputed", std::process::id()));
        match std::fs::remove_dir_all(&results) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut command: Vec<OsString> =
            vec!["job".into(), "run".into(), args.job.clone().into(), "--follow".into(), "--yes".into()];
        command.extend(["--json", "--approve", "never", "--results"].map(OsString::from));
        command.push(results.into());
        if let Some(input) = &args.input {
            command.extend(["--input".into(), std::path::absolute(input)?.into()]);
        }
        Ok(self.market.aiigo(&buyer, command).await?.json()?)
    }

    /// The buyer pays bond and case fee.
    async fn open_case(&self, task: TaskId) -> Result<U256, Error> {
        let devnet = self.market.devnet();
        let buyer = self.market.buyer()?;
        let court = self.court(&buyer);
        let market = TaskMarketplace::new(self.address(ContractName::TaskMarketplace), devnet.provider_as(&buyer));
        let token = AIIGOToken::new(self.address(ContractName::AIIGOToken), devnet.provider_as(&buyer));
        let fee = U256::from(court.parameters().call().await?.caseFee);
        devnet.send_aiigo(buyer.address(), fee).await?;
        landed(token.approve(*court.address(), fee)).await?;
        let state = market.taskOf(task.0).call().await?;
        let elapsed = U256::from(state.submittedAt - state.assignedAt);
        let due = market.dueFor(state.escrow, state.duration, elapsed).call().await?;
        // 2%; what is due is a multiple of 10,000.
        let bond = due * U256::from(200) / U256::from(10_000);
        let dispute =
            market.disputeTask(task.0, "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy".into());
        let receipt = landed(dispute.value(bond)).await?;
        let case = receipt
            .logs()
            .iter()
            .find_map(|log| DisputeCourt::CaseOpened::decode_log(&log.inner).ok())
            .ok_or("the court opened no case")?
            .caseId;
        self.account.step(
            &format!("the buyer disputes: case {case}, bond {}, case fee {}", eth(bond), aiigo(fee)),
            Some(&receipt.transaction_hash.to_string()),
        );
        Ok(case)
    }

    /// Waits for the keeper to draw the jury from a block that nobody knew when the case was opened.
    async fn seat(&self, case: U256, juror: &Keys) -> Result<(), Error> {
        let court = self.court(juror);
        self.account.waiting("the keeper draws the jury from the randomness of a block to come");
        self.until_not(case, status::DRAWING).await?;
        let seats = court.seatsOf(case).call().await?;
        self.account.step(&format!("{} of {} jurors drawn by stake", seats.len(), JURORS.len()), None);
        Ok(())
    }

    /// Mines blocks until the keeper has moved the case on.
    async fn until_not(&self, case: U256, status: u8) -> Result<(), Error> {
        let buyer = self.market.buyer()?;
        let court = self.court(&buyer);
        let until = tokio::time::Instant::now() + PATIENCE;
        while court.caseOf(case).call().await?.status == status {
            if tokio::time::Instant::now() > until {
                return Err(format!("nobody moved case {case} on").into());
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
            self.market.devnet().mine(1).await?;
        }
        Ok(())
    }

    /// Each seated juror seals its vote, then opens it. Returns how many did.
    async fn vote(&self, case: U256, jurors: &[Keys], share: u16) -> Result<usize, Error> {
        let state = self.court(&jurors[0]).caseOf(case).call().await?;
        if state.status != status::COMMITTING {
            return Err(format!("case {case} waits for no votes").into());
        }
        let seats = self.court(&jurors[0]).seatsOf(case).call().await?;
        let seated: Vec<&Keys> =
            jurors.iter().filter(|juror| seats.iter().any(|seat| seat.juror == juror.address())).collect();
        let salt = |juror: &Keys| -> B256 { keccak256(juror.signer().to_bytes()) };
        for juror in &seated {
            let court = self.court(juror);
            let hash = court.voteHash(case, state.round, juror.address(), share, salt(juror)).call().await?;
            landed(court.commitVote(case, hash)).await?;
        }
        self.account.step(&format!("{} jurors sealed their votes", seated.len()), None);
        for juror in &seated {
            landed(self.court(juror).revealVote(case, share, salt(juror))).await?;
        }
        self.account.step(&format!("{} jurors opened them", seated.len()), None);
        Ok(seated.len())
    }

    /// Waits for the appeal window to end, and for the keeper to close the case.
    async fn close(&self, case: U256) -> Result<(), Error> {
        self.account.waiting("the ruling can be appealed for some seconds");
        self.until_not(case, status::RULED).await?;
        self.account.step("nobody appealed: the case is closed", None);
        Ok(())
    }

    fn court(&self, caller: &Keys) -> DisputeCourt::DisputeCourtInstance<DynProvider> {
        DisputeCourt::new(self.address(ContractName::DisputeCourt), self.market.devnet().provider_as(caller))
    }

    fn address(&self, contract: ContractName) -> Address {
        self.market.devnet().deployment().address(contract)
    }
}
