//! What people see: commands, tables, refusals, suggestions. `SNAPSHOTS=overwrite` renews the files.

use std::fmt::Write;

use aiigo_cli::Cli;
use aiigo_protocol::units::parse_amount;
use clap::{Arg, Command, CommandFactory};

use crate::support::{Market, Transcript, assert_snapshot};

/// Flags of nearly every command, which would only hide the others.
const COMMON: &[&str] = &[
    "json",
    "log",
    "log-format",
    "config",
    "help",
    "version",
    "rpc-url",
    "deployment",
    "rpc-timeout",
    "account",
    "keystore",
    "password-file",
    "mnemonic-file",
    "mnemonic-index",
    "ledger",
    "kms-key",
    "data-dir",
];

/// A command with its own arguments, and those below it.
fn describe(command: &Command, path: &str, text: &mut String) {
    let mut line = path.to_owned();
    let own = |arg: &&Arg| arg.get_long().is_none_or(|long| !COMMON.contains(&long));
    for arg in command.get_arguments().filter(own) {
        let value = arg.get_value_names().and_then(|names| names.first()).map(|name| format!("<{name}>"));
        let value = value.filter(|_| arg.get_action().takes_values());
        let shown = match (arg.get_long(), value) {
            (Some(long), Some(value)) => format!("--{long} {value}"),
            (Some(long), None) => format!("--{long}"),
            (None, value) => value.unwrap_or_default(),
        };
        let shown = if arg.is_required_set() { shown } else { format!("[{shown}]") };
        write!(line, " {shown}").expect("writing to memory");
    }
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    writeln!(text, "{line}\n    {about}").expect("writing to memory");
    for below in command.get_subcommands() {
        describe(below, &format!("{path} {}", below.get_name()), text);
    }
}

#[test]
fn the_commands_there_are() {
    let mut text = String::new();
    describe(&Cli::command(), "aiigo", &mut text);
    assert_snapshot("commands.txt", &text);
}

#[test]
fn a_mistyped_command_is_answered_with_the_nearest_word() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut transcript = Transcript::new();
    for args in [
        &["gvo", "list"][..],
        &["gov", "vte", "1", "for"],
        &["gov", "vote", "1", "fro"],
        &["gov", "vote", "one", "for"],
        &["gov", "propose", "set-min-stak", "100"],
        &["gov", "propose", "set-fee", "120%", "--description", "x"],
        &["gov", "propose", "upgrade", "Market", "0x00000000000000000000000000000000000000aa", "--description", "x"],
        &["gov", "delegate", "myself"],
        &["court", "vote", "1", "all"],
        &["court", "wacth"],
        &["reward", "claim", "0"],
        &["protocol", "stats"],
        &["gov", "list", "--rpc-ulr", "http://127.0.0.1:1"],
    ] {
        transcript.run(dir.path(), args);
    }
    transcript.assert("mistakes.txt");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_from_the_first_look_to_the_vote() {
    let market = Market::new().await;
    let voter = market.buyer();
    let tokens = parse_amount("12000000").expect("an amount");
    market.devnet.send_aiigo(voter.address(), tokens).await.expect("AIIGO");
    let mut transcript = Transcript::new();
    let propose = ["gov", "propose", "set-fee", "7%", "--description", "cheaper tasks bring more of them"];
    transcript.run_as(&market, &voter, &["gov", "list"]).await;
    transcript.run_as(&market, &voter, &[&propose[..], &["--yes"]].concat()).await;
    transcript.run_as(&market, &voter, &["gov", "delegate", "self", "--yes"]).await;
    market.devnet.increase_time(std::time::Duration::from_secs(2)).await.expect("a later time");
    transcript.run_as(&market, &voter, &propose).await;
    let id = market.json(&[&propose[..], &["--yes"]].concat()).await["proposalId"].as_str().expect("an id").to_owned();
    // A list shows as few digits as tell it apart.
    let short = id[..6].to_owned();
    transcript.name(id, "id");
    transcript.name(short.clone(), "short id");
    for args in [
        &["gov", "list"][..],
        &["gov", "show", &short],
        &["gov", "vote", &short, "for", "--yes"],
        &["gov", "queue", &short, "--yes"],
        &["gov", "show", "0"],
    ] {
        transcript.run_as(&market, &voter, args).await;
    }
    market.devnet.increase_time(std::time::Duration::from_secs(6)).await.expect("a later time");
    transcript.run_as(&market, &voter, &["gov", "vote", &short, "for", "--reason", "it is time", "--yes"]).await;
    transcript.run_as(&market, &voter, &["gov", "vote", &short, "against", "--yes"]).await;
    transcript.assert("gov.txt");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_protocol_goes_by_and_what_a_stranger_is_told() {
    let market = Market::new().await;
    let stranger = market.buyer();
    let mut transcript = Transcript::new();
    for args in [
        &["protocol", "params"][..],
        &["protocol", "addresses"],
        &["court", "cases"],
        &["court", "show", "1"],
        &["court", "join", "--yes"],
        &["court", "join", "7", "--yes"],
        &["court", "leave", "--yes"],
        &["court", "withdraw", "--yes"],
        &["court", "watch", "--once"],
        &["reward", "verify"],
        &["reward", "claim", "1", "--yes"],
    ] {
        transcript.run_as(&market, &stranger, args).await;
    }
    transcript.assert("stranger.txt");
}
