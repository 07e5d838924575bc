//! Reading an archive whose names, kinds and sizes a stranger chose.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{BLOCK, Kind, checksum};

/// Longest extension of a header (a long name, extended attributes), bytes: longer ones are no honest archive.
const MAX_EXTENSION: u64 = 256 << 10;
/// Most extensions in a row.
const MAX_EXTENSIONS: usize = 8;
/// Bytes copied at a time.
const BUFFER: usize = 64 << 10;

/// An entry that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::docker) struct Entry {
    /// As it stands there: any bytes.
    pub(in crate::docker) path: Vec<u8>,
    pub(in crate::docker) kind: Kind,
    /// Bytes of content that follow; as claimed.
    pub(in crate::docker) size: u64,
}

/// Why an archive can't be read on.
#[derive(Debug, thiserror::Error)]
pub(in crate::docker) enum TarError {
    #[error("the archive is malformed: {0}")]
    Malformed(&'static str),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads an archive from front to back, holding one header at a time.
#[derive(Debug)]
pub(in crate::docker) struct TarReader<R> {
    source: R,
    /// Of the current entry's content, not yet read.
    content: u64,
    padding: u64,
}

/// What extensions say of the entry after them.
#[derive(Debug, Default)]
struct Extended {
    path: Option<Vec<u8>>,
    size: Option<u64>,
}

impl<R: AsyncRead + Unpin> TarReader<R> {
    pub(in crate::docker) fn new(source: R) -> Self {
        Self { source, content: 0, padding: 0 }
    }

    /// The next entry; what was not read of the one before is passed over.
    pub(in crate::docker) async fn next(&mut self) -> Result<Option<Entry>, TarError> {
        let mut extended = Extended::default();
        for _ in 0..=MAX_EXTENSIONS {
            self.pass_over().await?;
            let Some(header) = self.header().await? else { return Ok(None) };
            let size = number(&header[124..136])?;
            match header[156] {
                b'x' => self.pax(size, &mut extended).await?,
                b'L' => {
                    let mut path = self.extension(size).await?;
                    path.truncate(path.iter().position(|byte| *byte == 0).unwrap_or(path.len()));
                    extended.path = Some(path);
                }
                b'g' | b'K' => drop(self.extension(size).await?),
                flag => {
                    let size = extended.size.unwrap_or(size);
                    self.expect(size);
                    let path = extended.path.unwrap_or_else(|| name(&header));
                    return Ok(Some(Entry { path, kind: Kind::of_flag(flag), size }));
                }
            }
        }
        Err(TarError::Malformed("too many extensions of one header"))
    }

    /// Writes the current entry's content to `sink`.
    pub(in crate::docker) async fn copy<W: AsyncWrite + Unpin>(&mut self, sink: &mut W) -> Result<(), TarError> {
        let mut buffer = vec![0; BUFFER];
        while self.content > 0 {
            let want = self.content.min(BUFFER as u64) as usize;
            let read = self.source.read(&mut buffer[..want]).await?;
            if read == 0 {
                return Err(TarError::Malformed("it ends inside a file"));
            }
            self.content -= read as u64;
            sink.write_all(&buffer[..read]).await?;
        }
        Ok(sink.flush().await?)
    }

    fn expect(&mut self, size: u64) {
        self.content = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    async fn pass_over(&mut self) -> Result<(), TarError> {
        self.copy(&mut tokio::io::sink()).await?;
        self.content = std::mem::take(&mut self.padding);
        self.copy(&mut tokio::io::sink()).await
    }

    /// A header block; `None` at the end.
    async fn header(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        let mut block = [0; BLOCK];
        match self.source.read_exact(&mut block).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(TarError::Malformed("it has no end"));
            }
            other => other?,
        };
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        match number(&block[148..156])? == checksum(&block) {
            true => Ok(Some(block)),
            false => Err(TarError::Malformed("a header's checksum is wrong")),
        }
    }

    async fn extension(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        if size > MAX_EXTENSION {
            return Err(TarError::Malformed("the extension of a header is too long"));
        }
        self.expect(size);
        let mut bytes = Vec::new();
        self.copy(&mut bytes).await?;
        Ok(bytes)
    }

    async fn pax(&mut self, size: u64, extended: &mut Extended) -> Result<(), TarError> {
        let bytes = self.extension(size).await?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (record, after) = split_record(rest).ok_or(TarError::Malformed("a PAX record is cut off"))?;
            rest = after;
            let Some(at) = record.iter().position(|byte| *byte == b'=') else {
                return Err(TarError::Malformed("a PAX record has no value"));
            };
            let (key, value) = (&record[..at], &record[at + 1..]);
            match key {
                b"path" => extended.path = Some(value.to_owned()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    extended.size = Some(size.ok_or(TarError::Malformed("a PAX size is no number"))?);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// `KEY=VALUE` of the first record, and what comes after it.
fn split_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    let record = bytes.get(space + 1..length)?;
    let (last, record) = record.split_last()?;
    (*last == b'\n').then_some((record, &bytes[length..]))
}

/// Octal digits, or, after a first byte of 0x80, a big-endian number.
fn number(field: &[u8]) -> Result<u64, TarError> {
    const BAD: TarError = TarError::Malformed("a number in a header is none");
    if field[0] & 0x80 != 0 {
        let high = field.len() - 8;
        if field[0] != 0x80 || field[1..high].iter().any(|byte| *byte != 0) {
            return Err(BAD);
        }
        return Ok(field[high..].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
    }
    let text = std::str::from_utf8(field).map_err(|_| BAD)?.trim_matches(['\0', ' ']);
    if text.is_empty() { Ok(0) } else { u64::from_str_radix(text, 8).map_err(|_| BAD) }
}

fn name(header: &[u8; BLOCK]) -> Vec<u8> {
    let until_nul = |field: &[u8]| field[..field.iter().position(|byte| *byte == 0).unwrap_or(field.len())].to_owned();
    let (name, prefix) = (until_nul(&header[0..100]), until_nul(&header[345..500]));
    let is_ustar = &header[257..263] == b"ustar\0";
    if is_ustar && !prefix.is_empty() { [prefix, name].join(&b'/') } else { name }
}
