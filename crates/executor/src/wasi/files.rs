//! Calls on descriptors: reading, writing, seeking, sizes.

use std::io::{Read, Seek, SeekFrom, Write};

use super::{
    Host,
    descriptor::Descriptor,
    memory::{Buffer, Memory},
};
use crate::{
    fault::{Errno, Fault},
    vfs::Stat,
};

type Done = Result<(), Fault>;

/// All rights of the specification; what a descriptor can really do is decided at each call.
const ALL_RIGHTS: u64 = (1 << 30) - 1;
const RIGHT_READ: u64 = 1 << 1;
const RIGHT_SEEK: u64 = 1 << 2;
const RIGHT_TELL: u64 = 1 << 5;
const RIGHT_WRITE: u64 = 1 << 6;
const FLAG_APPEND: u16 = 1;

const TYPE_UNKNOWN: u8 = 0;
pub(super) const TYPE_DIRECTORY: u8 = 3;
pub(super) const TYPE_FILE: u8 = 4;

/// Where a read or write happens.
enum At {
    Position,
    Offset(u64),
}

pub(super) fn fd_read(host: &mut Host, memory: &mut Memory<'_>, fd: u32, vector: u32, count: u32, out: u32) -> Done {
    if matches!(host.descriptors.get(fd)?, Descriptor::Stdin) {
        memory.buffers(vector, count)?;
        return Ok(memory.write_u32(out, 0)?);
    }
    read(host, memory, fd, vector, count, At::Position, out)
}

pub(super) fn fd_pread(
    host: &mut Host,
    memory: &mut Memory<'_>,
    fd: u32,
    vector: u32,
    count: u32,
    at: u64,
    out: u32,
) -> Done {
    read(host, memory, fd, vector, count, At::Offset(at), out)
}

fn read(host: &mut Host, memory: &mut Memory<'_>, fd: u32, vector: u32, count: u32, at: At, out: u32) -> Done {
    let buffers = memory.buffers(vector, count)?;
    let open = host.descriptors.file(fd).map_err(not_for_stdio)?;
    if !open.read {
        return Err(Errno::Badf.into());
    }
    let start = match at {
        At::Position => open.position,
        At::Offset(offset) => offset,
    };
    open.file.seek(SeekFrom::Start(valid_position(start)?))?;
    let mut total = 0;
    'buffers: for buffer in buffers {
        let mut rest = memory.bytes_mut(buffer);
        while !rest.is_empty() {
            let count = open.file.read(rest)?;
            if count == 0 {
                break 'buffers;
            }
            total += count;
            rest = &mut rest[count..];
        }
    }
    if matches!(at, At::Position) {
        open.position = start + total as u64;
    }
    finish(host, memory, total, out)
}

pub(super) fn fd_write(host: &mut Host, memory: &mut Memory<'_>, fd: u32, vector: u32, count: u32, out: u32) -> Done {
    let stream = match host.descriptors.get(fd)? {
        Descriptor::Stdout => &mut host.stdout,
        Descriptor::Stderr => &mut host.stderr,
        _ => return write(host, memory, fd, vector, count, At::Position, out),
    };
    let buffers = memory.buffers(vector, count)?;
    buffers.iter().for_each(|buffer| stream.push(memory.bytes(*buffer)));
    finish(host, memory, length(&buffers), out)
}

pub(super) fn fd_pwrite(
    host: &mut Host,
    memory: &mut Memory<'_>,
    fd: u32,
    vector: u32,
    count: u32,
    at: u64,
    out: u32,
) -> Done {
    write(host, memory, fd, vector, count, At::Offset(at), out)
}

