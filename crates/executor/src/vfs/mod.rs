//! The program's private file system: a tree in memory whose files are the task's inputs, read-only, and numbered
//! scratch files.
//!
//! Nothing of the host shows through: names, order, identities and times are the tree's own, and no path of the program
//! is ever given to the host.

mod path;
mod quota;
mod tree;

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

pub(crate) use path::Place;

use crate::fault::{Errno, Fault, Stop};
use quota::Quota;

/// The root directory. Smaller numbers are taken by `.` and `..` in listings.
pub(crate) const ROOT: u64 = 3;

/// The file system of one run.
#[derive(Debug)]
pub(crate) struct Vfs {
    nodes: BTreeMap<u64, Node>,
    next: u64,
    quota: Quota,
    scratch: PathBuf,
}

#[derive(Debug)]
struct Node {
    content: Content,
    /// Whether a directory holds it; if not, it vanishes when nobody has it open.
    linked: bool,
    opens: u32,
    /// Whether the program made it, so that it counts against the quota.
    counted: bool,
}

#[derive(Debug)]
enum Content {
    Directory(BTreeMap<String, u64>),
    Input { host: PathBuf, size: u64 },
    Output { host: PathBuf, size: u64 },
}

/// What the program may know of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) node: u64,
    pub(crate) directory: bool,
    pub(crate) size: u64,
    pub(crate) links: u64,
}

/// A line of a directory listing.
#[derive(Debug)]
pub(crate) struct ListEntry {
    pub(crate) name: String,
    pub(crate) node: u64,
    pub(crate) directory: bool,
}

impl Vfs {
    /// An empty tree that keeps its files in `scratch`, an existing directory of its own, and at most `max_bytes` in them.
    pub(crate) fn new(scratch: PathBuf, max_bytes: u64) -> Self {
        let root = Node { content: Content::Directory(BTreeMap::new()), linked: true, opens: 1, counted: false };
        Self { nodes: BTreeMap::from([(ROOT, root)]), next: ROOT + 1, quota: Quota::new(max_bytes), scratch }
    }

