//! Setting a node up with a key that is never on the machine, nor on any that is connected: `setup --unsigned` writes the
//! owner's transactions into a file, `sign` signs them where the key is, `setup --signed` sends them.
//!
//! The signer trusts nothing in the file: what a transaction does is told from its calldata and the deployment's addresses, and
//! anything else than setting up a node is refused.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use aiigo_chain::SignerArgs;
use aiigo_protocol::{
    AIIGOToken::approveCall,
    ContractName, Deployment, NodeId,
    NodeRegistry::{registerNodeCall, setMetadataCall, setOperatorCall, setPayoutCall, stakeForNodeCall},
    ResourceType,
    units::format_amount,
};
use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::{Decodable2718, Encodable2718},
    primitives::{Address, Bytes, TxKind, U256},
    providers::Provider,
    rpc::types::TransactionReceipt,
    sol_types::SolCall,
};
use clap::Args;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{
    Agent,
    apply::{Sent, registered_by, remember},
    plan::{Plan, Step},
};
use crate::{
    cli::{Report, ask},
    error::{AgentError, Context, read_error},
};

const SCHEMA: &str = "aiigo.setup/v1";
/// The file may be signed days later: it offers so many times today's fee at most.
const FEE_MARGIN: u128 = 3;
/// Rest between two looks for a receipt.
const LOOK: Duration = Duration::from_millis(500);
/// How long a transaction is waited for.
const PATIENCE: Duration = Duration::from_secs(600);

/// What goes to the owner and back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SetupFile {
    schema: String,
    chain_id: u64,
    owner: Address,
    transactions: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    /// For whoever reads the file; nothing depends on it.
    label: String,
    transaction: TxEip1559,
    /// EIP-2718, once signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed: Option<Bytes>,
}

impl SetupFile {
    fn read(path: &Path) -> Result<Self, AgentError> {
        let text = fs::read_to_string(path).context(format!("cannot read {}", path.display()))?;
        let file: Self = serde_json::from_str(&text).context(format!("{} is no setup file", path.display()))?;
        match file.schema.as_str() {
            SCHEMA => Ok(file),
            other => Err(AgentError::new(format!("{} is of form `{other}`, not {SCHEMA}", path.display()))),
        }
    }

    /// Never over a file that is there: it may have been signed already.
    fn write(&self, path: &Path) -> Result<(), AgentError> {
        let what = || format!("cannot write {}", path.display());
        let text = serde_json::to_string_pretty(self).context(what())?;
        let mut file = fs::File::create_new(path).context(what())?;
        io_write(&mut file, &text).context(what())
    }
}

fn io_write(file: &mut fs::File, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    writeln!(file, "{text}")?;
    file.sync_all()
}

/// Writes the transactions of a plan for the owner to sign.
pub(super) async fn write(agent: &Agent, plan: &Plan, owner: Address, path: &Path) -> Result<(), AgentError> {
    if plan.steps.is_empty() {
        return Err(AgentError::new("the node is as it should be: there is nothing to sign"));
    }
    let market = &agent.market;
    let nonce = market.provider().get_transaction_count(owner).await.context("cannot read the owner's nonce")?;
    let fees = market.provider().estimate_eip1559_fees().await.context("cannot ask for today's fees")?;
    let node = match plan.node {
        Some(node) => node,
        // Should another be registered before, staking for it is refused: the stake only goes to the owner's own.
        None => NodeId(next_node(agent).await?),
    };
    let transactions = (nonce..).zip(&plan.steps).map(|(nonce, step)| {
        let call = step.call(market, node);
        Entry {
            label: step.label(),
            transaction: TxEip1559 {
                chain_id: market.chain_id(),
                nonce,
                gas_limit: gas_of(step),
                max_fee_per_gas: fees.max_fee_per_gas.saturating_mul(FEE_MARGIN),
                max_priority_fee_per_gas: fees.max_priority_fee_per_gas,
                to: TxKind::Call(call.to),
                value: call.value,
                access_list: Default::default(),
                input: call.data,
            },
            signed: None,
        }
    });
    let transactions = transactions.collect();
    SetupFile { schema: SCHEMA.into(), chain_id: market.chain_id(), owner, transactions }.write(path)
}

/// The id that the next registration gets.
async fn next_node(agent: &Agent) -> Result<u64, AgentError> {
    let count = agent.market.registry().nodeCount().call().await;
    Ok(count.map_err(|error| read_error("cannot count the nodes", error))?.saturating_add(1))
}