fn write(host: &mut Host, memory: &mut Memory<'_>, fd: u32, vector: u32, count: u32, at: At, out: u32) -> Done {
    let buffers = memory.buffers(vector, count)?;
    let total = length(&buffers);
    let open = host.descriptors.file(fd).map_err(not_for_stdio)?;
    if !open.write {
        return Err(Errno::Badf.into());
    }
    let start = match at {
        _ if open.append => host.files.stat(open.node)?.size,
        At::Position => open.position,
        At::Offset(offset) => offset,
    };
    let end = start.checked_add(total as u64).ok_or(Errno::Overflow)?;
    if total > 0 {
        host.files.reserve(open.node, end)?;
        open.file.seek(SeekFrom::Start(valid_position(start)?))?;
        for buffer in buffers {
            open.file.write_all(memory.bytes(buffer))?;
        }
    }
    if matches!(at, At::Position) {
        open.position = end;
    }
    finish(host, memory, total, out)
}

fn length(buffers: &[Buffer]) -> usize {
    buffers.iter().map(|buffer| buffer.len()).sum()
}

/// Reports how many bytes a call moved.
fn finish(host: &mut Host, memory: &mut Memory<'_>, moved: usize, out: u32) -> Done {
    host.count(moved);
    Ok(memory.write_u32(out, u32::try_from(moved).map_err(|_| Errno::Overflow)?)?)
}

/// Reading standard output, writing standard input: a wrong descriptor rather than a pipe that can't seek.
fn not_for_stdio(errno: Errno) -> Errno {
    if errno == Errno::Spipe { Errno::Badf } else { errno }
}

fn valid_position(position: u64) -> Result<u64, Errno> {
    if i64::try_from(position).is_ok() { Ok(position) } else { Err(Errno::Inval) }
}

pub(super) fn fd_seek(host: &mut Host, memory: &mut Memory<'_>, fd: u32, delta: i64, whence: u32, out: u32) -> Done {
    let open = host.descriptors.file(fd)?;
    let from = match whence {
        0 => 0,
        1 => open.position,
        2 => host.files.stat(open.node)?.size,
        _ => return Err(Errno::Inval.into()),
    };
    let position = valid_position(from.checked_add_signed(delta).ok_or(Errno::Inval)?)?;
    open.position = position;
    Ok(memory.write_u64(out, position)?)
}

pub(super) fn fd_tell(host: &mut Host, memory: &mut Memory<'_>, fd: u32, out: u32) -> Done {
    let position = host.descriptors.file(fd)?.position;
    Ok(memory.write_u64(out, position)?)
}

pub(super) fn fd_close(host: &mut Host, _: &mut Memory<'_>, fd: u32) -> Done {
    host.descriptors.close(&mut host.files, fd)
}

pub(super) fn fd_renumber(host: &mut Host, _: &mut Memory<'_>, from: u32, to: u32) -> Done {
    host.descriptors.renumber(&mut host.files, from, to)
}

pub(super) fn fd_advise(host: &mut Host, _: &mut Memory<'_>, fd: u32, _start: u64, _length: u64, _advice: u32) -> Done {
    host.descriptors.file(fd)?;
    Ok(())
}

/// Extends a file, never cuts it.
pub(super) fn fd_allocate(host: &mut Host, _: &mut Memory<'_>, fd: u32, start: u64, length: u64) -> Done {
    let open = host.descriptors.file(fd)?;
    if !open.write {
        return Err(Errno::Badf.into());
    }
    let end = valid_position(start.checked_add(length).ok_or(Errno::Inval)?)?;
    let node = open.node;
    if end > host.files.stat(node)?.size {
        host.files.resize(node, end)?;
    }
    Ok(())
}

pub(super) fn fd_filestat_set_size(host: &mut Host, _: &mut Memory<'_>, fd: u32, size: u64) -> Done {
    let open = host.descriptors.file(fd)?;
    if !open.write {
        return Err(Errno::Badf.into());
    }
    let node = open.node;
    host.files.resize(node, valid_position(size)?)
}

pub(super) fn fd_datasync(host: &mut Host, memory: &mut Memory<'_>, fd: u32) -> Done {
    fd_sync(host, memory, fd)
}

