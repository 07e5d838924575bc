//! Where things stand in the project.

use std::path::{Path, PathBuf};

/// Any error that ends a command; the message is for the person at the terminal.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// The project's root folder.
pub(crate) fn root() -> &'static Path {
    // `xtask` is a direct child of the root.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// State of demos and set-up; git ignores it.
pub(crate) fn state_dir() -> PathBuf {
    root().join(".aiigo")
}

/// Where cargo puts what it builds: beside this very program.
pub(crate) fn bin_dir() -> Result<PathBuf, Error> {
    let own = std::env::current_exe()?;
    Ok(own.parent().ok_or("the running program has no folder")?.to_path_buf())
}