/// Generous: a step can't always be simulated before the one that it needs, and unused gas is not paid.
const fn gas_of(step: &Step) -> u64 {
    match step {
        Step::Register { .. } => 800_000,
        Step::SetMetadata(_) => 400_000,
        Step::Stake { .. } => 300_000,
        Step::SetOperator(_) | Step::SetPayout(_) => 200_000,
        Step::Approve { .. } => 120_000,
        Step::Fund { .. } => 60_000,
    }
}

/// Flags of `sign`.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct SignArgs {
    /// What `aiigo-agent setup --unsigned` wrote.
    file: PathBuf,
    /// Where to write it signed [default: beside it, as NAME.signed.json].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The deployment file of the contracts [default: deployments/<chain id>.json].
    #[arg(long, value_name = "FILE", env = "AIIGO_DEPLOYMENT")]
    deployment: Option<PathBuf>,
    #[command(flatten)]
    signer: SignerArgs,
    /// Sign without being asked.
    #[arg(long, short)]
    yes: bool,
}

/// What was signed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct SignReport {
    file: PathBuf,
    owner: Address,
    transactions: Vec<String>,
}

impl Report for SignReport {
    fn text(&self) -> String {
        let lines: Vec<_> = self.transactions.iter().map(|what| format!("  {what}\n")).collect();
        format!(
            "Signed by {}\n{}Next: `aiigo-agent setup --signed {}`\n",
            self.owner,
            lines.concat(),
            self.file.display()
        )
    }
}

/// Signs the transactions of a file, after a look at each; needs no chain.
pub(in crate::cli) async fn sign(args: &SignArgs) -> Result<SignReport, AgentError> {
    let mut file = SetupFile::read(&args.file)?;
    let deployment = match &args.deployment {
        Some(path) => path.clone(),
        None => PathBuf::from(format!("deployments/{}.json", file.chain_id)),
    };
    let deployment = Deployment::load(&deployment).context("what the transactions do can't be told")?;
    let meanings = file.meanings(&deployment)?;
    let cost = file.transactions.iter().map(|entry| cost_of(&entry.transaction)).fold(U256::ZERO, U256::saturating_add);
    let lines: Vec<_> = meanings.iter().map(|meaning| format!("  - {meaning}\n")).collect();
    let what = format!(
        "On chain {}, where {} is the registry and {} the token, the transactions {} to {} of {}:\n{}for at most {} ETH, gas \
         included.\n",
        file.chain_id,
        deployment.address(ContractName::NodeRegistry),
        deployment.address(ContractName::AIIGOToken),
        file.first_nonce(),
        file.first_nonce().saturating_add(file.transactions.len() as u64).saturating_sub(1),
        file.owner,
        lines.concat(),
        format_amount(cost)
    );
    if args.yes {
        tracing::info!("{what}");
    } else {
        ask::consent(what, "nothing was signed").await?;
    }
    let key = args.signer.load_async().await.context("no owner's key")?;
    if key.address() != file.owner {
        return Err(AgentError::new(format!("this is the key of {}, not of {}", key.address(), file.owner)));
    }
    for entry in &mut file.transactions {
        let mut transaction = entry.transaction.clone();
        let signature = key.sign(&mut transaction).await.context("cannot sign")?;
        entry.signed = Some(TxEnvelope::from(transaction.into_signed(signature)).encoded_2718().into());
    }
    let out = args.out.clone().unwrap_or_else(|| args.file.with_extension("signed.json"));
    file.write(&out)?;
    Ok(SignReport { file: out, owner: file.owner, transactions: meanings })
}

fn cost_of(transaction: &TxEip1559) -> U256 {
    let gas = U256::from(transaction.gas_limit).saturating_mul(U256::from(transaction.max_fee_per_gas));
    transaction.value.saturating_add(gas)
}

impl SetupFile {
    fn first_nonce(&self) -> u64 {
        self.transactions.first().map_or(0, |entry| entry.transaction.nonce)
    }

    /// The operator that the file makes, if it makes one.
    fn operator(&self) -> Option<Address> {
        self.transactions.iter().find_map(|Entry { transaction, .. }| {
            let registered = registerNodeCall::abi_decode(&transaction.input).map(|call| call.operator);
            registered.or_else(|_| setOperatorCall::abi_decode(&transaction.input).map(|call| call.operator)).ok()
        })
    }

