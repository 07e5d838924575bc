//! What a session at the terminal looked like, without what changes from one to the next.

use std::{fmt::Write, path::Path, process::Output};

use aiigo_devnet::Account;
use snapbox::{Assert, Data, assert::DEFAULT_ACTION_ENV};

use super::{Market, aiigo, stderr};

/// Commands with what they printed. Held against a file in `tests/snapshots`; `SNAPSHOTS=overwrite` renews it.
pub(crate) struct Transcript {
    text: String,
    /// What stands for texts that differ from run to run.
    names: Vec<(String, String)>,
}

impl Transcript {
    pub(crate) fn new() -> Self {
        Self { text: String::new(), names: Vec::new() }
    }

    /// From now on `name` stands for `text`.
    pub(crate) fn name(&mut self, text: impl Into<String>, name: &str) {
        self.names.push((text.into(), format!("<{name}>")));
    }

    /// A command that needs no chain.
    pub(crate) fn run(&mut self, dir: &Path, args: &[&str]) {
        let output = aiigo(dir).args(args).output().expect("the program starts");
        self.add(args, &output);
    }

    /// A command of somebody's.
    pub(crate) async fn run_as(&mut self, market: &Market, account: &Account, args: &[&str]) {
        let mut command = market.command(account, args);
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic");
        self.add(args, &output.expect("the program starts"));
    }

    fn add(&mut self, args: &[&str], output: &Output) {
        let quoted = |arg: &&str| if arg.contains(' ') { format!("'{arg}'") } else { (*arg).to_owned() };
        let line: Vec<String> = args.iter().map(quoted).collect();
        let mut text = format!("$ aiigo {}\n", line.join(" "));
        text.push_str(&String::from_utf8_lossy(&output.stdout));
        for line in stderr(output).lines() {
            // Writing to memory can't fail.
            let _ = writeln!(text, "! {line}");
        }
        if let Some(code) = output.status.code().filter(|code| *code != 0) {
            let _ = writeln!(text, "[exit {code}]");
        }
        for (found, name) in &self.names {
            text = text.replace(found, name);
        }
        for line in text.lines() {
            let _ = writeln!(self.text, "{}", lasting(line));
        }
        self.text.push('\n');
    }

    /// Fails if it is not what the file says.
    pub(crate) fn assert(&self, file: &str) {
        assert_snapshot(file, &self.text);
    }
}

/// Fails if the text is not what a file in `tests/snapshots` says.
pub(crate) fn assert_snapshot(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(file);
    Assert::new().action_env(DEFAULT_ACTION_ENV).eq(text.to_owned(), Data::read_from(&path, None).raw());
}

/// A line without times, hashes, addresses and gas, and without the width that they give to tables.
fn lasting(line: &str) -> String {
    let text = line.strip_prefix("! ").unwrap_or(line).trim_start();
    let (indentation, line) = line.split_at(line.len() - text.len());
    let mut words: Vec<String> = Vec::new();
    let mut gaps = line.split(' ').peekable();
    let mut gap = false;
    while let Some(word) = gaps.next() {
        if word.is_empty() {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) {
            words.push(String::new());
        }
        let next = gaps.peek().copied().unwrap_or_default();
        match word {
            // `2026-11-21 13:34:56 CET`.
            _ if is_date(word) => {
                gaps.next();
                let zone = gaps.next().unwrap_or_default();
                words.push(format!(
                    "<date>{}",
                    zone.trim_start_matches(|c: char| c.is_alphanumeric() || c == '+' || c == '-')
                ));
            }
            // `in 2d3h`, `(in 5s)`.
            "in" | "(in" if is_duration(next) => {
                gaps.next();
                words.push(format!("{}<when>{}", &word[..word.len() - 2], after_duration(next)));
            }
            // `5m ago`.
            _ if is_duration(word) && next.starts_with("ago") => {
                gaps.next();
                let open = if word.starts_with('(') { "(" } else { "" };
                words.push(format!("{open}<when>{}", next.trim_start_matches("ago")));
            }
            _ => words.push(without_hashes(word)),
        }
    }
    let line = words.join(" ");
    match line.starts_with("Gas: about") {
        true => format!("{indentation}Gas: about <gas>, at most <cost>"),
        false => format!("{indentation}{line}").trim_end().to_owned(),
    }
}

fn is_date(word: &str) -> bool {
    let word = word.trim_start_matches('(').as_bytes();
    word.len() == 10 && word[4] == b'-' && word[7] == b'-' && word[..4].iter().all(u8::is_ascii_digit)
}

/// `2d3h`, with what may stand around it.
fn is_duration(word: &str) -> bool {
    let word = word.trim_start_matches('(').trim_end_matches([')', ',', ';']);
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.ends_with(['s', 'm', 'h', 'd'])
        && word.chars().all(|c| c.is_ascii_digit() || "smhd".contains(c))
}

fn after_duration(word: &str) -> &str {
    word.trim_start_matches(|c: char| c.is_ascii_alphanumeric())
}

/// `0x` and at least an address stand for themselves no more.
fn without_hashes(word: &str) -> String {
    let Some(start) = word.find("0x") else { return word.to_owned() };
    let digits = word[start + 2..].bytes().take_while(u8::is_ascii_hexdigit).count();
    match digits {
        0..40 => word.to_owned(),
        40 => format!("{}<address>{}", &word[..start], &word[start + 42..]),
        _ => format!("{}<hash>{}", &word[..start], &word[start + 2 + digits..]),
    }
}
