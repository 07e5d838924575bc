//! When tasks are taken: hours and weekdays of the machine's own time.

use std::str::FromStr;

use jiff::civil::{DateTime, Time, Weekday};

/// Spans of time in a week; none at all stands for always.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hours(Vec<Span>);

impl Hours {
    pub(crate) fn new(spans: Vec<Span>) -> Self {
        Self(spans)
    }

    /// Whether a moment lies in one of the spans.
    pub(crate) fn contain(&self, moment: DateTime) -> bool {
        self.0.is_empty() || self.0.iter().any(|span| span.contains(moment))
    }
}

/// Some hours of some days. One that ends earlier than it begins goes on into the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    first: Weekday,
    last: Weekday,
    /// From the first minute to before the last; equal: the whole day.
    from: Time,
    to: Time,
}

impl Span {
    fn contains(&self, moment: DateTime) -> bool {
        let (day, time) = (moment.weekday(), moment.time());
        if self.from < self.to {
            return self.has(day) && self.from <= time && time < self.to;
        }
        (self.has(day) && self.from <= time) || (self.has(day.previous()) && time < self.to)
    }

    fn has(&self, day: Weekday) -> bool {
        self.first.until(day) <= self.first.until(self.last)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown =
            || format!("`{text}` is no span of time: write \"22:00-07:00\", \"sat-sun\" or \"mon-fri 19:00-23:00\"");
        let words: Vec<&str> = text.split_whitespace().collect();
        let (days, times) = match words.as_slice() {
            [times] if times.contains(':') => (None, Some(*times)),
            [days] => (Some(*days), None),
            [days, times] => (Some(*days), Some(*times)),
            _ => return Err(unknown()),
        };
        let (first, last) = match days {
            None => (Weekday::Monday, Weekday::Sunday),
            Some(days) => {
                let (first, last) = days.split_once('-').unwrap_or((days, days));
                (weekday(first).ok_or_else(unknown)?, weekday(last).ok_or_else(unknown)?)
            }
        };
        let (from, to) = match times {
            None => (Time::midnight(), Time::midnight()),
            Some(times) => {
                let (from, to) = times.split_once('-').ok_or_else(unknown)?;
                (time(from).ok_or_else(unknown)?, time(to).ok_or_else(unknown)?)
            }
        };
        Ok(Self { first, last, from, to })
    }
}

fn weekday(name: &str) -> Option<Weekday> {
    let position = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().position(|known| *known == name)?;
    Weekday::from_monday_zero_offset(i8::try_from(position).ok()?).ok()
}

/// Of a 24-hour clock; 24:00 is the midnight that ends the day.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    if hour.len() > 2 || minute.len() != 2 {
        return None;
    }
    match (hour.parse().ok()?, minute.parse().ok()?) {
        (24, 0) => Some(Time::midnight()),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    /// 2026-06-01 is a Monday.
    fn at(day: i8, hour: i8, minute: i8) -> DateTime {
        date(2026, 6, day).at(hour, minute, 0, 0)
    }

    fn hours(spans: &[&str]) -> Hours {
        Hours::new(spans.iter().map(|span| span.parse().expect("a span")).collect())
    }

    #[test]
    fn no_span_is_always() {
        assert!(hours(&[]).contain(at(1, 12, 0)));
    }

    #[test]
    fn a_span_begins_with_its_first_minute_and_ends_before_its_last() {
        let work = hours(&["mon-fri 09:00-17:30"]);
        assert!(work.contain(at(1, 9, 0)) && work.contain(at(5, 17, 29)));
        assert!(!work.contain(at(1, 8, 59)) && !work.contain(at(1, 17, 30)) && !work.contain(at(6, 12, 0)));
    }

    #[test]
    fn a_night_goes_on_into_the_next_day() {
        let night = hours(&["fri 22:00-07:00"]);
        assert!(night.contain(at(5, 22, 0)) && night.contain(at(6, 6, 59)));
        assert!(!night.contain(at(5, 6, 0)) && !night.contain(at(6, 7, 0)) && !night.contain(at(6, 22, 0)));
    }

    #[test]
    fn days_may_wrap_around_the_week_and_may_be_whole() {
        let weekend = hours(&["sat-mon"]);
        assert!(weekend.contain(at(6, 0, 0)) && weekend.contain(at(7, 23, 59)) && weekend.contain(at(8, 12, 0)));
        assert!(!weekend.contain(at(9, 0, 0)) && !weekend.contain(at(5, 23, 59)));
        assert!(hours(&["tue 00:00-24:00"]).contain(at(2, 23, 59)));
    }

    #[test]
    fn any_of_several_spans_will_do() {
        let some = hours(&["mon 10:00-11:00", "sun"]);
        assert!(some.contain(at(1, 10, 30)) && some.contain(at(7, 3, 0)) && !some.contain(at(1, 11, 0)));
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in
            ["", "noon", "9-17", "09:00", "09:0-10:00", "mon-day 09:00-10:00", "24:01-25:00", "mon tue 1:00-2:00"]
        {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