    /// What each transaction does.
    fn meanings(&self, deployment: &Deployment) -> Result<Vec<String>, AgentError> {
        if deployment.chain_id != self.chain_id {
            return Err(AgentError::new(format!(
                "the deployment is on chain {}, the transactions are for chain {}",
                deployment.chain_id, self.chain_id
            )));
        }
        let operator = self.operator();
        (self.first_nonce()..)
            .zip(&self.transactions)
            .map(|(nonce, Entry { transaction, .. })| match transaction {
                TxEip1559 { chain_id, .. } if *chain_id != self.chain_id => Err(AgentError::new(format!(
                    "a transaction is for chain {chain_id}, the others for {}",
                    self.chain_id
                ))),
                TxEip1559 { nonce: other, .. } if *other != nonce => {
                    Err(AgentError::new(format!("transaction {other} stands where {nonce} should")))
                }
                _ => meaning(transaction, deployment, operator),
            })
            .collect()
    }
}

/// What a transaction does, by its calldata alone. ETH for gas goes to the operator that the same file makes, and to nobody else.
fn meaning(transaction: &TxEip1559, deployment: &Deployment, operator: Option<Address>) -> Result<String, AgentError> {
    let TxEip1559 { to, value, input, .. } = transaction;
    let refuse =
        || AgentError::new(format!("a transaction to {to:?} is no part of setting up a node: nothing is signed"));
    let TxKind::Call(to) = *to else { return Err(refuse()) };
    let registry = deployment.address(ContractName::NodeRegistry);
    match deployment.contract_at(to) {
        // A registration alone takes ETH.
        Some(ContractName::NodeRegistry) => registration(input, *value)
            .or_else(|| value.is_zero().then(|| owners_call(input)).flatten())
            .ok_or_else(refuse),
        Some(ContractName::AIIGOToken) if value.is_zero() => match approveCall::abi_decode(input) {
            Ok(call) if call.spender == registry => {
                Ok(format!("let the registry take {} AIIGO", format_amount(call.value)))
            }
            _ => Err(refuse()),
        },
        None if input.is_empty() && operator.is_none_or(|operator| operator == to) => {
            let whom = if operator.is_some() { "the operator" } else { "see that this is your operator:" };
            Ok(format!("send {} ETH for gas to {whom} {to}", format_amount(*value)))
        }
        _ => Err(refuse()),
    }
}

fn registration(input: &[u8], value: U256) -> Option<String> {
    let call = registerNodeCall::abi_decode(input).ok()?;
    if call.referrer != 0 {
        return None;
    }
    let resource = ResourceType::try_from(call.resourceType).ok()?.name();
    let or_owner = |key: Address| if key.is_zero() { "the owner".to_owned() } else { key.to_string() };
    let (operator, payout) = (or_owner(call.operator), or_owner(call.payout));
    let fee = format_amount(value);
    Some(format!("register a {resource} node for {fee} ETH: {operator} operates, {payout} gets the earnings"))
}

fn owners_call(input: &[u8]) -> Option<String> {
    if let Ok(call) = setOperatorCall::abi_decode(input) {
        return Some(format!("node {}: {} becomes the operator", call.nodeId, call.operator));
    }
    if let Ok(call) = setPayoutCall::abi_decode(input) {
        return Some(format!("node {}: {} gets the earnings", call.nodeId, call.payout));
    }
    if let Ok(call) = setMetadataCall::abi_decode(input) {
        return Some(format!("node {}: describe it anew", call.nodeId));
    }
    let call = stakeForNodeCall::abi_decode(input).ok()?;
    Some(format!("node {}: stake {} AIIGO", call.nodeId, format_amount(call.amount)))
}

/// Sends signed transactions one after the other; those that landed before are not sent again. Tells node and owner.
pub(super) async fn send(
    agent: &Agent,
    path: &Path,
    known: Option<NodeId>,
    token: &CancellationToken,
) -> Result<(NodeId, Address, Vec<Sent>), AgentError> {
    let file = SetupFile::read(path)?;
    let meanings = file.meanings(agent.market.deployment())?;
    let signed: Vec<_> = file.transactions.iter().map(|entry| envelope(entry, file.owner)).collect::<Result<_, _>>()?;
    let (mut node, mut sent) = (None, Vec::new());
    for ((transaction, label), entry) in signed.iter().zip(meanings).zip(&file.transactions) {
        let receipt = land(agent, transaction, file.owner, token).await.context(label.clone())?;
        if let Some(id) = node_of(&entry.transaction, &receipt)? {
            remember(agent, id, file.owner).await?;
            node = Some(id);
        }
        sent.push(Sent { label, tx_hash: *transaction.tx_hash(), block: receipt.block_number.unwrap_or_default() });
    }
    let node = match node {
        Some(node) => node,
        // Gas alone was sent.
        None => {
            known.ok_or_else(|| AgentError::new("all landed, but no transaction names a node: name it by --node"))?
        }
    };
    Ok((node, file.owner, sent))
}

