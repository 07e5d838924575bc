//! `aiigo-keeper doctor`: everything that a start needs, checked one by one.

use aiigo_chain::OutboxDatabase;
use aiigo_protocol::{AIIGOToken, ContractName, Deployment, units::format_amount};
use aiigo_telemetry::{Check, Checkup};
use alloy::{
    primitives::Address,
    providers::{DynProvider, Provider},
};

use super::set_up::secrets;
use crate::{cli::KeeperArgs, code::Code, duties::DutyName, view::BOND};

/// Checks everything, also what comes after a failure.
pub(crate) async fn doctor(args: &KeeperArgs) -> Checkup {
    let connection = args.rpc.connect().await;
    let signer = args.signer.load_async().await;
    let mut checks = vec![
        check(
            "chain",
            Code::Chain,
            connection.as_ref().map(|(_, deployment)| format!("chain {}", deployment.chain_id)),
        ),
        check("key", Code::Signer, signer.as_ref().map(|signer| signer.address())),
        Check::writable("data", &args.data_dir, meaning(Code::DataDir)),
    ];
    let database = args.outbox();
    if matches!(database, OutboxDatabase::Postgres(_)) {
        checks.push(check("outbox", Code::Outbox, database.probe().await.map(|()| database.to_string())));
    }
    if let Ok((_, deployment)) = &connection
        && let Some(secrets) = secrets(args, deployment).transpose()
    {
        checks.push(check("secrets", Code::Secrets, secrets.map(|_| args.secrets_file().display().to_string())));
    }
    if let (Ok((provider, deployment)), Ok(signer)) = (&connection, &signer) {
        let balance = provider.get_balance(signer.address()).await;
        let found = balance.map_err(|error| error.to_string()).and_then(|balance| {
            let text = format!("{} ETH", format_amount(balance));
            match balance < args.max_cost {
                true => Err(format!("{text} do not cover one transaction at --max-cost")),
                false => Ok(text),
            }
        });
        checks.push(check("balance", Code::BalanceLow, found));
        if args.duties.enabled().contains_key(&DutyName::PostRoots) {
            checks.push(check("bond", Code::BalanceLow, bond(provider, deployment, signer.address()).await));
        }
    }
    Checkup::new(checks)
}

/// What the account can pledge for a root of bonuses.
async fn bond(provider: &DynProvider, deployment: &Deployment, account: Address) -> Result<String, String> {
    let token = AIIGOToken::new(deployment.address(ContractName::AIIGOToken), provider);
    let balance = token.balanceOf(account).call().await.map_err(|error| error.to_string())?;
    let text = format!("{} AIIGO", format_amount(balance));
    if balance < BOND { Err(format!("{text} do not cover the bond of {}", format_amount(BOND))) } else { Ok(text) }
}

fn check(name: &'static str, code: Code, found: Result<impl ToString, impl ToString>) -> Check {
    Check::of(name, found.map_err(|error| format!("{code} {}", error.to_string())), meaning(code))
}

fn meaning(code: Code) -> String {
    format!("{code} {}", code.meaning().trim())
}
