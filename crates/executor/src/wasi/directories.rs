//! Calls on paths and directories.

use super::{
    Host,
    descriptor::{Descriptor, OpenFile, ROOT_FD},
    files::{TYPE_DIRECTORY, TYPE_FILE, write_stat},
    memory::Memory,
};
use crate::{
    fault::{Errno, Fault},
    vfs::{ListEntry, Place},
};

type Done = Result<(), Fault>;

/// The name of the only directory that is there from the start.
const ROOT_NAME: &[u8] = b"/";

const OPEN_CREATE: u32 = 1;
const OPEN_DIRECTORY: u32 = 2;
const OPEN_EXCLUSIVE: u32 = 4;
const OPEN_TRUNCATE: u32 = 8;
const FD_APPEND: u32 = 1;
const RIGHT_READ: u64 = 1 << 1;
const RIGHT_WRITE: u64 = 1 << 6;

/// Fuel for looking at one entry of a directory.
const LOOK_COST: usize = 50;
/// Fuel for making sure that a directory does not move below itself.
const RENAME_COST: usize = 10_000;

const DIRENT_BYTES: usize = 24;
/// Cookies of a listing: after `.`, after `..`; an entry's cookie is its node.
const AFTER_DOT: u64 = 1;
const AFTER_DOT_DOT: u64 = 2;

fn resolve(host: &Host, memory: &Memory<'_>, fd: u32, path: u32, length: u32) -> Result<Place, Fault> {
    let directory = host.descriptors.directory(fd)?;
    let path = memory.text(path, length)?;
    Ok(host.files.resolve(directory, &path)?)
}

pub(super) fn fd_prestat_get(host: &mut Host, memory: &mut Memory<'_>, fd: u32, out: u32) -> Done {
    if fd != ROOT_FD {
        return Err(Errno::Badf.into());
    }
    host.descriptors.directory(fd)?;
    memory.write_u32(out, 0)?;
    Ok(memory.write_u32(super::memory::offset(out, 4)?, ROOT_NAME.len() as u32)?)
}

pub(super) fn fd_prestat_dir_name(host: &mut Host, memory: &mut Memory<'_>, fd: u32, out: u32, length: u32) -> Done {
    if fd != ROOT_FD {
        return Err(Errno::Badf.into());
    }
    host.descriptors.directory(fd)?;
    if (length as usize) < ROOT_NAME.len() {
        return Err(Errno::Nametoolong.into());
    }
    Ok(memory.write(out, ROOT_NAME)?)
}

pub(super) fn path_open(
    host: &mut Host,
    memory: &mut Memory<'_>,
    fd: u32,
    _lookup: u32,
    path: u32,
    length: u32,
    flags: u32,
    base: u64,
    _inheriting: u64,
    fdflags: u32,
    out: u32,
) -> Done {
    let place = resolve(host, memory, fd, path, length)?;
    host.descriptors.check_room()?;
    let (read, write) = (base & RIGHT_READ != 0, base & RIGHT_WRITE != 0);
    let node = match place.node {
        Some(_) if flags & OPEN_CREATE != 0 && flags & OPEN_EXCLUSIVE != 0 => return Err(Errno::Exist.into()),
        Some(node) => node,
        None if flags & OPEN_CREATE == 0 => return Err(Errno::Noent.into()),
        None if flags & OPEN_DIRECTORY != 0 => return Err(Errno::Inval.into()),
        None => host.files.create_file(&place)?,
    };
    let directory = host.files.stat(node)?.directory;
    if !directory && (place.wants_directory || flags & OPEN_DIRECTORY != 0) {
        return Err(Errno::Notdir.into());
    }
    if directory && (flags & OPEN_TRUNCATE != 0 || (write && flags & OPEN_DIRECTORY == 0)) {
        return Err(Errno::Isdir.into());
    }
    if flags & OPEN_TRUNCATE != 0 {
        host.files.resize(node, 0)?;
    }
    let descriptor = match host.files.open(node, write && !directory)? {
        None => Descriptor::Directory { node },
        Some(file) => {
            let append = fdflags & FD_APPEND != 0;
            Descriptor::File(OpenFile { node, file, position: 0, append, read, write })
        }
    };
    let opened = host.descriptors.push(descriptor);
    Ok(memory.write_u32(out, opened)?)
}