    /// Bytes that the program keeps in its files now.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.quota.bytes()
    }

    /// Shows a file of the host to the program, read-only.
    pub(crate) fn add_input(&mut self, path: &str, host: &Path) -> Result<(), AddError> {
        let metadata = std::fs::metadata(host)?;
        if !metadata.is_file() {
            return Err(AddError::NotAFile);
        }
        let content = Content::Input { host: host.to_owned(), size: metadata.len() };
        self.place(path, content)
    }

    /// Makes sure that the directory of a declared output exists.
    pub(crate) fn add_parent_of(&mut self, path: &str) -> Result<(), AddError> {
        match path.rsplit_once('/') {
            Some((parent, _)) => self.directories(parent).map(|_| ()),
            None => Ok(()),
        }
    }

    fn place(&mut self, path: &str, content: Content) -> Result<(), AddError> {
        let (parent, name) = match path.rsplit_once('/') {
            Some((parent, name)) => (self.directories(parent)?, name),
            None => (ROOT, path),
        };
        check_component(name)?;
        if self.entries(parent).map_err(|_| AddError::BadPath)?.contains_key(name) {
            return Err(AddError::Taken);
        }
        self.insert(parent, name, content, false);
        Ok(())
    }

    fn directories(&mut self, path: &str) -> Result<u64, AddError> {
        let mut current = ROOT;
        for component in path.split('/') {
            check_component(component)?;
            let known = self.entries(current).map_err(|_| AddError::Taken)?.get(component).copied();
            current = match known {
                Some(node) => node,
                None => self.insert(current, component, Content::Directory(BTreeMap::new()), false),
            };
        }
        self.entries(current).map_err(|_| AddError::Taken)?;
        Ok(current)
    }

    /// The host's file behind an output that the program left at `path`, if it left one.
    pub(crate) fn output(&self, path: &str) -> Option<PathBuf> {
        let node = self.resolve(ROOT, path).ok()?.node?;
        match &self.nodes.get(&node)?.content {
            Content::Output { host, .. } => Some(host.clone()),
            Content::Directory(_) | Content::Input { .. } => None,
        }
    }

    /// What stands at a node.
    pub(crate) fn stat(&self, node: u64) -> Result<Stat, Errno> {
        let found = self.nodes.get(&node).ok_or(Errno::Noent)?;
        let (directory, size) = match &found.content {
            Content::Directory(_) => (true, 0),
            Content::Input { size, .. } | Content::Output { size, .. } => (false, *size),
        };
        Ok(Stat { node, directory, size, links: u64::from(found.linked) })
    }

    /// Opens the host's file behind a node; the caller closes with [`Vfs::close`].
    pub(crate) fn open(&mut self, node: u64, write: bool) -> Result<Option<File>, Fault> {
        let found = self.nodes.get_mut(&node).ok_or(Errno::Noent)?;
        let file = match &found.content {
            Content::Directory(_) => None,
            Content::Input { .. } if write => return Err(Errno::Rofs.into()),
            Content::Input { host, .. } => Some(File::open(host)?),
            Content::Output { host, .. } => Some(OpenOptions::new().read(true).write(true).open(host)?),
        };
        found.opens = found.opens.saturating_add(1);
        Ok(file)
    }

    /// Gives back what [`Vfs::open`] gave; an unlinked file goes with its last user.
    pub(crate) fn close(&mut self, node: u64) -> Result<(), Fault> {
        if let Some(found) = self.nodes.get_mut(&node) {
            found.opens = found.opens.saturating_sub(1);
        }
        self.collect(node)
    }

    /// Makes room for a write that ends at `end`, before it happens.
    pub(crate) fn reserve(&mut self, node: u64, end: u64) -> Result<(), Fault> {
        let Some(Node { content: Content::Output { size, .. }, .. }) = self.nodes.get_mut(&node) else {
            return Err(Errno::Rofs.into());
        };
        if end > *size {
            self.quota.take_bytes(end - *size)?;
            *size = end;
        }
        Ok(())
    }

    /// Cuts or extends a file.
    pub(crate) fn resize(&mut self, node: u64, length: u64) -> Result<(), Fault> {
        self.reserve(node, length)?;
        let Some(Node { content: Content::Output { host, size }, .. }) = self.nodes.get_mut(&node) else {
            return Err(Errno::Rofs.into());
        };
        OpenOptions::new().write(true).open(host)?.set_len(length)?;
        self.quota.give_bytes(*size - length);
        *size = length;
        Ok(())
    }

    /// Drops a node that nobody can reach any more, and its scratch file.
    fn collect(&mut self, node: u64) -> Result<(), Fault> {
        if !self.nodes.get(&node).is_some_and(|found| !found.linked && found.opens == 0) {
            return Ok(());
        }
        let Some(gone) = self.nodes.remove(&node) else { return Ok(()) };
        if gone.counted {
            self.quota.give_node();
        }
        if let Content::Output { host, size } = gone.content {
            std::fs::remove_file(host)?;
            self.quota.give_bytes(size);
        }
        Ok(())
    }
}

/// Why a file of the spec can't stand in the tree.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddError {
    #[error("the path must be relative, without `.`, `..` and empty components")]
    BadPath,
    #[error("something else already stands at this path")]
    Taken,
    #[error("it is not a regular file")]
    NotAFile,
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn check_component(component: &str) -> Result<(), AddError> {
    match component.is_empty() || component == "." || component == ".." || component.contains('\0') {
        true => Err(AddError::BadPath),
        false => Ok(()),
    }
}

impl From<AddError> for Fault {
    fn from(error: AddError) -> Self {
        Self::Stop(Stop::Host(io::Error::other(error)))
    }
}
