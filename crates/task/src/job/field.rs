//! Which field stands at a place of a YAML document, and which name was meant by a misspelt one.

use std::fmt;

use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{Location, Spanned};

/// The shape of a document: where its parts stand.
enum Shape {
    Scalar,
    Sequence(Vec<Spanned<Shape>>),
    Mapping(Vec<(Spanned<String>, Spanned<Shape>)>),
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Shape, A::Error> {
        let mut sequence = Vec::new();
        while let Some(item) = items.next_element()? {
            sequence.push(item);
        }
        Ok(Shape::Sequence(sequence))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Shape, A::Error> {
        let mut mapping = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            mapping.push(entry);
        }
        Ok(Shape::Mapping(mapping))
    }
}

/// The field whose name or value begins at a location, such as `resources.memory`; empty if there is none.
pub(super) fn at(yaml: &str, location: Location) -> String {
    let place = (location.line(), location.column());
    match serde_saphyr::from_str::<Spanned<Shape>>(yaml) {
        Ok(document) => find(&document, place, "").unwrap_or_default(),
        Err(_) => String::new(),
    }
}

fn find(shape: &Spanned<Shape>, place: (u64, u64), path: &str) -> Option<String> {
    let stands_there = |location: Location| (location.line(), location.column()) == place;
    let below = match &shape.value {
        Shape::Scalar => None,
        Shape::Sequence(items) => {
            items.iter().enumerate().find_map(|(index, item)| find(item, place, &format!("{path}[{index}]")))
        }
        Shape::Mapping(entries) => entries.iter().find_map(|(key, value)| {
            let dot = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{dot}{}", key.value);
            if stands_there(key.referenced) { Some(path) } else { find(value, place, &path) }
        }),
    };
    below.or_else(|| (!path.is_empty() && stands_there(shape.referenced)).then(|| path.to_owned()))
}

/// The known name that is nearest to a misspelt one, if it is near.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if name.len() > 64 {
        return None;
    }
    let folded = name.to_lowercase().replace('_', "-");
    known
        .iter()
        .map(|candidate| (distance(&folded, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len() / 3 + 1)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's edit distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_finds_the_one_that_was_meant() {
        let known = ["price", "resources", "accept-within", "review"];
        for (name, meant) in [
            ("prize", Some("price")),
            ("resource", Some("resources")),
            ("accept_within", Some("accept-within")),
            ("acceptWithin", Some("accept-within")),
            ("colour", None),
        ] {
            assert_eq!(nearest(name, &known), meant, "{name}");
        }
    }
}
