//! Where anvil and forge are.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::error::DevnetError;

/// Finds a Foundry tool: the project's own from npm, else the machine's.
///
/// npm's launcher is a Node.js script with the real program as its child, which would survive a killed launcher; so
/// the platform's package is asked directly.
///
/// # Errors
/// If it is nowhere; the error says how to get it.
pub fn find_tool(tool: &'static str, project_root: &Path) -> Result<PathBuf, DevnetError> {
    let modules = project_root.join("node_modules");
    let local = modules.join("@foundry-rs").join(format!("{tool}-{}", platform())).join("bin").join(tool);
    if local.is_file() {
        return Ok(local);
    }
    env::var_os("PATH")
        .iter()
        .flat_map(env::split_paths)
        .map(|folder| folder.join(tool))
        .find(|path| path.is_file())
        .ok_or(DevnetError::ToolMissing { tool, modules })
}

/// The platform as the npm packages of Foundry are named.
fn platform() -> String {
    let system = match env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let processor = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}-{processor}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_says_how_to_get_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let error = find_tool("no-such-tool", dir.path()).expect_err("it is nowhere").to_string();
        assert!(error.contains("cargo xtask setup"), "{error}");
    }
}
