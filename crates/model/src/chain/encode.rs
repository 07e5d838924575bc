//! A call as the contracts read it.

use aiigo_protocol::{
    AIIGOToken, DisputeCourt, EscrowManager, FeeVault, KeeperTips, NodeRegistry, ProofOfWorkVerifier, ResourceType,
    RewardDistributor, StakingPool, TaskMarketplace,
};
use alloy::{
    primitives::{
        Address, B256, FixedBytes, U256,
        aliases::{U40, U96},
        keccak256,
    },
    signers::SignerSync,
    sol_types::{Eip712Domain, SolCall, SolStruct, SolValue},
};

use super::{CaseId, Ids, prepare::Suite, token_address, tree};
use crate::{
    blocks,
    call::{Bid, Call, Request},
    cast::{Holder, Token},
    model::place_of_seal,
};

const SALT: B256 = B256::repeat_byte(0x5a);
const SPEC: B256 = B256::repeat_byte(0x5e);

/// The first salt whose seal takes that place, and the seal.
fn seal(task: B256, node: u64, sender: Address, place: u8) -> (B256, FixedBytes<20>) {
    let mut salt = U256::ZERO;
    loop {
        let hash = keccak256((task, U256::from(node), salt, sender).abi_encode());
        let digest = FixedBytes::<20>::from_slice(&hash[..20]);
        if digest[19] & 15 == place {
            return (salt.into(), digest);
        }
        salt += U256::ONE;
    }
}