/// A signed transaction, if it is the one that the file shows.
fn envelope(entry: &Entry, owner: Address) -> Result<TxEnvelope, AgentError> {
    let what = || format!("`{}`", entry.label);
    let signed = entry.signed.as_ref().ok_or_else(|| AgentError::new(format!("{} is not signed", what())))?;
    let transaction = TxEnvelope::decode_2718(&mut signed.as_ref()).context(format!("{} is signed badly", what()))?;
    let is_owners = transaction.as_eip1559().is_some_and(|signed| {
        let signer = signed.signature().recover_address_from_prehash(&signed.signature_hash());
        *signed.tx() == entry.transaction && signer.is_ok_and(|signer| signer == owner)
    });
    match is_owners {
        true => Ok(transaction),
        false => Err(AgentError::new(format!("{} is not what {owner} signed", what()))),
    }
}

async fn land(
    agent: &Agent,
    transaction: &TxEnvelope,
    owner: Address,
    token: &CancellationToken,
) -> Result<TransactionReceipt, AgentError> {
    let provider = agent.market.provider();
    let (hash, nonce) = (*transaction.tx_hash(), alloy::consensus::Transaction::nonce(transaction));
    let failed = "cannot ask for a transaction";
    let mut offered = false;
    let landed = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(receipt) = provider.get_transaction_receipt(hash).await.context(failed)? {
                return Ok(receipt);
            }
            let next = provider.get_transaction_count(owner).await.context(failed)?;
            if next > nonce {
                // It may have landed between the two questions.
                return provider.get_transaction_receipt(hash).await.context(failed)?.ok_or_else(|| {
                    AgentError::new("the owner sent something else meanwhile: write and sign a new file")
                });
            }
            if !offered {
                offer(agent, transaction).await?;
                offered = true;
            }
            tokio::select! {
                () = token.cancelled() => return Err(AgentError::stopped()),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    });
    let late =
        || AgentError::new(format!("{hash} did not land in {} minutes: try again later", PATIENCE.as_secs() / 60));
    let receipt = landed.await.map_err(|_| late())??;
    match receipt.status() {
        true => Ok(receipt),
        false => Err(AgentError::new(format!(
            "{hash} was refused by the contract, so nothing after it was sent: write and sign a new file"
        ))),
    }
}

