//! What an operator allows each duty: whether it is done, what it may cost and must earn, how often it is tried.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use aiigo_protocol::units::parse_amount;
use alloy::primitives::U256;
use serde::{Serialize, Serializer};

use crate::duties::{DutyName, UnknownDuty};

/// How often an action is tried that did not land.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// Pause before the second attempt; it doubles with each further one.
    #[serde(serialize_with = "seconds")]
    pub after: Duration,
    /// The longest pause.
    #[serde(serialize_with = "seconds")]
    pub every: Duration,
    /// Attempts after which the action is left alone; `None`: never.
    pub attempts: Option<u32>,
}

impl Default for Retry {
    fn default() -> Self {
        Self { after: Duration::from_secs(15), every: Duration::from_secs(600), attempts: None }
    }
}

impl Retry {
    /// The pause after so many attempts, at least one.
    pub(crate) fn pause(&self, tried: u32) -> Duration {
        self.after.saturating_mul(1 << tried.saturating_sub(1).min(16)).min(self.every)
    }

    /// Whether that was enough.
    pub(crate) fn gives_up(&self, tried: u32) -> bool {
        self.attempts.is_some_and(|attempts| tried >= attempts)
    }
}

/// What one duty may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether it is done; `None`: as `aiigo-keeper duties` says.
    pub enabled: Option<bool>,
    /// The most that one transaction may cost, wei; `None`: what holds for all.
    pub max_cost: Option<U256>,
    /// The least that a transaction must earn in ETH above its cost, wei; `None`: it need not pay.
    pub min_profit: Option<U256>,
    /// How often it is tried.
    pub retry: Retry,
}

/// One setting of one duty, as `DUTY.SETTING=VALUE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DutySetting {
    duty: DutyName,
    change: Change,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Enabled(bool),
    MaxCost(U256),
    MinProfit(U256),
    RetryAfter(Duration),
    RetryEvery(Duration),
    Attempts(u32),
}

/// A setting that means nothing.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// It is not `DUTY.SETTING=VALUE`.
    #[error("`{0}` is no setting of a duty: write DUTY.SETTING=VALUE, as in expire-tasks.max-cost=0.01")]
    Shape(String),
    /// There is no such duty.
    #[error(transparent)]
    Duty(#[from] UnknownDuty),
    /// Duties have no such setting.
    #[error("duties have no setting `{0}`, but enabled, max-cost, min-profit, retry-after, retry-every and attempts")]
    Name(String),
    /// The setting takes other values.
    #[error("`{value}` is no value for {name}: {wanted}")]
    Value {
        /// The setting.
        name: String,
        /// What was given.
        value: String,
        /// What it takes.
        wanted: &'static str,
    },
}

impl FromStr for DutySetting {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || SettingError::Shape(text.to_owned());
        let (path, value) = text.split_once('=').ok_or_else(shape)?;
        let (duty, name) = path.split_once('.').ok_or_else(shape)?;
        let duty = duty.trim().parse()?;
        let (name, value) = (name.trim(), value.trim());
        let wrong = |wanted| SettingError::Value { name: name.to_owned(), value: value.to_owned(), wanted };
        let amount = || parse_amount(value).map_err(|_| wrong("an amount of ETH"));
        let pause = || parse_seconds(value).map_err(|_| wrong("a number of seconds"));
        let change = match name {
            "enabled" => Change::Enabled(value.parse().map_err(|_| wrong("true or false"))?),
            "max-cost" => Change::MaxCost(amount()?),
            "min-profit" => Change::MinProfit(amount()?),
            "retry-after" => Change::RetryAfter(pause()?),
            "retry-every" => Change::RetryEvery(pause()?),
            "attempts" => Change::Attempts(match value.parse() {
                Ok(attempts) if attempts > 0 => attempts,
                _ => return Err(wrong("a number of at least 1")),
            }),
            _ => return Err(SettingError::Name(name.to_owned())),
        };
        Ok(Self { duty, change })
    }
}

/// Seconds, with or without their unit.
pub(crate) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.trim_end_matches('s').parse().map_err(|_| format!("`{text}` is no number of seconds"))?;
    Duration::try_from_secs_f64(number).map_err(|error| format!("`{text}`: {error}"))
}

fn seconds<S: Serializer>(pause: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(pause.as_secs_f64())
}

/// The policy of every duty; the last setting of a kind counts.
pub(crate) fn policies(settings: &[DutySetting]) -> BTreeMap<DutyName, Policy> {
    let mut policies: BTreeMap<_, _> = DutyName::ALL.iter().map(|duty| (*duty, Policy::default())).collect();
    for DutySetting { duty, change } in settings {
        let policy = policies.entry(*duty).or_default();
        match *change {
            Change::Enabled(enabled) => policy.enabled = Some(enabled),
            Change::MaxCost(cost) => policy.max_cost = Some(cost),
            Change::MinProfit(profit) => policy.min_profit = Some(profit),
            Change::RetryAfter(pause) => policy.retry.after = pause,
            Change::RetryEvery(pause) => policy.retry.every = pause,
            Change::Attempts(attempts) => policy.retry.attempts = Some(attempts),
        }
    }
    policies
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duty_has_its_own_settings() {
        let settings = [
            "expire-tasks.enabled=false",
            "time-out-tasks.max-cost=0.5",
            "time-out-tasks.min-profit=0",
            "time-out-tasks.retry-after=2s",
            "time-out-tasks.retry-every=8",
            "time-out-tasks.attempts=4",
        ];
        let settings: Vec<DutySetting> = settings.iter().map(|text| text.parse().expect("a setting")).collect();
        let policies = policies(&settings);
        let half = U256::from(500_000_000_000_000_000_u64);
        let (after, every) = (Duration::from_secs(2), Duration::from_secs(8));
        let retry = Retry { after, every, attempts: Some(4) };
        let strict = Policy { enabled: None, max_cost: Some(half), min_profit: Some(U256::ZERO), retry };
        assert_eq!(policies[&DutyName::TimeOutTasks], strict);
        assert_eq!(policies[&DutyName::ExpireTasks].enabled, Some(false));
        assert_eq!(policies[&DutyName::CloseEpochs], Policy::default());
        let pauses: Vec<_> = (1..=4).map(|tried| retry.pause(tried).as_secs()).collect();
        assert_eq!(pauses, [2, 4, 8, 8]);
        assert!(!retry.gives_up(3) && retry.gives_up(4));
    }

    #[test]
    fn a_wrong_setting_says_what_would_be_right() {
        let error = |text: &str| text.parse::<DutySetting>().expect_err("a mistake").to_string();
        assert!(error("expire-tasks").contains("DUTY.SETTING=VALUE"));
        assert!(error("nap.enabled=true").contains("aiigo-keeper duties"));
        assert!(error("expire-tasks.mood=good").contains("max-cost"));
        assert!(error("expire-tasks.enabled=perhaps").contains("true or false"));
        assert!(error("expire-tasks.attempts=0").contains("at least 1"));
    }

    #[test]
    fn seconds_are_read_with_and_without_their_unit() {
        assert_eq!(parse_seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_seconds("3s"), Ok(Duration::from_secs(3)));
        assert!(parse_seconds("-1").is_err() && parse_seconds("soon").is_err());
    }
}
