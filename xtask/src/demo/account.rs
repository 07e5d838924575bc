//! The running account of a demo: one line a step, with its time and transaction, on stderr.

use std::time::{Duration, Instant};

use console::style;
use indicatif::{ProgressBar, ProgressStyle};

/// Prints the steps of a demo as they happen.
pub(crate) struct Account {
    started: Instant,
    /// Spins on a terminal while something takes long; silent elsewhere.
    spinner: ProgressBar,
}

impl Account {
    pub(crate) fn new() -> Self {
        let spinner = ProgressBar::new_spinner();
        if let Ok(template) = ProgressStyle::with_template("         {spinner} {msg}") {
            spinner.set_style(template);
        }
        spinner.enable_steady_tick(Duration::from_millis(120));
        Self { started: Instant::now(), spinner }
    }

    /// Says what is being waited for.
    pub(crate) fn waiting(&self, what: impl Into<String>) {
        self.spinner.set_message(what.into());
    }

    /// Begins a part of the story.
    pub(crate) fn chapter(&self, title: &str) {
        self.line(&format!("\n{}", style(title).bold()));
    }

    /// One step that is done; `tx` is the transaction that did it.
    pub(crate) fn step(&self, what: &str, tx: Option<&str>) {
        let time = format!("{:6.1}s", self.started.elapsed().as_secs_f64());
        let tx = tx.map(|hash| format!("  {}", style(format!("tx {}", shorten(hash))).dim())).unwrap_or_default();
        self.line(&format!("{} {} {what}{tx}", style(time).dim(), style("✓").green()));
    }

    /// A line that another program printed.
    pub(crate) fn line(&self, text: &str) {
        if self.spinner.is_hidden() {
            eprintln!("{text}");
        } else {
            self.spinner.println(text);
        }
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Ends the spinner; what was printed stays.
    pub(crate) fn finish(&self) {
        self.spinner.finish_and_clear();
    }
}

/// `0x1234567890…abcdef`: enough to find it, short enough for a line.
pub(crate) fn shorten(hash: &str) -> String {
    match (hash.get(..10), hash.get(hash.len().saturating_sub(6)..)) {
        (Some(head), Some(tail)) if hash.len() > 20 => format!("{head}…{tail}"),
        _ => hash.to_owned(),
    }
}
