//! What a case is about: a task, and whose result stands against whose.

use aiigo_chain::search_back;
use aiigo_protocol::{ContractName, DisputeCourt, NodeId, TaskId, TaskMarketplace};
use aiigo_storage::{ContentUri, GatewayUrl};
use aiigo_task::{Outcome, result_hash};
use alloy::{
    primitives::{Address, B256, U256},
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use serde::Serialize;

use super::case::Case;
use crate::{Chain, CliError, job::timeline::Timeline};

/// Strangers' gateways that are asked at most, beside those of the spec: each costs time.
const MOST_GATEWAYS: usize = 8;

/// What the jury judges.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) task: TaskId,
    /// Whose result it is: the share of the ruling is for it.
    pub(super) node: NodeId,
    pub(super) created: TaskMarketplace::TaskCreated,
    /// The result hash that the node put on the chain.
    pub(super) result: B256,
    /// In an appeal about a replicated task: who appealed, and what it had found.
    pub(super) appellant: Option<(NodeId, B256)>,
    /// Where the parties say that their evidence and the result are.
    pub(super) gateways: Vec<GatewayUrl>,
}

impl Subject {
    /// What a case is about.
    pub(super) async fn of(chain: &Chain, case: &Case) -> Result<Self, CliError> {
        let mut subject = Self::of_case(chain, case).await?;
        for Evidence { uri, .. } in evidence(chain, case.id).await? {
            subject.knows(&uri);
        }
        Ok(subject)
    }

    /// Whether one of the results that are judged is that the program ended so, without outputs.
    pub(super) fn says(&self, outcome: Outcome) -> bool {
        let hash = result_hash(outcome.exit_code(0), &[]);
        self.result == hash || self.appellant.is_some_and(|(_, result)| result == hash)
    }

    /// Takes in the gateways of an address, if it is one.
    fn knows(&mut self, uri: &str) {
        let Ok(uri) = uri.parse::<ContentUri>() else { return };
        let room = MOST_GATEWAYS.saturating_sub(self.gateways.len());
        self.gateways.extend(uri.gateways.into_iter().take(room));
    }

    async fn of_case(chain: &Chain, case: &Case) -> Result<Self, CliError> {
        let node = NodeId(case.raw.nodeId);
        let mut timeline = Timeline::new(chain.clone(), TaskId(case.raw.taskId));
        timeline.refresh().await?;
        if let (Some(created), Some(result)) = (timeline.created(), timeline.result()) {
            let created = created.clone();
            let mut subject = Self {
                task: TaskId(created.taskId),
                node,
                created,
                result: result.hash,
                appellant: None,
                gateways: Vec::new(),
            };
            for uri in result.uris {
                subject.knows(uri);
            }
            return Ok(subject);
        }
        Self::of_appeal(chain, case, node).await
    }

    /// The court knows an appeal about a replicated task by an id of its own.
    async fn of_appeal(chain: &Chain, case: &Case, respondent: NodeId) -> Result<Self, CliError> {
        let filter = Filter::new()
            .address(chain.deployment().address(ContractName::TaskMarketplace))
            .event_signature(TaskMarketplace::ReplicaAppealed::SIGNATURE_HASH)
            .topic3(B256::from(case.id));
        let head = chain.head().await?.number;
        let found = |logs: &[Log]| !logs.is_empty();
        let logs = search_back(chain.provider(), &filter, chain.deployment().block, head, found).await?;
        let appealed = logs.first().and_then(|log| TaskMarketplace::ReplicaAppealed::decode_log(&log.inner).ok());
        let appealed = appealed.ok_or_else(|| {
            CliError::Failed(format!("the chain's events do not tell what case {} is about", case.id))
        })?;
        let task = TaskId(appealed.taskId);
        let mut timeline = Timeline::new(chain.clone(), task);
        timeline.refresh().await?;
        let created = timeline.created().cloned();
        let created = created.ok_or_else(|| CliError::Failed(format!("the chain's events show no task {task}")))?;
        let result = async |node: u64| {
            let replica = chain.market().replicaOf(task.0, node).call().await;
            let replica = replica.map_err(|error| CliError::call(format!("reading node {node}'s result"), error))?;
            Ok::<_, CliError>(replica.digest)
        };
        Ok(Self {
            task,
            node: respondent,
            created,
            result: result(respondent.0).await?,
            appellant: Some((NodeId(appealed.nodeId), result(appealed.nodeId).await?)),
            gateways: Vec::new(),
        })
    }
}

/// Where the parties say that their evidence is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Evidence {
    pub(super) party: Address,
    pub(super) uri: String,
}

/// The evidence of a case: what the dispute was opened with, then what the court was told.
pub(super) async fn evidence(chain: &Chain, case: U256) -> Result<Vec<Evidence>, CliError> {
    let (head, block) = (chain.head().await?.number, chain.deployment().block);
    let case = B256::from(case);
    let market = Filter::new().address(chain.deployment().address(ContractName::TaskMarketplace)).topic3(case);
    let signatures =
        vec![TaskMarketplace::TaskDisputed::SIGNATURE_HASH, TaskMarketplace::ReplicaAppealed::SIGNATURE_HASH];
    let market = market.event_signature(signatures);
    let opened = search_back(chain.provider(), &market, block, head, |logs| !logs.is_empty()).await?;
    let mut found: Vec<Evidence> = opened
        .iter()
        .filter_map(|log| {
            let disputed = TaskMarketplace::TaskDisputed::decode_log(&log.inner);
            let disputed = disputed.map(|e| Evidence { party: e.disputer, uri: e.evidenceURI.clone() });
            let appealed = || TaskMarketplace::ReplicaAppealed::decode_log(&log.inner);
            disputed.or_else(|_| appealed().map(|e| Evidence { party: e.appellant, uri: e.evidenceURI.clone() })).ok()
        })
        .collect();
    let court = Filter::new()
        .address(chain.deployment().address(ContractName::DisputeCourt))
        .event_signature(DisputeCourt::EvidenceSubmitted::SIGNATURE_HASH)
        .topic1(case);
    let submitted = search_back(chain.provider(), &court, block, head, |_| false).await?;
    found.extend(submitted.iter().filter_map(|log| {
        let piece = DisputeCourt::EvidenceSubmitted::decode_log(&log.inner).ok()?;
        Some(Evidence { party: piece.party, uri: piece.evidenceURI.clone() })
    }));
    Ok(found)
}