/// Nothing to do: the files are read back by the process that wrote them.
pub(super) fn fd_sync(host: &mut Host, _: &mut Memory<'_>, fd: u32) -> Done {
    host.descriptors.get(fd)?;
    Ok(())
}

pub(super) fn fd_fdstat_get(host: &mut Host, memory: &mut Memory<'_>, fd: u32, out: u32) -> Done {
    let (kind, flags, base) = match host.descriptors.get(fd)? {
        Descriptor::Stdin => (TYPE_UNKNOWN, 0, ALL_RIGHTS & !(RIGHT_SEEK | RIGHT_TELL | RIGHT_WRITE)),
        Descriptor::Stdout | Descriptor::Stderr => {
            (TYPE_UNKNOWN, 0, ALL_RIGHTS & !(RIGHT_SEEK | RIGHT_TELL | RIGHT_READ))
        }
        Descriptor::Directory { .. } => (TYPE_DIRECTORY, 0, ALL_RIGHTS),
        Descriptor::File(open) => {
            let unreadable = if open.read { 0 } else { RIGHT_READ };
            let unwritable = if open.write { 0 } else { RIGHT_WRITE };
            (TYPE_FILE, u16::from(open.append) * FLAG_APPEND, ALL_RIGHTS & !(unreadable | unwritable))
        }
    };
    let mut stat = [0; 24];
    stat[0] = kind;
    stat[2..4].copy_from_slice(&flags.to_le_bytes());
    stat[8..16].copy_from_slice(&base.to_le_bytes());
    stat[16..24].copy_from_slice(&ALL_RIGHTS.to_le_bytes());
    Ok(memory.write(out, &stat)?)
}

pub(super) fn fd_fdstat_set_flags(host: &mut Host, _: &mut Memory<'_>, fd: u32, flags: u32) -> Done {
    match host.descriptors.get(fd)? {
        Descriptor::File(_) => host.descriptors.file(fd)?.append = flags & u32::from(FLAG_APPEND) != 0,
        Descriptor::Stdin | Descriptor::Stdout | Descriptor::Stderr | Descriptor::Directory { .. } => {}
    }
    Ok(())
}

pub(super) fn fd_fdstat_set_rights(_: &mut Host, _: &mut Memory<'_>, _fd: u32, _base: u64, _inheriting: u64) -> Done {
    Err(Errno::Notsup.into())
}

pub(super) fn fd_filestat_get(host: &mut Host, memory: &mut Memory<'_>, fd: u32, out: u32) -> Done {
    let stat = match host.descriptors.get(fd)? {
        Descriptor::Directory { node } => host.files.stat(*node)?,
        Descriptor::File(open) => host.files.stat(open.node)?,
        Descriptor::Stdin | Descriptor::Stdout | Descriptor::Stderr => return Ok(memory.write(out, &[0; 64])?),
    };
    write_stat(memory, out, stat)
}

/// Times do not exist here: accepted and forgotten.
pub(super) fn fd_filestat_set_times(
    host: &mut Host,
    _: &mut Memory<'_>,
    fd: u32,
    _accessed: u64,
    _modified: u64,
    _flags: u32,
) -> Done {
    host.descriptors.get(fd)?;
    Ok(())
}

/// The 64 bytes of a `filestat`; device and times are zero.
pub(super) fn write_stat(memory: &mut Memory<'_>, out: u32, stat: Stat) -> Done {
    let mut bytes = [0; 64];
    bytes[8..16].copy_from_slice(&stat.node.to_le_bytes());
    bytes[16] = if stat.directory { TYPE_DIRECTORY } else { TYPE_FILE };
    bytes[24..32].copy_from_slice(&stat.links.to_le_bytes());
    bytes[32..40].copy_from_slice(&stat.size.to_le_bytes());
    Ok(memory.write(out, &bytes)?)
}
