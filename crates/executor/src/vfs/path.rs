//! From a directory and a path of the program to a place in the tree.

use super::Vfs;
use crate::fault::Errno;

const MAX_PATH_BYTES: usize = 4096;
const MAX_NAME_BYTES: usize = 255;

/// Where a path leads.
#[derive(Debug)]
pub(crate) struct Place {
    /// The directory that holds, or would hold, the last component.
    pub(crate) parent: u64,
    /// The last component; none if the path names `parent` itself.
    pub(crate) name: Option<String>,
    /// What stands there.
    pub(crate) node: Option<u64>,
    /// The path ends in a slash: only a directory will do.
    pub(crate) wants_directory: bool,
}

impl Place {
    /// The node, which must exist.
    pub(crate) fn existing(&self) -> Result<u64, Errno> {
        self.node.ok_or(Errno::Noent)
    }

    /// The name of an entry that may be created, removed or renamed: not the directory itself.
    pub(crate) fn entry_name(&self) -> Result<&str, Errno> {
        self.name.as_deref().ok_or(Errno::Inval)
    }
}

impl Vfs {
    /// Resolves a path relative to a directory; it can't leave that directory.
    pub(crate) fn resolve(&self, directory: u64, path: &str) -> Result<Place, Errno> {
        if path.is_empty() {
            return Err(Errno::Noent);
        }
        if path.starts_with('/') {
            return Err(Errno::Perm);
        }
        if path.len() > MAX_PATH_BYTES {
            return Err(Errno::Nametoolong);
        }
        if path.contains('\0') {
            return Err(Errno::Inval);
        }
        let wants_directory = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
        let mut above = Vec::new();
        let mut current = directory;
        let mut components = path.split('/').filter(|part| !part.is_empty() && *part != ".").peekable();
        while let Some(component) = components.next() {
            if component == ".." {
                current = above.pop().ok_or(Errno::Perm)?;
                continue;
            }
            if component.len() > MAX_NAME_BYTES {
                return Err(Errno::Nametoolong);
            }
            let node = self.entries(current)?.get(component).copied();
            if components.peek().is_none() {
                return Ok(Place { parent: current, name: Some(component.to_owned()), node, wants_directory });
            }
            let next = node.ok_or(Errno::Noent)?;
            self.entries(next)?;
            above.push(current);
            current = next;
        }
        Ok(Place { parent: current, name: None, node: Some(current), wants_directory: true })
    }
}
