//! The engine's archives: what goes into a container and comes out of it travels as tar (POSIX.1-2001, ustar with PAX).
//!
//! No general unpacker is used: it would make links and devices, trust sizes and write where names say. Here an archive
//! is read entry by entry, and the caller decides by path and kind what of it is kept.

mod read;
mod write;

pub(super) use read::{TarError, TarReader};
pub(super) use write::{Header, append, padding, trailer};

/// Headers and contents are padded to it, bytes.
const BLOCK: usize = 512;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink,
    HardLink,
    /// Device, pipe, socket, or something unheard of.
    Special,
}

impl Kind {
    fn flag(self) -> u8 {
        match self {
            Self::File => b'0',
            Self::HardLink => b'1',
            Self::Symlink => b'2',
            Self::Special => b'6',
            Self::Directory => b'5',
        }
    }

    fn of_flag(flag: u8) -> Self {
        match flag {
            b'0' | 0 => Self::File,
            b'1' => Self::HardLink,
            b'2' => Self::Symlink,
            b'5' => Self::Directory,
            _ => Self::Special,
        }
    }

    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Directory => "a directory",
            Self::Symlink => "a symbolic link",
            Self::HardLink => "a hard link",
            Self::Special => "a device, pipe or socket",
        }
    }
}

/// The checksum of a header: the sum of its bytes, its own field taken as spaces.
fn checksum(header: &[u8; BLOCK]) -> u64 {
    header.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) }).sum()
}

#[cfg(test)]
mod tests;
