//! How a run ended.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a run ended. Every ending is a result: a program that fails or hits its own limits is paid as any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Outcome {
    /// The program returned or called `exit`, with whatever code.
    Exited,
    /// It used up its compute units.
    OutOfFuel,
    /// It asked for more memory than its limit and gave up, or was stopped for it.
    OutOfMemory,
    /// It ran longer than its time limit.
    OutOfTime,
    /// It wrote more than its output limit.
    OutputTooLarge,
    /// It could not start, or did something undefined: an unreachable instruction, a division by zero, an access out of
    /// bounds.
    Trapped,
}

impl Outcome {
    /// The exit code that stands for an ending that was not the program's own choice, after the habits of Unix shells:
    /// `timeout` ends with 124, a signal with 128 + its number (ABRT 6, KILL 9, XCPU 24, XFSZ 25).
    pub const fn fixed_exit_code(self) -> Option<i32> {
        match self {
            Self::Exited => None,
            Self::OutOfTime => Some(124),
            Self::Trapped => Some(134),
            Self::OutOfMemory => Some(137),
            Self::OutOfFuel => Some(152),
            Self::OutputTooLarge => Some(153),
        }
    }

    /// The exit code to report for a run; `program` is the code that the program gave.
    pub fn exit_code(self, program: i32) -> i32 {
        self.fixed_exit_code().unwrap_or(program)
    }

    /// The name in a manifest.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exited => "Exited",
            Self::OutOfFuel => "OutOfFuel",
            Self::OutOfMemory => "OutOfMemory",
            Self::OutOfTime => "OutOfTime",
            Self::OutputTooLarge => "OutputTooLarge",
            Self::Trapped => "Trapped",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