/// Offers a transaction; one that the chain has already, from an earlier try, is as good.
async fn offer(agent: &Agent, transaction: &TxEnvelope) -> Result<(), AgentError> {
    let provider = agent.market.provider();
    let refused = match provider.send_raw_transaction(&transaction.encoded_2718()).await {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    match provider.get_transaction_by_hash(*transaction.tx_hash()).await {
        Ok(Some(_)) => Ok(()),
        _ => Err(AgentError::because("the chain refuses the transaction", refused)),
    }
}

/// The node that a transaction is about, if it names one.
fn node_of(transaction: &TxEip1559, receipt: &TransactionReceipt) -> Result<Option<NodeId>, AgentError> {
    let input = &transaction.input;
    if registerNodeCall::abi_decode(input).is_ok() {
        return registered_by(receipt).map(Some);
    }
    let named =
        [setOperatorCall::SELECTOR, setPayoutCall::SELECTOR, setMetadataCall::SELECTOR, stakeForNodeCall::SELECTOR];
    let argument = input.get(4..36).filter(|_| named.iter().any(|selector| input.starts_with(selector)));
    Ok(argument.map(|word| NodeId(U256::from_be_slice(word).saturating_to())))
}

#[cfg(test)]
mod tests {
    use aiigo_protocol::Deployed;

    use super::*;

    fn deployment() -> Deployment {
        let address = |index: usize| Address::repeat_byte(u8::try_from(index + 1).expect("few"));
        let deployed = |index| Deployed { address: address(index), implementation: None };
        let contracts = ContractName::ALL.iter().enumerate().map(|(at, name)| (name.to_string(), deployed(at)));
        Deployment { chain_id: 5, block: 1, contracts: contracts.collect(), parameters: serde_json::Value::Null }
    }

    fn transaction(to: Address, value: u64, input: Vec<u8>) -> TxEip1559 {
        TxEip1559 {
            chain_id: 5,
            nonce: 7,
            gas_limit: 100,
            max_fee_per_gas: 10,
            to: TxKind::Call(to),
            value: U256::from(value),
            input: input.into(),
            ..TxEip1559::default()
        }
    }

    #[test]
    fn a_signer_is_told_what_each_transaction_does() {
        let deployment = deployment();
        let at = |name| deployment.address(name);
        let registry = at(ContractName::NodeRegistry);
        let stake = stakeForNodeCall { nodeId: 3, amount: U256::from(5_u128 * 10_u128.pow(18)) }.abi_encode();
        let told = |transaction: TxEip1559| meaning(&transaction, &deployment, None).map_err(|error| error.full());
        assert_eq!(told(transaction(registry, 0, stake.clone())).expect("a stake"), "node 3: stake 5 AIIGO");
        let approve = |spender| approveCall { spender, value: U256::from(1) }.abi_encode();
        assert!(told(transaction(at(ContractName::AIIGOToken), 0, approve(registry))).is_ok());
        let gift = told(transaction(Address::repeat_byte(0xaa), 1, Vec::new())).expect("a gift");
        assert!(gift.starts_with("send 0.000000000000000001 ETH for gas to see that this is your operator"), "{gift}");
        let stranger = transaction(Address::repeat_byte(0xaa), 1, Vec::new());
        assert!(meaning(&stranger, &deployment, Some(Address::repeat_byte(0xbb))).is_err());
        let register = |referrer| registerNodeCall {
            resourceType: 1,
            metadataURI: String::new(),
            operator: Address::ZERO,
            payout: Address::ZERO,
            referrer,
        };
        assert!(told(transaction(registry, 1, register(0).abi_encode())).is_ok());
        assert!(told(transaction(registry, 1, register(7).abi_encode())).is_err(), "somebody else's referral");
        for (what, wrong) in [
            (
                "a spender that is not the registry",
                transaction(at(ContractName::AIIGOToken), 0, approve(Address::ZERO)),
            ),
            ("ETH with a stake", transaction(registry, 1, stake.clone())),
            ("a call of a stranger", transaction(Address::repeat_byte(0xaa), 0, stake.clone())),
            ("another contract", transaction(at(ContractName::StakingPool), 0, stake)),
            ("an unknown call", transaction(registry, 0, vec![1, 2, 3, 4])),
        ] {
            let refused = told(wrong).expect_err(what);
            assert!(refused.contains("nothing is signed"), "{what}: {refused}");
        }
    }

    #[test]
    fn transactions_follow_each_other_on_one_chain() {
        let deployment = deployment();
        let entry = |nonce, chain_id| Entry {
            label: "anything".into(),
            transaction: TxEip1559 { nonce, chain_id, ..transaction(Address::repeat_byte(0xaa), 1, Vec::new()) },
            signed: None,
        };
        let file = |transactions| SetupFile { schema: SCHEMA.into(), chain_id: 5, owner: Address::ZERO, transactions };
        assert_eq!(file(vec![entry(7, 5), entry(8, 5)]).meanings(&deployment).expect("a file").len(), 2);
        assert!(file(vec![entry(7, 5), entry(9, 5)]).meanings(&deployment).is_err());
        assert!(file(vec![entry(7, 5), entry(8, 6)]).meanings(&deployment).is_err());
        let elsewhere = SetupFile { chain_id: 6, ..file(vec![entry(7, 6)]) };
        assert!(elsewhere.meanings(&deployment).is_err());
    }

    #[test]
    fn a_file_is_never_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("setup.json");
        let entry = Entry { label: "x".into(), transaction: transaction(Address::ZERO, 1, Vec::new()), signed: None };
        let file = SetupFile { schema: SCHEMA.into(), chain_id: 5, owner: Address::ZERO, transactions: vec![entry] };
        file.write(&path).expect("written");
        assert_eq!(SetupFile::read(&path).expect("read"), file);
        assert!(file.write(&path).is_err());
    }
}
