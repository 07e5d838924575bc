//! stderr: the running account of a command.

use std::time::Duration;

use console::style;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{format, output::printable};

const TICK: Duration = Duration::from_millis(120);

/// Tells on stderr what happens: a line a step, and a spinner (on a terminal only) while something takes long.
#[derive(Debug)]
pub(crate) struct Progress {
    spinner: ProgressBar,
    steps: bool,
}

impl Progress {
    /// With `steps`, a line a step; without, only what needs attention.
    pub(crate) fn new(steps: bool) -> Self {
        let spinner = ProgressBar::new_spinner();
        if let Ok(template) = ProgressStyle::with_template("{spinner} {msg}") {
            spinner.set_style(template);
        }
        spinner.enable_steady_tick(TICK);
        Self { spinner, steps }
    }

    /// Says what is being waited for.
    pub(crate) fn waiting(&self, what: impl Into<String>) {
        if self.spinner.is_finished() {
            self.spinner.reset();
            self.spinner.enable_steady_tick(TICK);
        }
        self.spinner.set_message(printable(&what.into()));
    }

    /// A step that is done now.
    pub(crate) fn step(&self, what: &str) {
        self.step_at(format::now(), what, None);
    }

    /// A step done at a time (unix seconds), perhaps by a transaction.
    pub(crate) fn step_at(&self, timestamp: u64, what: &str, tx: Option<&dyn std::fmt::Display>) {
        if self.steps {
            let tx = tx.map(|hash| style(format!("  tx {hash}")).for_stderr().dim().to_string()).unwrap_or_default();
            let time = style(format::clock(timestamp)).for_stderr().dim().to_string();
            let mark = style("✓").for_stderr().green().to_string();
            self.line(&format!("{time} {mark} {}{tx}", printable(what)));
        }
    }

    /// A line that belongs to the step before it.
    pub(crate) fn detail(&self, text: &str) {
        if self.steps {
            self.line(&format!("           {}", printable(text)));
        }
    }

    /// Something the user should know in any case.
    pub(crate) fn note(&self, text: &str) {
        self.line(&printable(text));
    }

    fn line(&self, text: &str) {
        if self.spinner.is_hidden() {
            eprintln!("{text}");
        } else {
            self.spinner.println(text);
        }
    }

    /// Leaves the terminal to somebody else until the next thing to wait for.
    pub(crate) fn pause(&self) {
        self.spinner.disable_steady_tick();
        self.spinner.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.spinner.finish_and_clear();
    }
}
