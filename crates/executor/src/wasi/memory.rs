//! Reading and writing the program's memory: every access is checked against its bounds.

use crate::fault::{Errno, Fault};

/// Buffers that one call may name.
const MAX_BUFFERS: u32 = 1024;
/// Bytes that one call moves at most, so that no call takes long; a short count tells the program to go on.
pub(super) const MAX_TRANSFER: usize = 16 << 20;

/// The program's linear memory during a call.
pub(crate) struct Memory<'a>(pub(super) &'a mut [u8]);

/// A range of the memory, within bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buffer {
    start: usize,
    length: usize,
}

impl Buffer {
    pub(super) fn len(self) -> usize {
        self.length
    }
}

impl Memory<'_> {
    /// A range given by the program.
    pub(super) fn buffer(&self, start: u32, length: u32) -> Result<Buffer, Errno> {
        let (start, length) = (start as usize, length as usize);
        match start.checked_add(length) {
            Some(end) if end <= self.0.len() => Ok(Buffer { start, length }),
            _ => Err(Errno::Fault),
        }
    }

    /// The bytes of a buffer.
    pub(super) fn bytes(&self, buffer: Buffer) -> &[u8] {
        &self.0[buffer.start..buffer.start + buffer.length]
    }

    /// The bytes of a buffer, to be written.
    pub(super) fn bytes_mut(&mut self, buffer: Buffer) -> &mut [u8] {
        &mut self.0[buffer.start..buffer.start + buffer.length]
    }

    /// A vector of buffers (`iovec`s), cut off at the largest transfer of one call.
    pub(super) fn buffers(&self, vector: u32, count: u32) -> Result<Vec<Buffer>, Errno> {
        if count > MAX_BUFFERS {
            return Err(Errno::Inval);
        }
        let mut room = MAX_TRANSFER;
        let mut buffers = Vec::with_capacity(count as usize);
        for index in 0..count {
            let entry = vector.checked_add(index * 8).ok_or(Errno::Fault)?;
            let mut buffer = self.buffer(self.read_u32(entry)?, self.read_u32(offset(entry, 4)?)?)?;
            buffer.length = buffer.length.min(room);
            room -= buffer.length;
            buffers.push(buffer);
        }
        Ok(buffers)
    }

    /// A text of the program, as paths are.
    pub(super) fn text(&self, start: u32, length: u32) -> Result<String, Errno> {
        let buffer = self.buffer(start, length)?;
        if buffer.length > MAX_TRANSFER {
            return Err(Errno::Nametoolong);
        }
        std::str::from_utf8(self.bytes(buffer)).map(str::to_owned).map_err(|_| Errno::Ilseq)
    }

    pub(super) fn read_u32(&self, at: u32) -> Result<u32, Errno> {
        Ok(u32::from_le_bytes(self.array(at)?))
    }

    pub(super) fn read_u64(&self, at: u32) -> Result<u64, Errno> {
        Ok(u64::from_le_bytes(self.array(at)?))
    }

    pub(super) fn read_u16(&self, at: u32) -> Result<u16, Errno> {
        Ok(u16::from_le_bytes(self.array(at)?))
    }

    pub(super) fn read_u8(&self, at: u32) -> Result<u8, Errno> {
        self.array::<1>(at).map(|[byte]| byte)
    }

    pub(super) fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), Errno> {
        let length = u32::try_from(bytes.len()).map_err(|_| Errno::Overflow)?;
        let buffer = self.buffer(at, length)?;
        self.bytes_mut(buffer).copy_from_slice(bytes);
        Ok(())
    }

    pub(super) fn write_u32(&mut self, at: u32, value: u32) -> Result<(), Errno> {
        self.write(at, &value.to_le_bytes())
    }

    pub(super) fn write_u64(&mut self, at: u32, value: u64) -> Result<(), Errno> {
        self.write(at, &value.to_le_bytes())
    }

    /// Writes strings one after the other and the address of each into a vector, as `argv` and `environ` want it.
    pub(super) fn write_strings(&mut self, vector: u32, text: u32, strings: &[Vec<u8>]) -> Result<(), Fault> {
        let (mut slot, mut next) = (vector, text);
        for string in strings {
            self.write_u32(slot, next)?;
            self.write(next, string)?;
            slot = offset(slot, 4)?;
            next = offset(next, u32::try_from(string.len()).map_err(|_| Errno::Overflow)?)?;
        }
        Ok(())
    }

    fn array<const N: usize>(&self, at: u32) -> Result<[u8; N], Errno> {
        let buffer = self.buffer(at, N as u32)?;
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(buffer));
        Ok(array)
    }
}

/// An address further on; an address space that wraps around is an error of the program.
pub(super) fn offset(at: u32, by: u32) -> Result<u32, Errno> {
    at.checked_add(by).ok_or(Errno::Fault)
}