pub(super) fn fd_readdir(
    host: &mut Host,
    memory: &mut Memory<'_>,
    fd: u32,
    out: u32,
    length: u32,
    cookie: u64,
    used: u32,
) -> Done {
    let directory = host.descriptors.directory(fd)?;
    let buffer = memory.buffer(out, length)?;
    let mut listing = Vec::new();
    if cookie < AFTER_DOT {
        push_entry(&mut listing, AFTER_DOT, &ListEntry { name: ".".into(), node: directory, directory: true });
    }
    if cookie < AFTER_DOT_DOT {
        push_entry(&mut listing, AFTER_DOT_DOT, &ListEntry { name: "..".into(), node: directory, directory: true });
    }
    let entries = host.files.list(directory)?;
    host.count(entries.len() * LOOK_COST);
    for entry in entries.iter().filter(|entry| entry.node > cookie) {
        if listing.len() >= buffer.len() {
            break;
        }
        push_entry(&mut listing, entry.node, entry);
    }
    // A full buffer with a cut entry tells the program to come back with the last whole entry's cookie.
    let count = listing.len().min(buffer.len());
    memory.bytes_mut(buffer)[..count].copy_from_slice(&listing[..count]);
    host.count(count);
    Ok(memory.write_u32(used, u32::try_from(count).map_err(|_| Errno::Overflow)?)?)
}

fn push_entry(listing: &mut Vec<u8>, next: u64, entry: &ListEntry) {
    let mut header = [0; DIRENT_BYTES];
    header[..8].copy_from_slice(&next.to_le_bytes());
    header[8..16].copy_from_slice(&entry.node.to_le_bytes());
    // A name has at most 255 bytes.
    header[16..20].copy_from_slice(&(entry.name.len() as u32).to_le_bytes());
    header[20] = if entry.directory { TYPE_DIRECTORY } else { TYPE_FILE };
    listing.extend_from_slice(&header);
    listing.extend_from_slice(entry.name.as_bytes());
}

pub(super) fn path_create_directory(host: &mut Host, memory: &mut Memory<'_>, fd: u32, path: u32, length: u32) -> Done {
    let place = resolve(host, memory, fd, path, length)?;
    host.files.create_directory(&place)
}

pub(super) fn path_filestat_get(
    host: &mut Host,
    memory: &mut Memory<'_>,
    fd: u32,
    _flags: u32,
    path: u32,
    length: u32,
    out: u32,
) -> Done {
    let place = resolve(host, memory, fd, path, length)?;
    let stat = host.files.stat(place.existing()?)?;
    if place.wants_directory && !stat.directory {
        return Err(Errno::Notdir.into());
    }
    write_stat(memory, out, stat)
}

pub(super) fn path_filestat_set_times(
    host: &mut Host,
    memory: &mut Memory<'_>,
    fd: u32,
    _flags: u32,
    path: u32,
    length: u32,
    _accessed: u64,
    _modified: u64,
    _which: u32,
) -> Done {
    resolve(host, memory, fd, path, length)?.existing()?;
    Ok(())
}

pub(super) fn path_rename(
    host: &mut Host,
    memory: &mut Memory<'_>,
    fd: u32,
    old: u32,
    old_length: u32,
    new_fd: u32,
    new: u32,
    new_length: u32,
) -> Done {
    let from = resolve(host, memory, fd, old, old_length)?;
    let to = resolve(host, memory, new_fd, new, new_length)?;
    host.count(RENAME_COST);
    host.files.rename(&from, &to)
}

pub(super) fn path_unlink_file(host: &mut Host, memory: &mut Memory<'_>, fd: u32, path: u32, length: u32) -> Done {
    let place = resolve(host, memory, fd, path, length)?;
    host.files.unlink_file(&place)
}

pub(super) fn path_remove_directory(host: &mut Host, memory: &mut Memory<'_>, fd: u32, path: u32, length: u32) -> Done {
    let place = resolve(host, memory, fd, path, length)?;
    host.files.remove_directory(&place)
}

/// There are no links.
pub(super) fn path_link(
    _: &mut Host,
    _: &mut Memory<'_>,
    _old_fd: u32,
    _flags: u32,
    _old: u32,
    _old_length: u32,
    _new_fd: u32,
    _new: u32,
    _new_length: u32,
) -> Done {
    Err(Errno::Perm.into())
}

/// There are no links.
pub(super) fn path_symlink(
    _: &mut Host,
    _: &mut Memory<'_>,
    _old: u32,
    _old_length: u32,
    _fd: u32,
    _new: u32,
    _new_length: u32,
) -> Done {
    Err(Errno::Perm.into())
}

/// There are no links: what exists is none.
pub(super) fn path_readlink(
    host: &mut Host,
    memory: &mut Memory<'_>,
    fd: u32,
    path: u32,
    length: u32,
    _out: u32,
    _room: u32,
    _used: u32,
) -> Done {
    resolve(host, memory, fd, path, length)?.existing()?;
    Err(Errno::Inval.into())
}
