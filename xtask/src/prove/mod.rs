//! `cargo xtask prove`: what takes too long for every change, or needs Python: symbolic tests, static analysis, coverage,
//! deep invariants, mutation. What each proves is in `docs/proof.md`.

mod coverage;
mod deep;
mod model;
mod mutation;
mod python;
mod slither;
mod symbolic;

use std::time::Instant;

use clap::{Args, ValueEnum};
use comfy_table::{Cell, Color, Table, presets::UTF8_FULL_CONDENSED};
use serde::Serialize;

use self::mutation::MutationArgs;
use crate::{
    project::{Error, root},
    setup,
    shell::heading,
};

#[derive(Args)]
pub(crate) struct ProveArgs {
    /// Only this proof (again for more).
    #[arg(long, value_name = "NAME")]
    only: Vec<Proof>,
    /// Print the table as one JSON document on stdout, everything else on stderr.
    #[arg(long)]
    json: bool,
    /// Only the symbolic tests whose name matches.
    #[arg(long, value_name = "REGEX")]
    matching: Option<String>,
    /// End each campaign of the deep invariants after so many seconds, whatever it has done by then.
    #[arg(long, value_name = "SECONDS")]
    deep_timeout: Option<u32>,
    #[command(flatten)]
    mutation: MutationArgs,
}

/// In the order in which they run: the quick ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Proof {
    /// slither: known mistakes, by static analysis.
    Slither,
    /// halmos: the arithmetic of money, for every input.
    Symbolic,
    /// The money model: the bytecode moves what the rules say.
    Model,
    /// The tests run through the lines and branches.
    Coverage,
    /// Mutation: a broken contract is noticed.
    Mutation,
    /// The invariants, in many long runs.
    Deep,
}

impl Proof {
    const fn name(self) -> &'static str {
        match self {
            Self::Slither => "slither",
            Self::Symbolic => "symbolic",
            Self::Model => "model",
            Self::Coverage => "coverage",
            Self::Mutation => "mutation",
            Self::Deep => "deep",
        }
    }

    fn run(self, args: &ProveArgs) -> Result<Finding, Error> {
        match self {
            Self::Slither => slither::run(),
            Self::Symbolic => symbolic::run(args.matching.as_deref()),
            Self::Model => model::run(),
            Self::Coverage => coverage::run(),
            Self::Mutation => mutation::run(&args.mutation, &aiigo_devnet::find_tool("forge", root())?),
            Self::Deep => deep::run(args.deep_timeout),
        }
    }
}

/// What a proof came to.
struct Finding {
    passed: bool,
    /// What it counted, on one line.
    numbers: String,
}

/// A row of the table.
#[derive(Serialize)]
struct Row {
    name: Proof,
    passed: bool,
    seconds: f64,
    numbers: String,
}

pub(crate) fn run(args: &ProveArgs) -> Result<(), Error> {
    setup::npm_packages()?;
    let chosen = Proof::value_variants().iter().filter(|proof| args.only.is_empty() || args.only.contains(proof));
    let mut rows = Vec::new();
    for &proof in chosen {
        heading(&format!("Proof: {}", proof.name()));
        let started = Instant::now();
        // One that can't run is one that failed; the others still do.
        let finding = proof.run(args).unwrap_or_else(|error| {
            eprintln!("  {error}");
            let text = error.to_string();
            Finding { passed: false, numbers: text.lines().next().unwrap_or_default().to_owned() }
        });
        let seconds = started.elapsed().as_secs_f64();
        rows.push(Row { name: proof, passed: finding.passed, seconds, numbers: finding.numbers });
    }
    print(&rows, args.json)?;
    let failed: Vec<_> = rows.iter().filter(|row| !row.passed).map(|row| row.name.name()).collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("not proven: {}", failed.join(", ")).into()) }
}

fn print(rows: &[Row], json: bool) -> Result<(), Error> {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header(["proof", "result", "time", "numbers"]);
    for row in rows {
        let result = if row.passed { Cell::new("passed").fg(Color::Green) } else { Cell::new("FAILED").fg(Color::Red) };
        table.add_row([
            Cell::new(row.name.name()),
            result,
            Cell::new(format!("{:.0} s", row.seconds)),
            Cell::new(&row.numbers),
        ]);
    }
    #[allow(clippy::print_stdout)] // the result
    if json {
        println!("{}", serde_json::to_string(&serde_json::json!({ "proofs": rows }))?);
    } else {
        println!("{table}");
    }
    Ok(())
}
