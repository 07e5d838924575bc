//! A table: which character separates its columns, and what stands in them.

use serde::Serialize;

use crate::column::{Column, Values};

/// Lines that decide if a file is a table.
const SAMPLE_LINES: usize = 50;
/// Characters that may separate columns, the likelier first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The statistics of a table.
#[derive(Debug, Serialize)]
pub struct Table {
    pub delimiter: char,
    /// Without the header.
    pub rows: u64,
    pub columns: Vec<Column>,
}

/// The delimiter that cuts the first lines into equally many columns, at least two; none for what is no table.
pub fn delimiter(bytes: &[u8]) -> Option<u8> {
    let width = |delimiter: u8| {
        let mut reader = reader(bytes, delimiter, false);
        let widths: Vec<usize> =
            reader.byte_records().take(SAMPLE_LINES).filter_map(|record| record.ok().map(|it| it.len())).collect();
        let first = *widths.first()?;
        (first >= 2 && widths.len() >= 2 && widths.iter().all(|width| *width == first)).then_some(first)
    };
    // The first of the widest.
    DELIMITERS
        .into_iter()
        .rev()
        .filter_map(|it| Some((width(it)?, it)))
        .max_by_key(|(width, _)| *width)
        .map(|(_, it)| it)
}

impl Table {
    /// Reads a whole table; short rows leave cells missing, long ones are cut.
    pub fn read(bytes: &[u8], delimiter: u8) -> Result<Self, csv::Error> {
        let mut reader = reader(bytes, delimiter, true);
        let mut columns: Vec<(String, Values)> = reader
            .byte_headers()?
            .iter()
            .map(|name| {
                (String::from_utf8_lossy(name).trim_start_matches('\u{feff}').trim().to_owned(), Values::default())
            })
            .collect();
        let mut rows = 0;
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record)? {
            rows += 1;
            for (index, (_, values)) in columns.iter_mut().enumerate() {
                values.push(&String::from_utf8_lossy(record.get(index).unwrap_or_default()));
            }
        }
        let columns = columns.into_iter().map(|(name, values)| Column::new(name, values)).collect();
        Ok(Self { delimiter: char::from(delimiter), rows, columns })
    }
}

fn reader(bytes: &[u8], delimiter: u8, headers: bool) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().delimiter(delimiter).has_headers(headers).flexible(true).from_reader(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Kind;

    #[test]
    fn a_table_is_told_from_a_text() {
        assert_eq!(delimiter(b"a;b\n1,5;2\n3,5;4\n"), Some(b';'));
        assert_eq!(delimiter(b"a,b,c\n\"x, y\",2,3\n"), Some(b','));
        assert_eq!(delimiter(b"Call me Ishmael.\nSome years ago, never mind how long,\n"), None);
        assert_eq!(delimiter(b"one line, two parts"), None);
    }

    #[test]
    fn numbers_and_texts_are_told_apart() {
        let table = Table::read(b"n,t\n1,a\n2,b\n,a\n4,\n", b',').expect("a table");
        assert_eq!(table.rows, 4);
        assert!(matches!(&table.columns[0].kind, Kind::Number(stats) if stats.max == 4.0));
        assert!(matches!(&table.columns[1].kind, Kind::Text(stats) if stats.distinct == 2));
        assert_eq!((table.columns[0].missing, table.columns[1].missing), (1, 1));
    }
}
