//! Directories: listing, creating, removing, renaming.

use std::{collections::BTreeMap, fs::OpenOptions};

use super::{Content, ListEntry, Node, Place, Vfs};
use crate::fault::{Errno, Fault};

impl Vfs {
    /// The entries of a directory.
    pub(crate) fn entries(&self, node: u64) -> Result<&BTreeMap<String, u64>, Errno> {
        match self.nodes.get(&node).map(|found| &found.content) {
            Some(Content::Directory(entries)) => Ok(entries),
            Some(_) => Err(Errno::Notdir),
            None => Err(Errno::Noent),
        }
    }

    /// The entries in an order that removals do not disturb: by node, that is by age.
    pub(crate) fn list(&self, directory: u64) -> Result<Vec<ListEntry>, Errno> {
        let mut list: Vec<_> = self
            .entries(directory)?
            .iter()
            .map(|(name, node)| ListEntry { name: name.clone(), node: *node, directory: self.entries(*node).is_ok() })
            .collect();
        list.sort_by_key(|entry| entry.node);
        Ok(list)
    }

    /// Creates an empty file at a free place.
    pub(crate) fn create_file(&mut self, place: &Place) -> Result<u64, Fault> {
        self.check_free(place)?;
        if place.wants_directory {
            return Err(Errno::Isdir.into());
        }
        let name = place.entry_name()?;
        self.quota.take_node()?;
        let host = self.scratch.join(self.next.to_string());
        OpenOptions::new().write(true).create_new(true).open(&host)?;
        Ok(self.insert(place.parent, name, Content::Output { host, size: 0 }, true))
    }

    /// Creates an empty directory at a free place.
    pub(crate) fn create_directory(&mut self, place: &Place) -> Result<(), Fault> {
        self.check_free(place)?;
        let name = place.entry_name()?;
        self.quota.take_node()?;
        self.insert(place.parent, name, Content::Directory(BTreeMap::new()), true);
        Ok(())
    }

    /// Removes a file; who has it open keeps it.
    pub(crate) fn unlink_file(&mut self, place: &Place) -> Result<(), Fault> {
        let node = place.existing()?;
        match self.content(node)? {
            Content::Directory(_) => Err(Errno::Isdir.into()),
            Content::Input { .. } => Err(Errno::Rofs.into()),
            Content::Output { .. } if place.wants_directory => Err(Errno::Notdir.into()),
            Content::Output { .. } => self.detach(place.parent, place.entry_name()?, node),
        }
    }

    /// Removes an empty directory.
    pub(crate) fn remove_directory(&mut self, place: &Place) -> Result<(), Fault> {
        let node = place.existing()?;
        let name = place.entry_name()?;
        if !self.entries(node)?.is_empty() {
            return Err(Errno::Notempty.into());
        }
        self.detach(place.parent, name, node)
    }

    /// Moves a node, replacing a file by a file or an empty directory by a directory.
    pub(crate) fn rename(&mut self, from: &Place, to: &Place) -> Result<(), Fault> {
        let node = from.existing()?;
        let (from_name, to_name) = (from.entry_name()?, to.entry_name()?);
        let moves_directory = match self.content(node)? {
            Content::Input { .. } => return Err(Errno::Rofs.into()),
            Content::Directory(_) if self.holds_input(node) => return Err(Errno::Rofs.into()),
            Content::Directory(_) if self.contains(node, to.parent) => return Err(Errno::Inval.into()),
            Content::Directory(_) => true,
            Content::Output { .. } if from.wants_directory || to.wants_directory => return Err(Errno::Notdir.into()),
            Content::Output { .. } => false,
        };
        if !self.is_linked(to.parent) {
            return Err(Errno::Noent.into());
        }
        match to.node {
            Some(same) if same == node => return Ok(()),
            Some(replaced) => match self.content(replaced)? {
                Content::Input { .. } => return Err(Errno::Rofs.into()),
                Content::Directory(_) if !moves_directory => return Err(Errno::Isdir.into()),
                Content::Output { .. } if moves_directory => return Err(Errno::Notdir.into()),
                Content::Directory(_) => self.remove_directory(to)?,
                Content::Output { .. } => self.unlink_file(to)?,
            },
            None => {}
        }
        self.entries_mut(from.parent)?.remove(from_name);
        self.entries_mut(to.parent)?.insert(to_name.to_owned(), node);
        Ok(())
    }

    /// Adds a node under a name that is free.
    pub(super) fn insert(&mut self, parent: u64, name: &str, content: Content, counted: bool) -> u64 {
        let node = self.next;
        self.next += 1;
        self.nodes.insert(node, Node { content, linked: true, opens: 0, counted });
        if let Ok(entries) = self.entries_mut(parent) {
            entries.insert(name.to_owned(), node);
        }
        node
    }

    fn detach(&mut self, parent: u64, name: &str, node: u64) -> Result<(), Fault> {
        self.entries_mut(parent)?.remove(name);
        if let Some(found) = self.nodes.get_mut(&node) {
            found.linked = false;
        }
        self.collect(node)
    }

    fn check_free(&self, place: &Place) -> Result<(), Errno> {
        match place.node {
            Some(_) => Err(Errno::Exist),
            None if self.is_linked(place.parent) => Ok(()),
            None => Err(Errno::Noent),
        }
    }

    fn is_linked(&self, node: u64) -> bool {
        self.nodes.get(&node).is_some_and(|found| found.linked)
    }

    fn content(&self, node: u64) -> Result<&Content, Errno> {
        self.nodes.get(&node).map(|found| &found.content).ok_or(Errno::Noent)
    }

    fn entries_mut(&mut self, node: u64) -> Result<&mut BTreeMap<String, u64>, Errno> {
        match self.nodes.get_mut(&node).map(|found| &mut found.content) {
            Some(Content::Directory(entries)) => Ok(entries),
            Some(_) => Err(Errno::Notdir),
            None => Err(Errno::Noent),
        }
    }

    /// Whether `node` is `directory` or stands below it.
    fn contains(&self, directory: u64, node: u64) -> bool {
        self.below(directory).any(|found| found == node)
    }

    fn holds_input(&self, directory: u64) -> bool {
        self.below(directory).any(|node| matches!(self.content(node), Ok(Content::Input { .. })))
    }

    /// A node and everything below it.
    fn below(&self, node: u64) -> impl Iterator<Item = u64> + '_ {
        let mut pending = vec![node];
        std::iter::from_fn(move || {
            let next = pending.pop()?;
            if let Ok(entries) = self.entries(next) {
                pending.extend(entries.values());
            }
            Some(next)
        })
    }
}
