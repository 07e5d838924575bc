//! Which tasks the provider wants.

mod file;
mod hours;
mod judge;
mod watch;

use std::{collections::BTreeMap, time::Duration};

use aiigo_executor::ImagePattern;
use aiigo_protocol::ResourceType;
use alloy::primitives::{Address, U256};
use serde::Deserialize;

pub(crate) use self::{
    hours::Hours,
    judge::{Demand, Offer, Refusal, Standing},
    watch::{Change, PolicyFile},
};
use crate::machine;

/// The policy file as it is written for a new provider: every setting, its default, and what it means.
pub(crate) const TEMPLATE: &str = include_str!("template.toml");

/// What the provider wants, checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Policy {
    /// Lowest price by resource, smallest units of ETH an hour.
    pub(crate) floor: BTreeMap<u8, U256>,
    /// How much more than the gas a task must bring, percent.
    pub(crate) min_profit: u64,
    pub(crate) order: Order,
    /// How long a task is left to other nodes.
    pub(crate) leave_to_others: Duration,
    /// Most tasks at one time.
    pub(crate) tasks: usize,
    /// Processors for all tasks together.
    pub(crate) cores: u32,
    /// Memory for all tasks together, bytes.
    pub(crate) memory: u64,
    /// Disk for all tasks together, bytes; `None`: what is free.
    pub(crate) disk: Option<u64>,
    /// Longest time that a task may be promised.
    pub(crate) longest: Duration,
    /// Most that one task may write, bytes.
    pub(crate) output: u64,
    /// Most that is downloaded for one task, bytes.
    pub(crate) download: u64,
    /// Most memory of one task, bytes.
    pub(crate) task_memory: u64,
    pub(crate) programs: Programs,
    pub(crate) allow_buyers: Vec<Address>,
    pub(crate) deny_buyers: Vec<Address>,
    /// Container images that may run.
    pub(crate) images: Vec<ImagePattern>,
    pub(crate) gpu: GpuLimits,
    pub(crate) hours: Hours,
    /// Take tasks only while nobody else uses the machine.
    pub(crate) idle: Option<Idle>,
}

/// Above which no GPU may be for new tasks to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GpuLimits {
    pub(crate) max_celsius: u32,
    /// `None`: any.
    pub(crate) max_watts: Option<u32>,
}

/// When the machine counts as unused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Idle {
    /// Most load by others, percent of all processors, and of each GPU.
    pub(crate) load: u8,
    /// Least time since somebody used a terminal.
    pub(crate) away: Duration,
}

/// Which of several tasks comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    /// The oldest.
    #[default]
    Fifo,
    /// The best paid an hour.
    BestPaying,
}

/// Which programs are taken, as far as there is a sandbox for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Programs {
    /// All.
    #[default]
    Any,
    /// WebAssembly modules.
    Modules,
    /// Container images.
    Images,
}

impl Policy {
    /// Lowest price of a resource, smallest units of ETH an hour.
    pub(crate) fn floor_of(&self, resource: u8) -> U256 {
        self.floor.get(&resource).copied().unwrap_or_default()
    }
}

impl Default for Policy {
    fn default() -> Self {
        let memory = machine::memory_bytes() / 2;
        let cores = machine::cores();
        Self {
            floor: ResourceType::ALL.iter().map(|kind| (u8::from(*kind), U256::ZERO)).collect(),
            min_profit: 20,
            order: Order::default(),
            leave_to_others: Duration::ZERO,
            tasks: cores,
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            memory,
            disk: None,
            longest: Duration::from_secs(24 * 3600),
            output: 1 << 30,
            download: 1 << 30,
            task_memory: memory,
            programs: Programs::default(),
            allow_buyers: Vec::new(),
            deny_buyers: Vec::new(),
            images: Vec::new(),
            // Where NVIDIA's consumer cards begin to slow down.
            gpu: GpuLimits { max_celsius: 85, max_watts: None },
            hours: Hours::default(),
            idle: None,
        }
    }
}
