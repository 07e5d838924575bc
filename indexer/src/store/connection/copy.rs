//! The binary format of PostgreSQL's `COPY` (<https://www.postgresql.org/docs/current/sql-copy.html>, Binary Format).

use crate::store::Value;

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
pub(super) fn encode(rows: &[Vec<Value>]) -> Result<Vec<u8>, std::num::TryFromIntError> {
    let mut bytes = HEADER.to_vec();
    for row in rows {
        bytes.extend(i16::try_from(row.len())?.to_be_bytes());
        for value in row {
            match value {
                Value::Null => bytes.extend(NULL.to_be_bytes()),
                Value::Int(int) => field(&mut bytes, &int.to_be_bytes())?,
                Value::Text(text) => field(&mut bytes, text.as_bytes())?,
                Value::Blob(blob) => field(&mut bytes, blob)?,
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
    use super::*;

    #[test]
    fn rows_are_told_as_the_format_says() {
        let rows = [vec![Value::Int(-2), Value::Null], vec![Value::Text("é".into()), Value::Blob(vec![])]];
        let expected = [
            HEADER,
            b"\0\x02\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff\xff",
            b"\0\x02\0\0\0\x02\xc3\xa9\0\0\0\0",
            b"\xff\xff",
        ];
        assert_eq!(encode(&rows).expect("short rows"), expected.concat());
    }
}
