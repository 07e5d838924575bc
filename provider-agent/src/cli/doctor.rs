//! `doctor`: what is wrong, and how to fix it.

use std::{path::Path, time::Duration};

use aiigo_chain::SignerArgs;
use aiigo_executor::{DockerExecutor, DockerHost, WasmExecutor};
use aiigo_protocol::{NodeStatus, units};
use aiigo_storage::free_disk;
use aiigo_task::format_bytes;
use aiigo_telemetry::{Check, Checkup};
use alloy::primitives::U256;
use clap::Args;

use super::{Agent, CommonArgs, ENOUGH_DISK, ENOUGH_ETH, Report};
use crate::{
    data_dir::DataDir,
    error::{AgentError, Context},
    machine::{Gpus, Hardware},
    market::status_of,
    operator,
    policy::PolicyFile,
    sandbox::DockerArgs,
};

/// A clock further from the chain's than this is wrong, or the endpoint lags.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(60);

#[derive(Args, Clone, Debug)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    docker: DockerArgs,
}

pub(super) async fn doctor(args: &DoctorArgs) -> Checkup {
    let folder = args.common.folder.data_dir.clone();
    let looked = tokio::task::spawn_blocking(move || machine(&folder)).await;
    let mut checks = looked.unwrap_or_else(|error| vec![Check::bad("machine", error.to_string(), "look again")]);
    match WasmExecutor::new() {
        Ok(_) => checks.push(Check::good("sandbox", "starts")),
        Err(error) => {
            checks.push(Check::bad("sandbox", error.to_string(), "use a processor and system that wasmtime supports"))
        }
    }
    checks.push(docker(args.docker.docker.as_ref()).await);
    checks.push(policy(&args.common.folder.data_dir));
    match args.common.open().await {
        Err(error) => {
            let fix = "check --rpc-url, --deployment and --data-dir";
            checks.push(Check::bad("chain and folder", error.full(), fix));
        }
        Ok(agent) => {
            let folder = agent.data.path().display();
            checks
                .push(Check::good("chain and folder", format!("chain {}, data in {folder}", agent.market.chain_id())));
            if let Err(error) = look(&mut checks, args, &agent).await {
                checks.push(Check::bad("chain", error.full(), "see that the endpoint of --rpc-url answers"));
            }
        }
    }
    Checkup::new(checks)
}

fn machine(folder: &Path) -> Vec<Check> {
    let gpus = Gpus::open();
    vec![
        match Hardware::detect(folder, &gpus) {
            Ok(hardware) => Check::good("machine", hardware.to_string()),
            Err(error) => Check::bad("machine", error.to_string(), "see that the disk of --data-dir is there"),
        },
        match gpus.driver() {
            Ok(Some(version)) => Check::good("GPU driver", version),
            Ok(None) => Check::good("GPU driver", "none needed: no NVIDIA GPU"),
            Err(error) => Check::bad("GPU driver", error, "install NVIDIA's driver, and start the machine again"),
        },
        disk(folder),
    ]
}

/// How much the disk of a folder still takes.
pub(super) fn disk(folder: &Path) -> Check {
    let fix = || format!("free some space at {}", folder.display());
    match free_disk(folder) {
        Ok(free) if free >= ENOUGH_DISK => Check::good("disk", format!("{} free", format_bytes(free))),
        Ok(free) => Check::bad("disk", format!("{} free", format_bytes(free)), fix()),
        Err(error) => Check::bad("disk", error.to_string(), fix()),
    }
}

