//! Whether new tasks are taken at all now.

use crate::{
    activity::{self, Load},
    policy::Policy,
    store::Mode,
};

/// Looks at the provider's wishes and at the machine before any task is looked at.
#[derive(Debug, Default)]
pub(super) struct Gate {
    load: Load,
}

impl Gate {
    /// Why no task is taken now, if none is.
    pub(super) fn closed(&mut self, mode: Mode, policy: &Policy) -> Option<String> {
        match mode {
            Mode::Working => {}
            Mode::Paused => return Some("paused: `aiigo-agent resume` takes tasks again".into()),
            Mode::Leaving => return Some("leaving: `aiigo-agent resume` would stay".into()),
        }
        if !policy.hours.contain(jiff::Zoned::now().datetime()) {
            return Some("outside of the hours of the policy".into());
        }
        let idle = policy.idle?;
        match self.load.look() {
            Ok(load) if load > idle.load => return Some(format!("others use {load}% of the processors")),
            Ok(_) => {}
            Err(error) => return Some(format!("what others do on this machine is unknown: {error}")),
        }
        let away = activity::away().filter(|away| *away < idle.away)?;
        Some(format!("somebody used a terminal {} s ago", away.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Policy {
        text.parse().expect("a policy")
    }

    #[test]
    fn nothing_keeps_a_willing_machine_from_work() {
        assert_eq!(Gate::default().closed(Mode::Working, &policy("")), None);
    }

    #[test]
    fn who_pauses_or_leaves_takes_nothing() {
        for (mode, word) in [(Mode::Paused, "paused"), (Mode::Leaving, "leaving")] {
            let closed = Gate::default().closed(mode, &policy("")).expect("closed");
            assert!(closed.starts_with(word) && closed.contains("resume"), "{closed}");
        }
    }

    #[test]
    fn the_hours_are_those_of_this_machine() {
        let yesterday = jiff::Zoned::now().datetime().weekday().previous();
        let day = format!("{yesterday:?}")[..3].to_lowercase();
        let closed = Gate::default().closed(Mode::Working, &policy(&format!("hours.take = ['{day}']")));
        assert_eq!(closed.as_deref(), Some("outside of the hours of the policy"));
        let closed = Gate::default().closed(Mode::Working, &policy("hours.take = ['mon-sun']"));
        assert_eq!(closed, None);
    }
}
