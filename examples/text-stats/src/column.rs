//! One column: numbers with their distribution, or texts with their most frequent values.

use std::collections::HashMap;

use serde::Serialize;

/// Most frequent values that are shown.
const TOP: usize = 10;

/// The statistics of a column.
#[derive(Debug, Serialize)]
pub struct Column {
    pub name: String,
    /// Cells with a value.
    pub count: u64,
    /// Empty cells.
    pub missing: u64,
    #[serde(flatten)]
    pub kind: Kind,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Kind {
    /// Every value is a number.
    Number(Number),
    Text(Text),
}

/// The distribution of numbers.
#[derive(Debug, PartialEq, Serialize)]
pub struct Number {
    pub mean: f64,
    /// Sample standard deviation (n − 1); zero for a single value.
    pub sd: f64,
    pub min: f64,
    pub p5: f64,
    pub p25: f64,
    pub median: f64,
    pub p75: f64,
    pub p95: f64,
    pub max: f64,
}

/// The values of a text column.
#[derive(Debug, Serialize)]
pub struct Text {
    pub distinct: u64,
    /// Characters.
    pub shortest: usize,
    /// Characters.
    pub longest: usize,
    /// The most frequent first, equals in the order of the alphabet.
    pub top: Vec<Frequency>,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Frequency {
    pub value: String,
    pub count: u64,
}

/// The values of a column while it is read: numbers until the first one that is none.
#[derive(Default)]
pub struct Values {
    numbers: Vec<f64>,
    texts: HashMap<String, u64>,
    missing: u64,
    not_numeric: bool,
}

impl Values {
    pub fn push(&mut self, cell: &str) {
        let cell = cell.trim();
        if cell.is_empty() {
            self.missing += 1;
            return;
        }
        if !self.not_numeric {
            match cell.parse::<f64>() {
                Ok(number) if number.is_finite() => self.numbers.push(number),
                _ => {
                    self.not_numeric = true;
                    self.numbers = Vec::new();
                }
            }
        }
        match self.texts.get_mut(cell) {
            Some(count) => *count += 1,
            None => {
                self.texts.insert(cell.to_owned(), 1);
            }
        }
    }
}

impl Column {
    pub fn new(name: String, values: Values) -> Self {
        let count = values.texts.values().sum();
        let kind = match values.numbers.is_empty() {
            false => Kind::Number(Number::of(values.numbers)),
            true => Kind::Text(Text::of(&values.texts)),
        };
        Self { name, count, missing: values.missing, kind }
    }
}

impl Number {
    /// Of at least one finite number.
    fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        let (mean, sd) = mean_and_sd(&numbers);
        let quantile = |share| quantile(&numbers, share);
        Self {
            mean,
            sd,
            min: quantile(0.0),
            p5: quantile(0.05),
            p25: quantile(0.25),
            median: quantile(0.5),
            p75: quantile(0.75),
            p95: quantile(0.95),
            max: quantile(1.0),
        }
    }
}

/// Welford's method: no large sums of squares that cancel.
fn mean_and_sd(numbers: &[f64]) -> (f64, f64) {
    let (mut mean, mut squares) = (0.0, 0.0);
    for (index, number) in numbers.iter().enumerate() {
        let delta = number - mean;
        mean += delta / (index + 1) as f64;
        squares += delta * (number - mean);
    }
    let sd = if numbers.len() > 1 { (squares / (numbers.len() - 1) as f64).sqrt() } else { 0.0 };
    (mean, sd)
}

/// Linear interpolation between order statistics (type 7 of Hyndman and Fan, the default of R and NumPy).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    below + (above - below) * position.fract()
}

impl Text {
    fn of(texts: &HashMap<String, u64>) -> Self {
        let lengths = || texts.keys().map(|text| text.chars().count());
        Self {
            distinct: texts.len() as u64,
            shortest: lengths().min().unwrap_or_default(),
            longest: lengths().max().unwrap_or_default(),
            top: most_frequent(texts, TOP),
        }
    }
}

/// The most frequent values; a fixed order, whatever the map's.
pub fn most_frequent(counts: &HashMap<String, u64>, most: usize) -> Vec<Frequency> {
    let mut all: Vec<_> = counts.iter().collect();
    all.sort_by(|left, right| right.1.cmp(left.1).then_with(|| left.0.cmp(right.0)));
    all.into_iter().take(most).map(|(value, count)| Frequency { value: value.clone(), count: *count }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distribution_is_that_of_numpy() {
        let stats = Number::of(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!((stats.mean, stats.min, stats.max), (2.5, 1.0, 4.0));
        assert_eq!((stats.p25, stats.median, stats.p75), (1.75, 2.5, 3.25));
        assert!((stats.sd - 1.290_994_448_735_805_6).abs() < 1e-12);
    }

    #[test]
    fn equal_counts_stand_in_the_order_of_the_alphabet() {
        let counts = HashMap::from([("b".into(), 2), ("a".into(), 2), ("c".into(), 3)]);
        let names: Vec<_> = most_frequent(&counts, 2).into_iter().map(|it| it.value).collect();
        assert_eq!(names, ["c", "a"]);
    }
}