/// Target, ether and data. A position that stands for nothing becomes an id that names nothing.
pub(super) fn encode(suite: &Suite, ids: &Ids, caller: Holder, call: &Call) -> (Address, u128, Vec<u8>) {
    let task = |task: &usize| ids.tasks.get(*task).copied().unwrap_or_default();
    let id = |node: &usize| *node as u64 + 1;
    let to = |holder| suite.address(holder);
    let market = |data| (to(Holder::Market), 0, data);
    let registry = |data| (to(Holder::Registry), 0, data);
    let verifier = |data| (suite.verifier, 0, data);
    let court = |data| (to(Holder::Court), 0, data);
    let distributor = |data| (to(Holder::Distributor), 0, data);
    let pool = |data| (to(Holder::Pool), 0, data);
    match call {
        Call::CreateTask { request, value } => {
            let data = TaskMarketplace::createTaskCall { request: encode_request(suite, request) }.abi_encode();
            (to(Holder::Market), *value, data)
        }
        Call::CreateTasks { requests, value } => {
            let requests = requests.iter().map(|request| encode_request(suite, request)).collect();
            let data = TaskMarketplace::createTasksCall { requests, permits: Vec::new() }.abi_encode();
            (to(Holder::Market), *value, data)
        }
        Call::CancelTask { task: t } => market(TaskMarketplace::cancelTaskCall { taskId: task(t) }.abi_encode()),
        Call::ExpireTask { task: t } => market(TaskMarketplace::expireTaskCall { taskId: task(t) }.abi_encode()),
        Call::CommitAccept { node, task: t } => {
            let (_, digest) = seal(task(t), id(node), to(caller), place_of_seal(*t));
            market(TaskMarketplace::commitAcceptCall { nodeId: id(node), digest }.abi_encode())
        }
        Call::AcceptTask { node, task: t } => {
            let (salt, _) = seal(task(t), id(node), to(caller), place_of_seal(*t));
            market(TaskMarketplace::acceptTaskCall { taskId: task(t), nodeId: id(node), salt }.abi_encode())
        }
        Call::AssignTask { bid } => market(encode_bid(suite, task(&bid.task), bid)),
        Call::CancelBid { node, nonce } => {
            market(TaskMarketplace::cancelBidCall { nodeId: id(node), nonce: U256::from(*nonce) }.abi_encode())
        }
        Call::CancelAllBids { node } => market(TaskMarketplace::cancelAllBidsCall { nodeId: id(node) }.abi_encode()),
        Call::AbandonTask { task: t } => market(TaskMarketplace::abandonTaskCall { taskId: task(t) }.abi_encode()),
        Call::SubmitResult { task: t } => {
            let result = TaskMarketplace::submitResultCall {
                taskId: task(t),
                resultHash: SPEC,
                resultURI: "ipfs://result".to_owned(),
            };
            market(result.abi_encode())
        }
        Call::ApproveTask { task: t } => market(TaskMarketplace::approveTaskCall { taskId: task(t) }.abi_encode()),
        Call::FinalizeTask { task: t } => market(TaskMarketplace::finalizeTaskCall { taskId: task(t) }.abi_encode()),
        Call::TimeoutTask { task: t } => market(TaskMarketplace::timeoutTaskCall { taskId: task(t) }.abi_encode()),
        Call::DisputeTask { task: t, value } => {
            let evidence = "ipfs://evidence".to_owned();
            let data = TaskMarketplace::disputeTaskCall { taskId: task(t), evidenceURI: evidence }.abi_encode();
            (to(Holder::Market), *value, data)
        }
        Call::DrawJury { case } => {
            let header = ids.cases.get(*case).map(|case| blocks::header(case.draw_block)).unwrap_or_default();
            court(DisputeCourt::drawCall { caseId: case_id(ids, *case), header: header.into() }.abi_encode())
        }
        Call::CommitVote { case, share } => {
            let commitment = ids.cases.get(*case).map(|case| vote_hash(case, to(caller), *share)).unwrap_or(SPEC);
            court(DisputeCourt::commitVoteCall { caseId: case_id(ids, *case), commitment }.abi_encode())
        }
        Call::RevealVote { case, share } => {
            let share = u16::try_from(*share).unwrap_or(u16::MAX);
            court(DisputeCourt::revealVoteCall { caseId: case_id(ids, *case), share, salt: SALT }.abi_encode())
        }
        Call::AdvanceCase { case } => court(DisputeCourt::advanceCall { caseId: case_id(ids, *case) }.abi_encode()),
        Call::Appeal { case } => court(DisputeCourt::appealCall { caseId: case_id(ids, *case) }.abi_encode()),
        Call::WithdrawFees { to: receiver } => court(DisputeCourt::withdrawFeesCall { to: to(*receiver) }.abi_encode()),
        Call::JoinJury { position } => {
            court(DisputeCourt::joinJuryCall { positionId: position_id(ids, *position) }.abi_encode())
        }
        Call::LeaveJury {} => court(DisputeCourt::leaveJuryCall {}.abi_encode()),
        Call::ReleasePosition { juror } => court(DisputeCourt::releasePositionCall { juror: to(*juror) }.abi_encode()),
        Call::ReweighJuror { juror } => court(DisputeCourt::reweighJurorCall { juror: to(*juror) }.abi_encode()),
        // Nobody's call.
        Call::Mine { .. } => (Address::ZERO, 0, Vec::new()),
        Call::Withdraw { token, to: receiver } => {
            let call = EscrowManager::withdrawCall { token: token_address(suite, *token), to: to(*receiver) };
            (to(Holder::Escrow), 0, call.abi_encode())
        }
        Call::WithdrawTips { to: receiver } => {
            (to(Holder::Tips), 0, KeeperTips::withdrawCall { to: to(*receiver) }.abi_encode())
        }
        Call::RegisterNode { value } => {
            let call = NodeRegistry::registerNodeCall {
                resourceType: ResourceType::GPU.into(),
                metadataURI: "ipfs://node".to_owned(),
                operator: Address::ZERO,
                payout: Address::ZERO,
                referrer: 0,
            };
            (to(Holder::Registry), *value, call.abi_encode())
        }
        Call::StakeForNode { node, amount } => {
            registry(NodeRegistry::stakeForNodeCall { nodeId: id(node), amount: U256::from(*amount) }.abi_encode())
        }
        Call::Unstake { node, amount } => {
            registry(NodeRegistry::unstakeCall { nodeId: id(node), amount: U256::from(*amount) }.abi_encode())
        }
        Call::WithdrawStake { node } => registry(NodeRegistry::withdrawStakeCall { nodeId: id(node) }.abi_encode()),
        Call::SetOnline { node, online } => {
            registry(NodeRegistry::setOnlineCall { nodeId: id(node), online: *online }.abi_encode())
        }
        Call::SetPayout { node, payout } => {
            registry(NodeRegistry::setPayoutCall { nodeId: id(node), payout: to(*payout) }.abi_encode())
        }
        Call::SetOperator { node, operator } => {
            registry(NodeRegistry::setOperatorCall { nodeId: id(node), operator: to(*operator) }.abi_encode())
        }
        Call::PutUnderReview { node } => registry(NodeRegistry::putUnderReviewCall { nodeId: id(node) }.abi_encode()),
        Call::EndReview { node } => registry(NodeRegistry::endReviewCall { nodeId: id(node) }.abi_encode()),
        Call::Ban { node } => registry(NodeRegistry::banCall { nodeId: id(node) }.abi_encode()),
        Call::Burn { amount } => {
            let burn = AIIGOToken::burnCall { value: U256::from(*amount) };
            (token_address(suite, Token::Aiigo), 0, burn.abi_encode())
        }
        Call::OpenPosition { amount, lock } => {
            pool(StakingPool::stakeCall { amount: U256::from(*amount), lock: U256::from(*lock) }.abi_encode())
        }
        Call::ClosePosition { position } => {
            pool(StakingPool::unstakeCall { positionId: position_id(ids, *position) }.abi_encode())
        }
        Call::Claim { position, token } => {
            let token = token_address(suite, *token);
            pool(StakingPool::claimCall { positionId: position_id(ids, *position), rewardToken: token }.abi_encode())
        }
        Call::Collect { token } => {
            let call = FeeVault::collectCall { token: token_address(suite, *token) };
            (to(Holder::Vault), 0, call.abi_encode())
        }
        Call::OpenRound {} => verifier(ProofOfWorkVerifier::openRoundWithoutPreimageCall {}.abi_encode()),
        Call::AnswerRound { node, full } => {
            let solutions =
                (ids.round as usize).checked_sub(1).and_then(|round| suite.solutions.get(round)?.get(*node));
            let nonces = solutions.map(|solutions| solutions[usize::from(!full)].clone()).unwrap_or_default();
            let call = ProofOfWorkVerifier::submitRoundSolutionCall { round: ids.round, nodeId: id(node), nonces };
            verifier(call.abi_encode())
        }
        Call::Excuse { node, task: t } => {
            let call = ProofOfWorkVerifier::excuseCall { round: ids.round, nodeId: id(node), taskId: task(t) };
            verifier(call.abi_encode())
        }
        Call::ReportMissed { nodes } => {
            let node_ids = nodes.iter().map(id).collect();
            let call = ProofOfWorkVerifier::reportMissedRoundCall { round: ids.round, nodeIds: node_ids };
            verifier(call.abi_encode())
        }
        Call::PostRoot { epoch, amounts } => {
            let call = RewardDistributor::postRootCall { epoch: U256::from(*epoch), root: tree::root(amounts) };
            distributor(call.abi_encode())
        }
        Call::FinalizeRoot { root } => {
            distributor(RewardDistributor::finalizeRootCall { rootId: root_id(ids, *root) }.abi_encode())
        }
        Call::VetoRoot { root } => {
            distributor(RewardDistributor::vetoRootCall { rootId: root_id(ids, *root) }.abi_encode())
        }
        Call::ClaimBonus { root, node } => {
            let amounts = ids.roots.get(*root).map(|(_, amounts)| amounts.as_slice()).unwrap_or_default();
            let call = RewardDistributor::claimBonusCall {
                nodeId: id(node),
                cumulativeAmount: U256::from(amounts.get(*node).copied().unwrap_or(0)),
                proof: tree::proof(amounts, *node),
            };
            distributor(call.abi_encode())
        }
        Call::CloseEpoch { epoch } => {
            distributor(RewardDistributor::closeEpochCall { epoch: U256::from(*epoch) }.abi_encode())
        }
        Call::ClaimBase { epoch, node } => {
            let call = RewardDistributor::claimBaseRewardCall { epoch: U256::from(*epoch), nodeId: id(node) };
            distributor(call.abi_encode())
        }
        Call::ResetWeight { position } => {
            pool(StakingPool::resetWeightCall { positionId: position_id(ids, *position) }.abi_encode())
        }
    }
}

