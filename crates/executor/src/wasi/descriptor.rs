//! The program's open files and directories.

use std::{collections::BTreeMap, fs::File};

use crate::{
    fault::{Errno, Fault},
    vfs::{ROOT, Vfs},
};

/// Descriptors that a program may hold: each file among them holds one of the host's.
const MAX_DESCRIPTORS: usize = 128;

/// What a descriptor stands for.
#[derive(Debug)]
pub(super) enum Descriptor {
    Stdin,
    Stdout,
    Stderr,
    Directory { node: u64 },
    File(OpenFile),
}

/// A file with a position.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) node: u64,
    pub(super) file: File,
    pub(super) position: u64,
    pub(super) append: bool,
    pub(super) read: bool,
    pub(super) write: bool,
}

/// Descriptors by number; the lowest free number is the next.
#[derive(Debug)]
pub(super) struct Table(BTreeMap<u32, Descriptor>);

/// The number of the root directory, where `libc` looks for it.
pub(super) const ROOT_FD: u32 = 3;

impl Table {
    pub(super) fn new() -> Self {
        Self(BTreeMap::from([
            (0, Descriptor::Stdin),
            (1, Descriptor::Stdout),
            (2, Descriptor::Stderr),
            (ROOT_FD, Descriptor::Directory { node: ROOT }),
        ]))
    }

    pub(super) fn contains(&self, fd: u32) -> bool {
        self.0.contains_key(&fd)
    }

    pub(super) fn get(&self, fd: u32) -> Result<&Descriptor, Errno> {
        self.0.get(&fd).ok_or(Errno::Badf)
    }

    /// A file, with a hint for those who seek in a pipe.
    pub(super) fn file(&mut self, fd: u32) -> Result<&mut OpenFile, Errno> {
        match self.0.get_mut(&fd).ok_or(Errno::Badf)? {
            Descriptor::File(file) => Ok(file),
            Descriptor::Directory { .. } => Err(Errno::Isdir),
            Descriptor::Stdin | Descriptor::Stdout | Descriptor::Stderr => Err(Errno::Spipe),
        }
    }

    pub(super) fn directory(&self, fd: u32) -> Result<u64, Errno> {
        match self.get(fd)? {
            Descriptor::Directory { node } => Ok(*node),
            _ => Err(Errno::Notdir),
        }
    }

    /// Makes sure that one more descriptor fits.
    pub(super) fn check_room(&self) -> Result<(), Errno> {
        if self.0.len() >= MAX_DESCRIPTORS { Err(Errno::Mfile) } else { Ok(()) }
    }

    pub(super) fn push(&mut self, descriptor: Descriptor) -> u32 {
        let mut free = 0;
        for fd in self.0.keys() {
            if *fd != free {
                break;
            }
            free += 1;
        }
        self.0.insert(free, descriptor);
        free
    }

    pub(super) fn close(&mut self, files: &mut Vfs, fd: u32) -> Result<(), Fault> {
        let gone = self.0.remove(&fd).ok_or(Errno::Badf)?;
        release(files, gone)
    }

    /// Gives a descriptor another number, closing what had it.
    pub(super) fn renumber(&mut self, files: &mut Vfs, from: u32, to: u32) -> Result<(), Fault> {
        if !self.contains(from) || !self.contains(to) {
            return Err(Errno::Badf.into());
        }
        if from == to {
            return Ok(());
        }
        let Some(moved) = self.0.remove(&from) else { return Ok(()) };
        match self.0.insert(to, moved) {
            Some(replaced) => release(files, replaced),
            None => Ok(()),
        }
    }
}

fn release(files: &mut Vfs, descriptor: Descriptor) -> Result<(), Fault> {
    match descriptor {
        Descriptor::File(OpenFile { node, file, .. }) => {
            drop(file);
            files.close(node)
        }
        Descriptor::Directory { node } => files.close(node),
        Descriptor::Stdin | Descriptor::Stdout | Descriptor::Stderr => Ok(()),
    }
}
