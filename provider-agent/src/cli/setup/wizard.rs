//! The five questions of `setup`, for whoever sits at a terminal. A flag answers its question beforehand.

use std::{path::PathBuf, time::Duration};

use aiigo_chain::{SignerArgs, keystore_dir};
use aiigo_protocol::{
    NodeId, ResourceType,
    units::{AmountError, format_amount, parse_aiigo, parse_eth},
};
use aiigo_task::format_duration;
use alloy::primitives::{Address, U256};
use dialoguer::{Input, Select, console::Term, theme::ColorfulTheme};

use super::{Agent, OperatorKey, SetupArgs};
use crate::{
    cli::ask::on_terminal,
    error::{AgentError, read_error},
    machine::Hardware,
    policy::PolicyFile,
};

/// ETH that a new operator is offered: gas of some hundred tasks at a few gwei.
const GAS: &str = "0.05";

/// Reads an amount in whole units.
type Read = fn(&str) -> Result<U256, AmountError>;

/// What the questions are about.
struct Facts {
    hardware: Hardware,
    /// AIIGO wei.
    min_stake: U256,
    unbonding: Duration,
    /// Of a node that is there already.
    stake: Option<U256>,
    /// Whether a key was made here before.
    has_operator: bool,
    /// Foundry's, by name.
    keystores: Vec<String>,
    has_policy: bool,
    /// Where the owner's transactions would go to be signed.
    unsigned: PathBuf,
    data_dir: PathBuf,
}

/// Asks for what the flags leave open.
pub(super) async fn ask(
    args: SetupArgs,
    agent: &Agent,
    known: Option<NodeId>,
    hardware: &Hardware,
) -> Result<SetupArgs, AgentError> {
    let read = agent.market.registry().parameters().call().await;
    let rules = read.map_err(|error| read_error("cannot read the registry's parameters", error))?;
    let (stake, offers) = match known {
        Some(node) => {
            let info = agent.market.node(node).await?;
            (Some(U256::from(info.stake)), ResourceType::try_from(info.resourceType).ok())
        }
        None => (None, None),
    };
    let facts = Facts {
        hardware: hardware.clone(),
        min_stake: U256::from(rules.minStake),
        unbonding: Duration::from_secs(rules.unbondingPeriod.into()),
        stake,
        has_operator: agent.data.operator_keystore().is_file(),
        keystores: keystores(),
        has_policy: agent.data.policy().exists(),
        unsigned: free_name(agent.data.path()),
        data_dir: agent.data.path().to_owned(),
    };
    let (args, floor) = on_terminal(move || Wizard { facts, theme: ColorfulTheme::default() }.run(args)).await?;
    if let Some(floor) = floor {
        let resource = args.resource.or(offers).unwrap_or(ResourceType::CPU);
        PolicyFile::write_with_floor(&agent.data.policy(), resource, &floor)?;
    }
    Ok(args)
}

/// A file for the owner to sign; an earlier one stays.
fn free_name(folder: &std::path::Path) -> PathBuf {
    let names = (1..).map(|number| folder.join(format!("to-sign-{number}.json")));
    names.into_iter().find(|path| !path.exists()).unwrap_or_else(|| folder.join("to-sign.json"))
}