async fn docker(host: Option<&DockerHost>) -> Check {
    let Some(host) = host else {
        return Check::good("docker", "not asked for: only WebAssembly runs (`--docker auto` looks for an engine)");
    };
    let report = match DockerExecutor::look(host).await {
        Ok(report) => report,
        Err(error) => {
            let fix =
                "start the Docker engine, and let this user reach it (group docker), or name another with --docker";
            return Check::bad("docker", error.to_string(), fix);
        }
    };
    let found = format!("engine {} at {host}", report.version);
    let without = [report.lacks, report.misses].concat();
    if !without.is_empty() {
        return Check::bad(
            "docker",
            format!("{found} has no {}", without.join(", no ")),
            "use Docker 20.10 or newer on a kernel with memory, swap, pids and cpu control groups and seccomp",
        );
    }
    let gpus = match report.gpus {
        true => "gives GPUs to containers",
        false => "gives no GPUs to containers: that needs the NVIDIA Container Toolkit",
    };
    Check::good("docker", format!("{found}, keeps every limit; {gpus}"))
}

fn policy(folder: &Path) -> Check {
    let path = DataDir::at(folder).policy();
    match PolicyFile::open(&path) {
        Ok(_) if path.exists() => Check::good("policy", path.display().to_string()),
        Ok(_) => Check::good("policy", "no file: the defaults count"),
        Err(error) => Check::bad("policy", error.full(), format!("mend {}", path.display())),
    }
}

async fn look(checks: &mut Vec<Check>, args: &DoctorArgs, agent: &Agent) -> Result<(), AgentError> {
    let head = agent.market.head().await?;
    let now = std::time::UNIX_EPOCH.elapsed().context("the clock stands before 1970")?.as_secs();
    match Duration::from_secs(now.abs_diff(head.timestamp)) {
        apart if apart <= MAX_CLOCK_DIFFERENCE => checks.push(Check::good("clock", "agrees with the chain")),
        apart => checks.push(Check::bad(
            "clock",
            format!("{} s away from the newest block", apart.as_secs()),
            "set the machine's clock, or use an endpoint that is synced",
        )),
    }
    let Some(node) = args.common.known_node(agent).await? else {
        checks.push(Check::bad("node", "none was set up here", "run `aiigo-agent setup` with the owner's key"));
        return Ok(());
    };
    let info = agent.market.node(node).await?;
    match status_of(&info)? {
        NodeStatus::Active => checks.push(Check::good("node", format!("{node} is active"))),
        NodeStatus::Pending | NodeStatus::Inactive => {
            checks.push(Check::bad("node", format!("{node} is {}", status_of(&info)?), "start `aiigo-agent run`"));
        }
        NodeStatus::Verified => {
            let stake = units::format_amount(U256::from(info.stake));
            checks.push(Check::bad(
                "node",
                format!("{node} has {stake} AIIGO at stake"),
                "run `aiigo-agent setup --stake AMOUNT`",
            ));
        }
        NodeStatus::Slashed | NodeStatus::None => {
            checks.push(Check::bad("node", format!("{node} can't work"), "register another"))
        }
    }
    let gas = agent.market.eth_of(info.operator).await?;
    let found = format!("{} has {} ETH", info.operator, units::format_amount(gas));
    match gas >= U256::from(ENOUGH_ETH) {
        true => checks.push(Check::good("gas", found)),
        false => checks.push(Check::bad("gas", found, format!("send {} some ETH", info.operator))),
    }
    let signer = operator::signer(&args.signer, &agent.data);
    if !signer.is_given() {
        return Ok(());
    }
    match signer.load_async().await {
        Err(error) => checks.push(Check::bad("key", error.to_string(), "give the operator's key")),
        Ok(signer) if signer.address() == info.owner && info.owner != info.operator => checks.push(Check::bad(
            "key",
            "it is the owner's, which can move the stake",
            "keep it off this machine, and give the operator's",
        )),
        Ok(signer) if signer.address() == info.operator => checks.push(Check::good("key", "it is the operator's")),
        Ok(signer) => checks.push(Check::bad(
            "key",
            format!("{} is not the operator {}", signer.address(), info.operator),
            "use the operator's key, or change it by `aiigo-agent setup --operator`",
        )),
    }
    Ok(())
}

impl Report for Checkup {
    fn text(&self) -> String {
        self.text()
    }

    fn is_good(&self) -> bool {
        self.is_ok()
    }
}
