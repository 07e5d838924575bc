//! Writing an archive.

use super::{BLOCK, Kind, checksum};

/// Largest size that the header's eleven octal digits hold.
const MAX_OCTAL_SIZE: u64 = (1 << 33) - 1;
/// Longest name in a header, bytes.
const MAX_NAME: usize = 100;

/// An entry that is written.
#[derive(Clone, Copy, Debug)]
pub(in crate::docker) struct Header<'a> {
    pub(in crate::docker) path: &'a str,
    pub(in crate::docker) kind: Kind,
    /// Bytes of content that follow.
    pub(in crate::docker) size: u64,
    pub(in crate::docker) mode: u32,
    /// User and group.
    pub(in crate::docker) owner: u32,
    /// Where a symbolic link points.
    pub(in crate::docker) target: &'a str,
}

/// Adds an entry's header; its content and [`padding`] follow.
pub(in crate::docker) fn append(archive: &mut Vec<u8>, header: &Header<'_>) {
    let mut records = Vec::new();
    for (key, value) in [("path", header.path), ("linkpath", header.target)] {
        if value.len() > MAX_NAME || !value.is_ascii() {
            record(&mut records, key, value);
        }
    }
    if header.size > MAX_OCTAL_SIZE {
        record(&mut records, "size", &header.size.to_string());
    }
    if !records.is_empty() {
        let pax = Header { path: "pax", size: records.len() as u64, mode: 0o644, target: "", ..*header };
        block(archive, &pax, b'x');
        archive.extend_from_slice(&records);
        archive.extend_from_slice(padding(records.len() as u64));
    }
    block(archive, header, header.kind.flag());
}

/// What fills the last block of a content of `size` bytes.
pub(in crate::docker) fn padding(size: u64) -> &'static [u8] {
    const ZEROS: [u8; BLOCK] = [0; BLOCK];
    let used = (size % BLOCK as u64) as usize;
    &ZEROS[..(BLOCK - used) % BLOCK]
}

/// The end of an archive.
pub(in crate::docker) fn trailer() -> [u8; 2 * BLOCK] {
    [0; 2 * BLOCK]
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
fn record(records: &mut Vec<u8>, key: &str, value: &str) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} {key}={value}\n").as_bytes());
}

fn block(archive: &mut Vec<u8>, header: &Header<'_>, flag: u8) {
    let mut bytes = [0; BLOCK];
    text(&mut bytes[0..100], header.path);
    octal(&mut bytes[100..108], header.mode.into());
    octal(&mut bytes[108..116], header.owner.into());
    octal(&mut bytes[116..124], header.owner.into());
    octal(&mut bytes[124..136], if header.size > MAX_OCTAL_SIZE { 0 } else { header.size });
    octal(&mut bytes[136..148], 0);
    bytes[156] = flag;
    text(&mut bytes[157..257], header.target);
    bytes[257..265].copy_from_slice(b"ustar\x0000");
    let sum = checksum(&bytes);
    octal(&mut bytes[148..155], sum);
    bytes[155] = b' ';
    archive.extend_from_slice(&bytes);
}

/// What fits; a longer one stands in a PAX record.
fn text(field: &mut [u8], value: &str) {
    let length = value.len().min(field.len());
    field[..length].copy_from_slice(&value.as_bytes()[..length]);
}

/// Octal digits, NUL at the end.
fn octal(field: &mut [u8], value: u64) {
    let digits = field.len() - 1;
    let text = format!("{value:0digits$o}");
    field[..digits].copy_from_slice(&text.as_bytes()[text.len() - digits..]);
}
