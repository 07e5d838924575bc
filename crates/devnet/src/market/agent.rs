//! A provider's agent, from its keys to its process.

use std::{ffi::OsString, fs, path::PathBuf};

use aiigo_protocol::{NodeId, units::format_amount};

use super::{FIRST_AGENT, Finished, Market, Program, Server, not_running};
use crate::{account::Account, error::DevnetError};

/// A provider with its keys, its data and, when started, its process.
#[derive(Debug)]
pub struct Agent {
    /// What its node is called in the metadata.
    pub name: String,
    /// Holds the stake.
    pub owner: Account,
    /// Works on the machine.
    pub operator: Account,
    /// Its data; also the log.
    pub dir: PathBuf,
    /// More arguments for its `run`, beside those of all.
    pub args: Vec<String>,
    node: Option<NodeId>,
    server: Option<Server>,
}

impl Agent {
    /// Its node, once it is set up.
    ///
    /// # Errors
    /// If it is not.
    pub fn node(&self) -> Result<NodeId, DevnetError> {
        self.node.ok_or_else(|| not_running("node: call `set_up_agent` first"))
    }

    /// The running program.
    ///
    /// # Errors
    /// If it was not started.
    pub fn server(&mut self) -> Result<&mut Server, DevnetError> {
        self.server.as_mut().ok_or_else(|| not_running("agent"))
    }

    /// Waits until it has proved its power and serves.
    ///
    /// # Errors
    /// If it ends first or takes too long.
    pub async fn ready(&mut self) -> Result<(), DevnetError> {
        Ok(self.server()?.ready().await?)
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Asks it to leave and waits until it has.
    ///
    /// # Errors
    /// If the system won't say how it ended.
    pub async fn stop(&mut self) -> Result<(), DevnetError> {
        match self.server.take() {
            Some(server) => Ok(server.stop().await?),
            None => Ok(()),
        }
    }
}

impl Market {
    /// Plans another provider: keys and a folder, nothing on the chain yet. Returns its position in
    /// [`agents`](Self::agents).
    ///
    /// # Errors
    /// If the devnet has no more accounts.
    pub fn add_agent(&mut self) -> Result<usize, DevnetError> {
        let index = self.agents.len();
        // The devnet funds 30 accounts, so a count that does not fit is refused just the same.
        let first = u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(2).saturating_add(FIRST_AGENT);
        let name = format!("provider-{}", index + 1);
        let dir = self.config.dir.join(&name);
        fs::create_dir_all(&dir).map_err(DevnetError::file("create", &dir))?;
        self.agents.push(Agent {
            owner: self.devnet.account(first)?,
            operator: self.devnet.account(first.saturating_add(1))?,
            name,
            dir,
            args: Vec::new(),
            node: None,
            server: None,
        });
        Ok(index)
    }

    /// The providers.
    pub fn agents(&self) -> &[Agent] {
        &self.agents
    }

    /// A provider, to start, kill or wait for.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn agent(&mut self, index: usize) -> Result<&mut Agent, DevnetError> {
        self.agents.get_mut(index).ok_or_else(|| not_running("agent"))
    }

    /// Gives a provider's owner the AIIGO that it will stake.
    ///
    /// # Errors
    /// If the faucet or the chain refuses.
    pub async fn fund_agent(&self, index: usize) -> Result<(), DevnetError> {
        let agent = self.agents.get(index).ok_or_else(|| not_running("agent"))?;
        self.devnet.send_aiigo(agent.owner.address(), self.config.stake).await
    }

    /// Registers a provider's node and stakes for it, by `aiigo-agent setup` with the owner's key.
    ///
    /// # Errors
    /// If the command fails.
    pub async fn set_up_agent(&mut self, index: usize) -> Result<Finished, DevnetError> {
        let agent = self.agents.get(index).ok_or_else(|| not_running("agent"))?;
        let args = [
            "setup".into(),
            "--yes".into(),
            "--json".into(),
            "--data-dir".into(),
            agent.dir.clone().into_os_string(),
            "--resource".into(),
            "CPU".into(),
            "--stake".into(),
            format_amount(self.config.stake).into(),
            "--operator".into(),
            agent.operator.address().to_string().into(),
            "--payout".into(),
            agent.owner.address().to_string().into(),
            "--name".into(),
            agent.name.clone().into(),
            "--region".into(),
            "devnet".into(),
        ];
        let finished = self.desk().run::<OsString>(Program::Agent, Some(&agent.owner), args).await?.success()?;
        let json = finished.clone().json()?;
        let node = json["nodeId"].as_u64().or_else(|| json["nodeId"].as_str()?.parse().ok()).map(NodeId);
        self.agent(index)?.node = Some(node.ok_or_else(|| {
            DevnetError::rpc("`aiigo-agent setup`")(format!("its answer has no nodeId: {}", finished.stdout))
        })?);
        Ok(finished)
    }

    /// Starts a provider's agent with the operator's key; it proves its power and goes online by itself.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_agent(&mut self, index: usize) -> Result<&mut Server, DevnetError> {
        self.agent(index)?.server = None;
        let agent = self.agents.get(index).ok_or_else(|| not_running("agent"))?;
        let mut command = self
            .on_chain(Program::Agent, &agent.dir, ["run"])?
            .arg("--data-dir")
            .arg(&agent.dir)
            // The buyer's store is on this machine.
            .arg("--allow-private-gateways")
            .args(&self.config.agent_args)
            .args(&agent.args)
            .env("AIIGO_PRIVATE_KEY", agent.operator.private_key());
        if let Some(node) = agent.node {
            command = command.args(["--node".to_owned(), node.to_string()]);
        }
        let server = Server::start(command, &agent.dir).await?;
        Ok(self.agent(index)?.server.insert(server))
    }
}