fn root_id(ids: &Ids, root: usize) -> U256 {
    ids.roots.get(root).map_or(U256::MAX, |(id, _)| *id)
}

fn case_id(ids: &Ids, case: usize) -> U256 {
    ids.cases.get(case).map(|case| case.id).unwrap_or_default()
}

fn vote_hash(case: &CaseId, juror: Address, share: u128) -> B256 {
    keccak256((case.id, U256::from(case.round), juror, U256::from(share), SALT).abi_encode())
}

fn position_id(ids: &Ids, position: usize) -> U256 {
    ids.positions.get(position).copied().unwrap_or(U256::MAX)
}

fn encode_request(suite: &Suite, request: &Request) -> TaskMarketplace::TaskRequest {
    let resource = if request.gpu { ResourceType::GPU } else { ResourceType::CPU };
    TaskMarketplace::TaskRequest {
        resourceType: resource.into(),
        minTrustLevel: request.min_trust,
        replicas: request.replicas,
        minPower: request.min_power,
        duration: request.duration,
        acceptWindow: request.accept_window,
        reviewWindow: request.review_window,
        maxAuditAge: request.max_audit_age,
        pricePerHour: U96::from(request.price_per_hour),
        paymentToken: token_address(suite, request.token),
        watcher: request.watcher.map_or(Address::ZERO, |watcher| suite.address(watcher)),
        specHash: SPEC,
        specURI: "ipfs://spec".to_owned(),
    }
}

fn encode_bid(suite: &Suite, task: B256, bid: &Bid) -> Vec<u8> {
    let signed = TaskMarketplace::Bid {
        taskId: task,
        nodeId: bid.node as u64 + 1,
        pricePerHour: U96::from(bid.price_per_hour),
        eta: bid.eta,
        expiry: U40::from(bid.expiry),
        nodeEpoch: bid.epoch,
        nonce: U256::from(bid.nonce),
    };
    let domain = Eip712Domain {
        name: Some("AIIGO TaskMarketplace".into()),
        version: Some("1".into()),
        chain_id: Some(U256::from(suite.chain_id)),
        verifying_contract: Some(suite.address(Holder::Market)),
        salt: None,
    };
    let hash = signed.eip712_signing_hash(&domain);
    let signature = suite.signers.get(bid.signer.index()).and_then(|signer| signer.sign_hash_sync(&hash).ok());
    let signature = signature.map(|signature| signature.as_bytes().to_vec()).unwrap_or_default();
    TaskMarketplace::assignTaskCall { bid: signed, signature: signature.into() }.abi_encode()
}
