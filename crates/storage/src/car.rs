//! CARv1, the stream of blocks that gateways send: <https://ipld.io/specs/transport/car/carv1/>.

use bytes::{Bytes, BytesMut};
use cid::Cid;
use futures::{Stream, StreamExt};

use crate::{
    BlobCid,
    dag::{MAX_BLOCK_BYTES, put_varint, take_varint},
};

/// Longest header that is read, bytes; ours has 58.
const MAX_HEADER: u64 = 4 << 10;
/// Longest section that is read, bytes: a block and a CID of any kind.
const MAX_SECTION: u64 = MAX_BLOCK_BYTES as u64 + 128;

/// The header of a CAR with one root: DAG-CBOR of `{"roots": [root], "version": 1}`.
pub(crate) fn header(root: &BlobCid) -> Bytes {
    let cid = root.to_bytes(); // 36 bytes
    let mut map = vec![0xa2, 0x65];
    map.extend_from_slice(b"roots");
    map.extend_from_slice(&[0x81, 0xd8, 0x2a, 0x58, cid.len() as u8 + 1, 0]);
    map.extend_from_slice(&cid);
    map.push(0x67);
    map.extend_from_slice(b"version");
    map.push(1);
    sized(&[&map])
}

/// A section: the block and its CID.
pub(crate) fn section(cid: &BlobCid, block: &[u8]) -> Bytes {
    sized(&[&cid.to_bytes(), block])
}

fn sized(parts: &[&[u8]]) -> Bytes {
    let size: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = Vec::with_capacity(size + 4);
    put_varint(&mut bytes, size as u64);
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes.into()
}

/// Why a CAR can't be read further.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CarError<E> {
    #[error("{0}")]
    Transport(E),
    #[error("the stream ended early")]
    Truncated,
    #[error("the stream is no CARv1")]
    Malformed,
}

/// Reads a CAR from a stream of bytes, holding one section at a time.
pub(crate) struct Reader<S> {
    stream: S,
    buffer: BytesMut,
}

impl<S: Stream<Item = Result<Bytes, E>> + Unpin, E> Reader<S> {
    /// Reads the header. What it says of roots is not looked at: the specification of gateways leaves it open.
    pub(crate) async fn open(stream: S) -> Result<Self, CarError<E>> {
        let mut reader = Self { stream, buffer: BytesMut::new() };
        let header = reader.sized(MAX_HEADER).await?.ok_or(CarError::Truncated)?;
        let version_1 = b"\x67version\x01";
        match header.windows(version_1.len()).any(|window| window == version_1) {
            true => Ok(reader),
            false => Err(CarError::Malformed),
        }
    }

    /// The next block and what the stream says its CID is; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<(Cid, Bytes)>, CarError<E>> {
        let Some(section) = self.sized(MAX_SECTION).await? else { return Ok(None) };
        let mut rest = &section[..];
        let cid = Cid::read_bytes(&mut rest).map_err(|_| CarError::Malformed)?;
        let block = section.slice(section.len() - rest.len()..);
        Ok(Some((cid, block)))
    }

    /// Takes a length and as many bytes.
    async fn sized(&mut self, max: u64) -> Result<Option<Bytes>, CarError<E>> {
        let (size, prefix) = loop {
            let mut rest = &self.buffer[..];
            if let Some(size) = take_varint(&mut rest) {
                break (size, self.buffer.len() - rest.len());
            }
            if self.buffer.len() >= 9 {
                return Err(CarError::Malformed);
            }
            if !self.fill().await? {
                return if self.buffer.is_empty() { Ok(None) } else { Err(CarError::Truncated) };
            }
        };
        if size == 0 || size > max {
            return Err(CarError::Malformed);
        }
        let end = prefix + size as usize; // at most `max`
        while self.buffer.len() < end {
            if !self.fill().await? {
                return Err(CarError::Truncated);
            }
        }
        let mut section = self.buffer.split_to(end);
        Ok(Some(section.split_off(prefix).freeze()))
    }

    async fn fill(&mut self) -> Result<bool, CarError<E>> {
        match self.stream.next().await {
            Some(Ok(bytes)) => {
                self.buffer.extend_from_slice(&bytes);
                Ok(true)
            }
            Some(Err(error)) => Err(CarError::Transport(error)),
            None => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;

    use super::*;
    use crate::cid_of;

    async fn read(bytes: &[u8], piece: usize) -> Result<Vec<(Cid, Bytes)>, CarError<Infallible>> {
        let pieces: Vec<_> = bytes.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let mut reader = Reader::open(stream::iter(pieces)).await?;
        let mut sections = Vec::new();
        while let Some(section) = reader.next().await? {
            sections.push(section);
        }
        Ok(sections)
    }

    fn car() -> Vec<u8> {
        let root = cid_of(b"one");
        [&header(&root)[..], &section(&root, b"one"), &section(&cid_of(b""), b"")].concat()
    }

    #[tokio::test]
    async fn a_car_reads_back_however_it_is_cut() {
        for piece in [1, 7, 1000] {
            let sections = read(&car(), piece).await.unwrap();
            let blocks: Vec<&[u8]> = sections.iter().map(|(_, block)| &block[..]).collect();
            assert_eq!(blocks, [&b"one"[..], b""]);
            assert_eq!(sections[0].0, cid_of(b"one").to_cid());
        }
    }

    #[tokio::test]
    async fn a_car_that_is_cut_off_is_truncated() {
        let car = car();
        for end in [1, 30, 60, car.len() - 1] {
            assert!(matches!(read(&car[..end], 1000).await, Err(CarError::Truncated)), "{end}");
        }
    }

    #[tokio::test]
    async fn a_section_without_end_is_refused_before_it_is_read() {
        let mut bytes = header(&cid_of(b"")).to_vec();
        put_varint(&mut bytes, 1 << 40);
        assert!(matches!(read(&bytes, 1000).await, Err(CarError::Malformed)));
        assert!(matches!(read(&[0xff; 100], 1000).await, Err(CarError::Malformed)));
    }
}
