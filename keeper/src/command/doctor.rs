//! `aiigo-keeper doctor`: everything that a start needs, checked one by one.

use std::{fs, process::ExitCode};

use alloy::{primitives::utils::format_ether, providers::Provider};
use serde::Serialize;

use crate::{cli::KeeperArgs, code::Code};

/// One check.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    what: &'static str,
    ok: bool,
    /// What was found, or what is wrong.
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

/// All checks.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    checks: Vec<Check>,
}

impl Report {
    /// 1 if a check failed.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.checks.iter().all(|check| check.ok) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let line = |check: &Check| {
            let fix = check.fix.as_ref().map(|fix| format!("\n          fix: {fix}")).unwrap_or_default();
            format!("{:4} {:10} {}{fix}\n", if check.ok { "ok" } else { "FAIL" }, check.what, check.detail)
        };
        self.checks.iter().map(line).collect()
    }
}

/// Checks everything, also what comes after a failure.
pub(crate) async fn doctor(args: &KeeperArgs) -> Report {
    let connection = args.rpc.connect().await;
    let signer = args.signer.load_async().await;
    let mut checks = vec![
        check(
            "chain",
            Code::Chain,
            connection.as_ref().map(|(_, deployment)| format!("chain {}", deployment.chain_id)),
        ),
        check("key", Code::Signer, signer.as_ref().map(|signer| signer.address().to_string())),
        check("data", Code::DataDir, writable(args).map(|()| args.data_dir.display().to_string()).as_ref()),
    ];
    if let Ok((_, deployment)) = &connection
        && let Some(secrets) = super::set_up::secrets(args, deployment).transpose()
    {
        let file = args.secrets_file().display().to_string();
        checks.push(check("secrets", Code::Secrets, secrets.map(|_| file).as_ref()));
    }
    if let (Ok((provider, _)), Ok(signer)) = (&connection, &signer) {
        let balance = provider.get_balance(signer.address()).await;
        let found = balance.as_ref().map_err(ToString::to_string).and_then(|balance| {
            let text = format!("{} ETH", format_ether(*balance));
            if *balance < args.max_cost {
                Err(format!("{text} do not cover one transaction at --max-cost"))
            } else {
                Ok(text)
            }
        });
        checks.push(check("balance", Code::BalanceLow, found.as_ref()));
    }
    Report { checks }
}

fn check<T: ToString, E: ToString>(what: &'static str, code: Code, found: Result<T, E>) -> Check {
    match found {
        Ok(found) => Check { what, ok: true, detail: found.to_string(), fix: None },
        Err(error) => Check {
            what,
            ok: false,
            detail: format!("{code} {}", error.to_string()),
            fix: Some(code.meaning().trim().to_owned()),
        },
    }
}

/// Whether the data folder can be written to.
fn writable(args: &KeeperArgs) -> std::io::Result<()> {
    fs::create_dir_all(&args.data_dir)?;
    let probe = args.data_dir.join(".doctor");
    fs::write(&probe, "")?;
    fs::remove_file(probe)
}
