//! `aiigo deploy`: the contracts on a chain, compared with their configuration before anybody is told of them.

mod forge;

use std::{
    fs,
    path::{Path, PathBuf},
};

use aiigo_chain::{SignerArgs, rpc::RpcArgs};
use aiigo_protocol::{ContractName, Deployment};
use alloy::{
    primitives::{Address, U256, utils::parse_ether},
    providers::{Provider, ProviderBuilder, RootProvider},
};
use clap::Args;
use serde_json::json;

use self::forge::{Forge, Script};
use crate::{CliError, cli::Session, confirm::ConfirmArgs, error::Context, format, output::facts, progress::Progress};

/// Where the project's scripts may write, below its root: `fs_permissions` of `foundry.toml`.
const WORKSHOP: &str = ".aiigo/deploy";

/// Deploy the contracts with the project's forge script, and compare every owner, role, neighbour and parameter with the
/// configuration afterwards. The record is written only then.
///
/// Needs a checkout of the project and Foundry's forge. Cut short, nothing counts: do it again, with new addresses.
#[derive(Args, Debug)]
pub(crate) struct DeployCommand {
    /// Fees, stakes, windows, delays, genesis: JSON as in contracts/script/config [default: that of the chain, there]
    #[arg(long, value_name = "FILE")]
    parameters: Option<PathBuf>,
    /// The checkout of the project [default: this folder, or the nearest above that is one]
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
    /// Foundry's forge [default: the project's own, else the machine's]
    #[arg(long, value_name = "FILE", env = "AIIGO_FORGE")]
    forge: Option<PathBuf>,
    /// Deploy nothing: only compare the chain with the record of a deployment
    #[arg(long)]
    only_check: bool,
    #[command(flatten)]
    rpc: RpcArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

/// Where it is deployed, and by what.
#[derive(Debug)]
struct Site {
    forge: Forge,
    provider: RootProvider,
    chain_id: u64,
    /// Where the record goes, or is.
    record: PathBuf,
}

impl DeployCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let progress = Progress::new(true);
        let site = self.site().await?;
        match self.only_check {
            true => self.check(&site, &progress, session).await,
            false => self.deploy(&site, &progress, session).await,
        }
    }

    async fn site(&self) -> Result<Site, CliError> {
        let url = self.rpc.rpc_urls.first().ok_or_else(|| CliError::Usage("name the chain: --rpc-url URL".into()))?;
        let forge = Forge::find(self.forge.clone(), self.project.clone(), url.clone())?;
        let provider: RootProvider = ProviderBuilder::default().connect_http(url.clone());
        let chain_id = provider.get_chain_id().await.context(|| "asking the chain for its id".into())?;
        let default = || forge.project().join(format!("deployments/{chain_id}.json"));
        let record = self.rpc.deployment.clone().unwrap_or_else(default);
        Ok(Site { forge, provider, chain_id, record })
    }

    /// Compares the chain with a record.
    async fn check(&self, site: &Site, progress: &Progress, session: &Session) -> Result<(), CliError> {
        let workshop = site.workshop()?;
        let copy = workshop.path().join("record.json");
        fs::copy(&site.record, &copy).context(|| format!("reading {}", site.record.display()))?;
        progress.waiting("comparing the chain with the record; what is not compiled yet takes some minutes");
        site.forge.run(Script::Check { record: &copy }, session).await?;
        let document = json!({ "chainId": site.chain_id, "deployment": site.record, "checked": true });
        session.output.result(&document, || {
            format!("Every owner, role, neighbour and parameter is as {} says.", site.record.display())
        })
    }

    async fn deploy(&self, site: &Site, progress: &Progress, session: &Session) -> Result<(), CliError> {
        if site.record.exists() {
            return Err(CliError::Failed(format!(
                "{} exists: a deployment of this chain is recorded there; to compare it with the chain: --only-check; to \
                 deploy another, name another file: --deployment FILE",
                site.record.display()
            )));
        }
        self.confirm.possible()?;
        let key = self.signer.load_local().await.context(|| "loading the deployer's key".into())?;
        let workshop = site.workshop()?;
        let keystore = forge::Keystore::of(key, workshop.path()).await?;
        let config = self.parameters.as_deref().map(std::path::absolute).transpose();
        let config = config.context(|| "finding the configuration".into())?;
        let config = config.map(|config| site.configuration(&config, workshop.path())).transpose()?;

        progress.waiting("trying the deployment; what is not compiled yet takes some minutes");
        let planned = workshop.path().join("planned.json");
        let script = Script::Deploy { record: &planned, config: config.as_deref(), by: &keystore, broadcast: false };
        let estimate = forge::Estimate::of(&site.forge.run(script, session).await?)?;
        let deployer = keystore.address;
        site.affordable(deployer, &estimate).await?;
        progress.pause();
        self.confirm.agree_that(self.question(site, deployer, &estimate), session).await?;

        let place = site.place()?;
        progress.waiting("deploying");
        let record = workshop.path().join("record.json");
        let script = Script::Deploy { record: &record, config: config.as_deref(), by: &keystore, broadcast: true };
        site.forge.run(script, session).await?;
        progress.step("deployed");
        progress.waiting("comparing every owner, role, neighbour and parameter with the configuration");
        let checked = site.forge.run(Script::Check { record: &record }, session).await;
        let published = checked.and_then(|_| site.publish(&record, place));
        // It is paid for: what is wrong may be the line to the chain, and can be looked at again.
        let deployment = published.map_err(|error| site.keep(&record, error))?;
        progress.step("as configured");
        report(site, &deployment, deployer, session)
    }

    fn question(&self, site: &Site, deployer: Address, estimate: &forge::Estimate) -> String {
        let config = self.parameters.as_ref().map_or("of the chain".into(), |file| file.display().to_string());
        format!(
            "This will:\n  deploy the contracts to chain {}, by {deployer}, who will have no role in them\n  with the \
             parameters {config}\n  write their record to {}\nGas: about {}, {}",
            site.chain_id,
            site.record.display(),
            estimate.gas,
            format::eth(estimate.cost)
        )
    }
}

