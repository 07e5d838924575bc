//! The policy file's shape, and how it becomes a policy.

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use aiigo_executor::ImagePattern;
use aiigo_protocol::{ResourceType, units};
use alloy::primitives::{Address, U256};
use serde::Deserialize;
use toml::Spanned;

use super::{GpuLimits, Hours, Idle, Order, Policy, Programs};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct File {
    price: Price,
    machine: Machine,
    task: Task,
    buyers: Buyers,
    images: Images,
    gpu: Gpu,
    hours: TakeHours,
    idle: WhenIdle,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Price {
    floor: BTreeMap<Spanned<String>, Spanned<String>>,
    min_profit: Option<u64>,
    order: Option<Order>,
    leave_to_others: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Machine {
    tasks: Option<usize>,
    cores: Option<u32>,
    memory: Option<Spanned<String>>,
    disk: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Task {
    longest: Option<Spanned<String>>,
    output: Option<Spanned<String>>,
    download: Option<Spanned<String>>,
    memory: Option<Spanned<String>>,
    programs: Option<Programs>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Buyers {
    allow: Vec<Spanned<String>>,
    deny: Vec<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Images {
    allow: Vec<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Gpu {
    max_celsius: Option<u32>,
    max_watts: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct TakeHours {
    take: Vec<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct WhenIdle {
    only: bool,
    load: Option<Spanned<u8>>,
    away: Option<Spanned<String>>,
}

impl FromStr for Policy {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let file: File = toml::from_str(text)
            .map_err(|error| Fault::at(text, error.span().map_or(0, |span| span.start), error.message()))?;
        let reader = Reader { text };
        let default = Self::default();
        let memory = reader.or(file.machine.memory, bytes, default.memory)?;
        let mut floor = default.floor;
        for (resource, price) in file.price.floor {
            let known = ResourceType::ALL.iter().find(|known| known.name() == resource.as_ref());
            let known = known.ok_or_else(|| {
                let names: Vec<_> = ResourceType::ALL.iter().map(|known| known.name()).collect();
                reader.fault(
                    &resource,
                    format!("no resource is called `{}`: there are {}", resource.as_ref(), names.join(", ")),
                )
            })?;
            floor.insert(u8::from(*known), reader.read(&price, amount)?);
        }
        Ok(Self {
            floor,
            min_profit: file.price.min_profit.unwrap_or(default.min_profit),
            order: file.price.order.unwrap_or_default(),
            leave_to_others: reader.or(file.price.leave_to_others, duration, default.leave_to_others)?,
            tasks: file.machine.tasks.unwrap_or(default.tasks),
            cores: file.machine.cores.unwrap_or(default.cores),
            memory,
            disk: file.machine.disk.map(|size| reader.read(&size, bytes)).transpose()?,
            longest: reader.or(file.task.longest, duration, default.longest)?,
            output: reader.or(file.task.output, bytes, default.output)?,
            download: reader.or(file.task.download, bytes, default.download)?,
            task_memory: reader.or(file.task.memory, bytes, memory)?,
            programs: file.task.programs.unwrap_or_default(),
            allow_buyers: reader.all(&file.buyers.allow, address)?,
            deny_buyers: reader.all(&file.buyers.deny, address)?,
            images: reader.all(&file.images.allow, image)?,
            gpu: GpuLimits {
                max_celsius: file.gpu.max_celsius.unwrap_or(default.gpu.max_celsius),
                max_watts: file.gpu.max_watts,
            },
            hours: Hours::new(reader.all(&file.hours.take, |text| text.parse())?),
            idle: reader.idle(file.idle)?,
        })
    }
}

/// Turns words into values, and tells the line of one that is none.
struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn read<T>(&self, word: &Spanned<String>, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, Fault> {
        parse(word.as_ref()).map_err(|reason| self.fault(word, reason))
    }

    fn or<T>(
        &self,
        word: Option<Spanned<String>>,
        parse: impl Fn(&str) -> Result<T, String>,
        default: T,
    ) -> Result<T, Fault> {
        word.map_or(Ok(default), |word| self.read(&word, parse))
    }

    fn all<T>(&self, words: &[Spanned<String>], parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Fault> {
        words.iter().map(|word| self.read(word, &parse)).collect()
    }

    fn idle(&self, idle: WhenIdle) -> Result<Option<Idle>, Fault> {
        let load = match idle.load {
            Some(load) if *load.as_ref() > 100 => return Err(self.fault(&load, "more than 100 percent")),
            Some(load) => load.into_inner(),
            None => 25,
        };
        let away = self.or(idle.away, duration, Duration::from_secs(600))?;
        Ok(idle.only.then_some(Idle { load, away }))
    }

    fn fault<T>(&self, value: &Spanned<T>, reason: impl fmt::Display) -> Fault {
        Fault::at(self.text, value.span().start, reason)
    }
}

/// What is wrong in a policy file, and where.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub(crate) struct Fault {
    line: usize,
    reason: String,
}

impl Fault {
    fn at(text: &str, offset: usize, reason: impl fmt::Display) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        Self { line: before.matches('\n').count() + 1, reason: reason.to_string() }
    }
}

fn amount(text: &str) -> Result<U256, String> {
    units::parse_amount(text).map_err(|error| error.to_string())
}

fn bytes(text: &str) -> Result<u64, String> {
    aiigo_task::parse_bytes(text).map_err(|error| error.to_string())
}

fn duration(text: &str) -> Result<Duration, String> {
    aiigo_task::parse_duration(text).map_err(|error| error.to_string())
}

fn address(text: &str) -> Result<Address, String> {
    text.parse().map_err(|_| format!("`{text}` is no address"))
}

fn image(text: &str) -> Result<ImagePattern, String> {
    text.parse().map_err(|error: aiigo_executor::PatternError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::TEMPLATE;

    #[test]
    fn the_template_says_what_the_defaults_are() {
        assert_eq!(TEMPLATE.parse(), Ok(Policy::default()));
        assert_eq!("".parse(), Ok(Policy::default()));
    }

    #[test]
    fn every_setting_is_read() {
        let text = r#"
            [price]
            floor = { GPU = "0.5" }
            min-profit = 5
            order = "best-paying"
            leave-to-others = "90s"
            [machine]
            tasks = 3
            cores = 2
            memory = "6GiB"
            disk = "1GiB"
            [task]
            longest = "1h"
            output = "2MiB"
            download = "3MiB"
            programs = "images"
            [buyers]
            allow = ["0x0101010101010101010101010101010101010101"]
            deny = ["0x0202020202020202020202020202020202020202"]
            [images]
            allow = ["busybox@*"]
            [gpu]
            max-celsius = 70
            max-watts = 250
            [hours]
            take = ["22:00-07:00"]
            [idle]
            only = true
            load = 10
            away = "1m"
        "#;
        let policy: Policy = text.parse().expect("a policy");
        assert_eq!(policy.floor_of(0), U256::from(500_000_000_000_000_000_u64));
        assert_eq!(policy.floor_of(1), U256::ZERO);
        assert_eq!((policy.min_profit, policy.order), (5, Order::BestPaying));
        assert_eq!(policy.leave_to_others, Duration::from_secs(90));
        assert_eq!((policy.tasks, policy.cores, policy.memory, policy.disk), (3, 2, 6 << 30, Some(1 << 30)));
        assert_eq!((policy.longest, policy.output, policy.download), (Duration::from_secs(3600), 2 << 20, 3 << 20));
        assert_eq!(policy.task_memory, 6 << 30, "all that there is for tasks");
        assert_eq!(policy.programs, Programs::Images);
        assert_eq!(policy.allow_buyers, [Address::repeat_byte(1)]);
        assert_eq!(policy.deny_buyers, [Address::repeat_byte(2)]);
        assert_eq!(policy.images, ["docker.io/library/busybox@*".parse().expect("a pattern")]);
        assert_eq!(policy.gpu, GpuLimits { max_celsius: 70, max_watts: Some(250) });
        assert_ne!(policy.hours, Hours::default());
        assert_eq!(policy.idle, Some(Idle { load: 10, away: Duration::from_secs(60) }));
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        for (text, line, reason) in [
            ("[price]\nflor = {}\n", 2, "unknown field `flor`"),
            ("[price]\nfloor = { CPU = \"much\" }\n", 2, "much"),
            ("[price]\nfloor = { FPGA = \"1\" }\n", 2, "no resource is called `FPGA`"),
            ("[buyers]\n\ndeny = [\"0x01\"]\n", 3, "`0x01` is no address"),
            ("[images]\nallow = [\"busybox:latest\"]\n", 2, "busybox:latest"),
            ("[hours]\ntake = [\"25:00-26:00\"]\n", 2, "25:00"),
            ("[idle]\nload = 101\n", 2, "100 percent"),
            ("[machine]\nmemory = 5\n", 2, "invalid type"),
            ("[machine", 1, ""),
        ] {
            let fault = text.parse::<Policy>().expect_err(text);
            assert_eq!(fault.line, line, "{text}: {fault}");
            assert!(fault.reason.contains(reason), "{text}: {fault}");
        }
    }
}
