//! Whether new tasks are taken at all now.

use crate::{
    activity::{self, Load},
    machine::Reading,
    policy::{GpuLimits, Policy},
    store::Mode,
};

/// Looks at the provider's wishes and at the machine before any task is looked at.
#[derive(Debug, Default)]
pub(super) struct Gate {
    load: Load,
}

impl Gate {
    /// Why no task is taken now, if none is. `alone` says that no task runs here: what is done on a GPU then, others do.
    pub(super) fn closed(
        &mut self,
        mode: Mode,
        policy: &Policy,
        gpus: &Result<Vec<Reading>, String>,
        alone: bool,
    ) -> Option<String> {
        match mode {
            Mode::Working => {}
            Mode::Paused => return Some("paused: `aiigo-agent resume` takes tasks again".into()),
            Mode::Leaving => return Some("leaving: `aiigo-agent resume` would stay".into()),
        }
        if !policy.hours.contain(jiff::Zoned::now().datetime()) {
            return Some("outside of the hours of the policy".into());
        }
        let gpus = match gpus {
            Ok(gpus) => gpus,
            Err(error) => return Some(format!("a GPU does not tell how it does: {error}")),
        };
        if let Some(hot) = gpus.iter().find_map(|gpu| over(gpu, policy.gpu)) {
            return Some(hot);
        }
        let idle = policy.idle?;
        if let Some(gpu) = gpus.iter().find(|gpu| alone && gpu.busy > Some(idle.load.into())) {
            return Some(format!("others use {}% of the {}", gpu.busy.unwrap_or_default(), gpu.name));
        }
        match self.load.look() {
            Ok(load) if load > idle.load => return Some(format!("others use {load}% of the processors")),
            Ok(_) => {}
            Err(error) => return Some(format!("what others do on this machine is unknown: {error}")),
        }
        let away = activity::away().filter(|away| *away < idle.away)?;
        Some(format!("somebody used a terminal {} s ago", away.as_secs()))
    }
}

/// How a GPU is above the limits, if it is.
fn over(gpu: &Reading, limits: GpuLimits) -> Option<String> {
    let Reading { name, celsius, watts, .. } = gpu;
    if let Some(celsius) = celsius.filter(|celsius| *celsius > limits.max_celsius) {
        return Some(format!("the {name} has {celsius} °C, more than {}", limits.max_celsius));
    }
    let (watts, most) = (*watts, limits.max_watts?);
    match watts {
        Some(watts) if watts <= most => None,
        Some(watts) => Some(format!("the {name} draws {watts} W, more than {most}")),
        None => Some(format!("the {name} does not tell what it draws, and may draw {most} W")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(mode: Mode, policy: &Policy) -> Option<String> {
        Gate::default().closed(mode, policy, &Ok(Vec::new()), true)
    }

    fn gpu(celsius: u32, watts: Option<u32>, busy: u32) -> Result<Vec<Reading>, String> {
        Ok(vec![Reading { name: "GPU".into(), celsius: Some(celsius), watts, busy: Some(busy) }])
    }

    #[test]
    fn gpus_have_to_be_cool_frugal_and_unused() {
        let mut gate = Gate::default();
        let mut closed = |text: &str, gpus, alone| gate.closed(Mode::Working, &policy(text), &gpus, alone);
        assert_eq!(closed("", gpu(85, Some(450), 100), true), None);
        assert!(closed("", gpu(86, None, 0), true).expect("too hot").contains("86 °C"));
        let limits = "gpu.max-celsius = 90\ngpu.max-watts = 300";
        assert_eq!(closed(limits, gpu(90, Some(300), 0), true), None);
        assert!(closed(limits, gpu(60, Some(301), 0), true).expect("too much").contains("301 W"));
        assert!(closed(limits, gpu(60, None, 0), true).is_some());
        let idle = "idle.only = true\nidle.load = 100\nidle.away = '0s'";
        assert_eq!(closed(idle, gpu(60, None, 100), true), None);
        let idle = "idle.only = true\nidle.load = 50\nidle.away = '0s'";
        assert!(closed(idle, gpu(60, None, 51), true).expect("in use").contains("51% of the GPU"));
        assert!(!closed(idle, gpu(60, None, 51), false).unwrap_or_default().contains("GPU"), "it may be our own task");
        let mute = Reading { name: "a part".into(), celsius: None, watts: None, busy: None };
        assert_eq!(closed(idle, Ok(vec![mute]), true).filter(|reason| reason.contains("a part")), None);
        assert!(closed("", Err("it fell off the bus".into()), true).is_some());
    }

    fn policy(text: &str) -> Policy {
        text.parse().expect("a policy")
    }

    #[test]
    fn nothing_keeps_a_willing_machine_from_work() {
        assert_eq!(closed(Mode::Working, &policy("")), None);
    }

    #[test]
    fn who_pauses_or_leaves_takes_nothing() {
        for (mode, word) in [(Mode::Paused, "paused"), (Mode::Leaving, "leaving")] {
            let closed = closed(mode, &policy("")).expect("closed");
            assert!(closed.starts_with(word) && closed.contains("resume"), "{closed}");
        }
    }

    #[test]
    fn the_hours_are_those_of_this_machine() {
        let yesterday = jiff::Zoned::now().datetime().weekday().previous();
        let day = format!("{yesterday:?}")[..3].to_lowercase();
        let outside = closed(Mode::Working, &policy(&format!("hours.take = ['{day}']")));
        assert_eq!(outside.as_deref(), Some("outside of the hours of the policy"));
        assert_eq!(closed(Mode::Working, &policy("hours.take = ['mon-sun']")), None);
    }
}