impl Site {
    /// A folder of this run alone, where the scripts may write; gone afterwards.
    fn workshop(&self) -> Result<tempfile::TempDir, CliError> {
        let dir = self.forge.project().join(WORKSHOP);
        let what = || format!("making a folder in {}", dir.display());
        fs::create_dir_all(&dir).context(what)?;
        tempfile::tempdir_in(&dir).context(what)
    }

    async fn affordable(&self, deployer: Address, estimate: &forge::Estimate) -> Result<(), CliError> {
        let balance =
            self.provider.get_balance(deployer).await.context(|| format!("reading the balance of {deployer}"))?;
        match balance >= estimate.cost {
            true => Ok(()),
            false => Err(CliError::Failed(format!(
                "the deployment takes about {} for gas, and {deployer} has {}: send it some",
                format::eth(estimate.cost),
                format::eth(balance)
            ))),
        }
    }

    /// The configuration where the scripts may read it.
    fn configuration(&self, config: &Path, workshop: &Path) -> Result<PathBuf, CliError> {
        let copy = workshop.join("config.json");
        fs::copy(config, &copy).context(|| format!("reading the configuration {}", config.display()))?;
        Ok(copy)
    }

    /// Where the record will be written: better known to be writable before anything is deployed.
    fn place(&self) -> Result<tempfile::NamedTempFile, CliError> {
        let what = || format!("writing {}", self.record.display());
        let folder = self.record.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).context(what)?;
        tempfile::NamedTempFile::new_in(folder).context(what)
    }

    /// Puts a record in its place, whole; never over another.
    fn publish(&self, record: &Path, mut place: tempfile::NamedTempFile) -> Result<Deployment, CliError> {
        let deployment = Deployment::load(record).context(|| "reading the record".into())?;
        let what = || format!("writing {}", self.record.display());
        let mut whole = fs::File::open(record).context(what)?;
        std::io::copy(&mut whole, &mut place).context(what)?;
        place.as_file().sync_all().context(what)?;
        let file = place.persist_noclobber(&self.record).context(what)?;
        // The contracts are public, and so is where they are.
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.set_permissions(readable).context(what)?;
        Ok(deployment)
    }

    /// An error after the deployment, with where its record is kept all the same.
    fn keep(&self, record: &Path, error: CliError) -> CliError {
        let kept = self.forge.project().join(format!(".aiigo/deployed-{}-{}.json", self.chain_id, format::now()));
        let told = match fs::copy(record, &kept) {
            Ok(_) => format!(
                "the contracts are deployed, but their record was not published; it is kept in {0}: compare it with the chain \
                 by `aiigo deploy --only-check --deployment {0}`",
                kept.display()
            ),
            Err(_) => match fs::read_to_string(record) {
                Ok(text) => format!("the contracts are deployed, but their record could not be kept: {text}"),
                Err(_) => "the contracts are deployed, but their record is lost".into(),
            },
        };
        CliError::caused(told, error)
    }
}

fn report(site: &Site, deployment: &Deployment, deployer: Address, session: &Session) -> Result<(), CliError> {
    let contracts: Vec<_> = ContractName::ALL.iter().map(|name| (name.name(), deployment.address(*name))).collect();
    let record = site.record.display();
    let document = json!({
        "chainId": site.chain_id,
        "block": deployment.block,
        "deployer": deployer,
        "deployment": site.record,
        "checked": true,
        "contracts": contracts.iter().map(|(name, at)| ((*name).to_owned(), json!(at))).collect::<serde_json::Map<_, _>>(),
    });
    session.output.result(&document, || {
        let rows: Vec<_> = contracts.iter().map(|(name, at)| (*name, at.to_string())).collect();
        format!(
            "{}\nEvery owner, role, neighbour and parameter is as configured. The record: {record}\nPrograms read it by \
             --deployment {record}, or AIIGO_DEPLOYMENT.",
            facts(&rows)
        )
    })
}

/// Wei of an amount as forge prints it.
fn wei(amount: &str) -> Result<U256, CliError> {
    parse_ether(amount).context(|| format!("reading forge's estimate `{amount}`"))
}