fn keystores() -> Vec<String> {
    let files = keystore_dir().ok().and_then(|dir| std::fs::read_dir(dir).ok());
    let files = files.into_iter().flatten().flatten().filter(|entry| entry.path().is_file());
    let mut names: Vec<_> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

struct Wizard {
    facts: Facts,
    theme: ColorfulTheme,
}

impl Wizard {
    /// The flags with all answers, and the lowest price if one is wanted.
    fn run(&self, mut args: SetupArgs) -> dialoguer::Result<(SetupArgs, Option<String>)> {
        let Facts { hardware, stake, has_policy, .. } = &self.facts;
        eprintln(&format!("This machine has {hardware}."))?;
        let is_new = stake.is_none();
        if is_new && args.resource.is_none() {
            args.resource = Some(self.resource()?);
        }
        if !args.signer.is_given() && args.owner.is_none() {
            self.owner(&mut args)?;
        }
        if is_new && args.operator.is_none() {
            self.operator(&mut args)?;
        }
        if args.stake.is_none() {
            args.stake = Some(self.stake()?);
        }
        let floor = if *has_policy { None } else { Some(self.floor()?) };
        Ok((args, floor.filter(|floor| floor != "0")))
    }

    fn choose(&self, question: &str, items: &[String]) -> dialoguer::Result<usize> {
        Select::with_theme(&self.theme).with_prompt(question).items(items).default(0).interact_on(&Term::stderr())
    }

    fn resource(&self) -> dialoguer::Result<ResourceType> {
        let gpus: Vec<_> = self.facts.hardware.gpus.iter().map(ToString::to_string).collect();
        let cpu = format!("its processor ({} threads)", self.facts.hardware.cpu.threads);
        if gpus.is_empty() {
            eprintln("It offers its processor: no GPU was found.")?;
            return Ok(ResourceType::CPU);
        }
        let items = [format!("its GPUs ({})", gpus.join(", ")), cpu];
        Ok(match self.choose("What shall it offer?", &items)? {
            0 => ResourceType::GPU,
            _ => ResourceType::CPU,
        })
    }

    fn owner(&self, args: &mut SetupArgs) -> dialoguer::Result<()> {
        eprintln(
            "The owner's key holds the stake and names the other keys. It signs now, and hardly ever again: it need not stay \
             here.",
        )?;
        let names = &self.facts.keystores;
        let keystores = names.iter().map(|name| format!("the keystore `{name}`"));
        let others =
            ["another keystore file".to_owned(), "on another machine, or in a hardware wallet there".to_owned()];
        let items: Vec<_> = keystores.chain(others).collect();
        let chosen = self.choose("Where is the owner's key?", &items)?;
        if let Some(name) = names.get(chosen) {
            args.signer = SignerArgs { account: Some(name.clone()), ..args.signer.clone() };
        } else if chosen == names.len() {
            let file: String =
                Input::with_theme(&self.theme).with_prompt("Its file").interact_text_on(&Term::stderr())?;
            args.signer = SignerArgs { keystore: Some(file.into()), ..args.signer.clone() };
        } else {
            args.owner = Some(self.address("The owner's address")?);
            args.unsigned = Some(self.facts.unsigned.clone());
        }
        Ok(())
    }

    fn operator(&self, args: &mut SetupArgs) -> dialoguer::Result<()> {
        eprintln(
            "A key has to stand on this machine, day and night, to accept tasks and deliver results. If it is one of its own, \
             whoever breaks in can move neither stake nor earnings.",
        )?;
        let here = match self.facts.has_operator {
            true => "the one that was made here".to_owned(),
            false => format!("a new one, kept in {}", self.facts.data_dir.display()),
        };
        let items = [here, "one of mine, by its address".into(), "the owner's (only for a test)".into()];
        match self.choose("Which key shall that be?", &items)? {
            0 => args.operator = Some(OperatorKey::New),
            1 => args.operator = Some(OperatorKey::Of(self.address("The operator's address")?)),
            _ => return Ok(()),
        }
        if args.gas.is_none() {
            args.gas = Some(self.amount("How much ETH shall it have for gas?", GAS, U256::ZERO, parse_eth)?);
        }
        Ok(())
    }

    fn stake(&self) -> dialoguer::Result<U256> {
        let Facts { min_stake, stake, .. } = &self.facts;
        let least = format_amount(*min_stake);
        eprintln(&format!(
            "The stake stands for the work: each {least} AIIGO allow one task at a time, more opens larger tasks. A late result \
             costs a part of it; what is left comes back {} after leaving.",
            format_duration(self.facts.unbonding)
        ))?;
        let default = format_amount(stake.unwrap_or_default().max(*min_stake));
        self.amount("How much AIIGO shall be at stake?", &default, *min_stake, parse_aiigo)
    }

    fn floor(&self) -> dialoguer::Result<String> {
        let question = "Lowest price in ETH an hour? (0: whatever brings more than its gas; more in policy.toml)";
        self.amount(question, "0", U256::ZERO, parse_eth).map(format_amount)
    }

    fn amount(&self, question: &str, default: &str, least: U256, read: Read) -> dialoguer::Result<U256> {
        let valid = move |text: &String| match read(text) {
            Ok(amount) if amount < least => Err(format!("at least {}", format_amount(least))),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        let answer: String = Input::with_theme(&self.theme)
            .with_prompt(question)
            .default(default.to_owned())
            .validate_with(valid)
            .interact_text_on(&Term::stderr())?;
        Ok(read(&answer).unwrap_or(least))
    }

    fn address(&self, question: &str) -> dialoguer::Result<Address> {
        Input::with_theme(&self.theme).with_prompt(question).interact_text_on(&Term::stderr())
    }
}

fn eprintln(text: &str) -> dialoguer::Result<()> {
    Ok(Term::stderr().write_line(text)?)
}
