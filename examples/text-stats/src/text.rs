//! A text: how long it is, and which words it uses.

use std::collections::HashMap;

use serde::Serialize;

use crate::column::{Frequency, most_frequent};

/// Most frequent words that are shown.
const TOP: usize = 25;

/// The statistics of a text.
#[derive(Debug, Serialize)]
pub struct Text {
    pub lines: u64,
    pub characters: u64,
    /// Runs of letters and digits; an apostrophe inside belongs to them.
    pub words: u64,
    /// Different words, in lower case.
    pub distinct: u64,
    /// Characters a word, on average.
    pub mean_length: f64,
    /// Words that occur once, of all different ones.
    pub hapax_share: f64,
    pub top: Vec<Frequency>,
}

impl Text {
    pub fn read(text: &str) -> Self {
        let mut counts: HashMap<String, u64> = HashMap::new();
        let (mut words, mut characters) = (0u64, 0u64);
        for word in text.split(|letter: char| !letter.is_alphanumeric() && letter != '\'' && letter != '’') {
            let word = word.trim_matches(['\'', '’']);
            if !word.is_empty() {
                words += 1;
                characters += word.chars().count() as u64;
                *counts.entry(word.to_lowercase()).or_default() += 1;
            }
        }
        let once = counts.values().filter(|count| **count == 1).count();
        Self {
            lines: text.lines().count() as u64,
            characters: text.chars().count() as u64,
            words,
            distinct: counts.len() as u64,
            mean_length: ratio(characters, words),
            hapax_share: ratio(once as u64, counts.len() as u64),
            top: most_frequent(&counts, TOP),
        }
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_without_case_and_marks() {
        let text = Text::read("The cat's hat.\n'The' end");
        assert_eq!((text.lines, text.words, text.distinct), (2, 5, 4));
        assert_eq!(text.top[0].value, "the");
    }
}
