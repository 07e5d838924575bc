//! The binary format of PostgreSQL's `COPY` (<https://www.postgresql.org/docs/current/sql-copy.html>, Binary Format).

use std::ops::Range;

use super::Batch;
use crate::store::{Cell, value::significant};

/// The signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Length of a field that holds nothing.
const NULL: i32 = -1;
/// Instead of a row's count of fields: there are no more rows.
const END: i16 = -1;

/// A part of a table.
///
/// # Errors
/// If a row has more fields, or a field more bytes, than the format can tell.
pub(super) fn encode(rows: &dyn Batch, range: Range<usize>) -> Result<Vec<u8>, std::num::TryFromIntError> {
    let columns = rows.table().columns.len();
    let mut bytes = HEADER.to_vec();
    for row in range {
        bytes.extend(i16::try_from(columns)?.to_be_bytes());
        for column in 0..columns {
            match rows.cell(row, column) {
                Cell::Null => bytes.extend(NULL.to_be_bytes()),
                Cell::Int(int) => field(&mut bytes, &int.to_be_bytes())?,
                Cell::Text(text) => field(&mut bytes, text.as_bytes())?,
                Cell::Blob(blob) => field(&mut bytes, blob)?,
                Cell::Amount(amount) => field(&mut bytes, significant(&amount))?,
            }
        }
    }
    bytes.extend(END.to_be_bytes());
    Ok(bytes)
}

fn field(bytes: &mut Vec<u8>, value: &[u8]) -> Result<(), std::num::TryFromIntError> {
    bytes.extend(i32::try_from(value.len())?.to_be_bytes());
    bytes.extend_from_slice(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, U256};

    use super::*;
    use crate::store::{Undo, rows::RewardRate};

    #[test]
    fn numbers_and_texts_are_told_as_the_format_says() {
        let image = |before: Option<&str>| Undo {
            block: 2,
            table_name: "t".into(),
            key: String::new(),
            before: before.map(str::to_owned),
        };
        let rows = vec![image(Some("not told")), image(None), image(Some("é"))];
        let start: &[u8] = b"\0\x04\0\0\0\x08\0\0\0\0\0\0\0\x02\0\0\0\x01t\0\0\0\0";
        let expected = [HEADER, start, b"\xff\xff\xff\xff", start, b"\0\0\0\x02\xc3\xa9", b"\xff\xff"];
        assert_eq!(encode(&rows, 1..3).expect("short rows"), expected.concat());
    }

    #[test]
    fn addresses_and_amounts_are_told_as_the_format_says() {
        let rate = RewardRate { token: Address::repeat_byte(7), rate: U256::from(0x0102), expires_at: 1 };
        let expected = [
            HEADER,
            b"\0\x03\0\0\0\x14",
            &[7; 20],
            b"\0\0\0\x03\x02\x01\x02",
            b"\0\0\0\x08\0\0\0\0\0\0\0\x01",
            b"\xff\xff",
        ];
        assert_eq!(encode(&vec![rate], 0..1).expect("a short row"), expected.concat());
    }
}
