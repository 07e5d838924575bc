//! The folder with a job's results: all of it appears at once, or nothing.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use aiigo_protocol::TaskId;
use aiigo_task::{GuestPath, ResultManifest};
use tempfile::TempDir;

use crate::error::{CliError, Context};

/// Subfolder for what is not an output: the manifest, stdout, stderr. Jobs can't have outputs in it.
pub(crate) const OWN_FOLDER: &str = ".aiigo";
const MANIFEST: &str = "manifest.json";

/// Results that are being put together beside their final place.
#[derive(Debug)]
pub(crate) struct Results {
    target: PathBuf,
    aside: TempDir,
}

impl Results {
    /// Begins a folder that will be `target`.
    ///
    /// # Errors
    /// If something else is there already.
    pub(crate) fn begin(target: &Path, task: TaskId) -> Result<Self, CliError> {
        let target = std::path::absolute(target).context(|| format!("finding {}", target.display()))?;
        if !is_free(&target, task).context(|| format!("looking into {}", target.display()))? {
            return Err(CliError::Failed(format!(
                "{} holds something else: name another folder with --results DIR",
                target.display()
            )));
        }
        let parent = target.parent().unwrap_or(Path::new("/"));
        let make = || {
            fs::create_dir_all(parent)?;
            let aside = tempfile::Builder::new().prefix(".aiigo-result-").tempdir_in(parent)?;
            fs::create_dir_all(aside.path().join("new").join(OWN_FOLDER))?;
            Ok::<_, io::Error>(aside)
        };
        let aside = make().context(|| format!("making a folder in {}", parent.display()))?;
        Ok(Self { target, aside })
    }

    /// Where to put an output.
    pub(crate) fn output(&self, path: &GuestPath) -> Result<PathBuf, CliError> {
        let file = self.new_folder().join(path.as_str());
        let parent = file.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent).context(|| format!("making the folder {}", parent.display()))?;
        Ok(file)
    }

    /// Where to put something that is no output.
    pub(crate) fn own(&self, name: &str) -> PathBuf {
        self.new_folder().join(OWN_FOLDER).join(name)
    }

    /// Where the manifest goes.
    pub(crate) fn manifest(&self) -> PathBuf {
        self.own(MANIFEST)
    }

    /// Moves the whole folder to its place.
    pub(crate) fn publish(self) -> Result<PathBuf, CliError> {
        let publish = || {
            if self.target.exists() {
                // An earlier copy of the same result; it goes away with the folder aside.
                fs::rename(&self.target, self.aside.path().join("old"))?;
            }
            fs::rename(self.new_folder(), &self.target)
        };
        publish().context(|| format!("moving the results to {}", self.target.display()))?;
        Ok(self.target)
    }

    fn new_folder(&self) -> PathBuf {
        self.aside.path().join("new")
    }
}

/// Nothing is there, or an empty folder, or this task's own result.
fn is_free(target: &Path, task: TaskId) -> io::Result<bool> {
    let mut entries = match fs::read_dir(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        entries => entries?,
    };
    if entries.next().is_none() {
        return Ok(true);
    }
    let manifest = fs::read(target.join(OWN_FOLDER).join(MANIFEST)).unwrap_or_default();
    Ok(ResultManifest::parse(&manifest).is_ok_and(|manifest| manifest.task_id == task.0))
}

#[cfg(test)]
mod tests {
    use aiigo_task::{Outcome, ResultParts, TaskSpec, Usage};
    use alloy::primitives::B256;

    use super::*;

    const TASK: TaskId = TaskId(B256::repeat_byte(7));

    /// A result with one output, as it is put together.
    fn result(target: &Path, content: &str) -> Results {
        let results = Results::begin(target, TASK).expect("a free place");
        fs::write(results.output(&"sub/out.txt".parse().expect("a path")).expect("a place"), content).expect("a file");
        fs::write(results.manifest(), manifest(TASK)).expect("a file");
        results
    }

    fn manifest(task: TaskId) -> Vec<u8> {
        let spec = br#"{"schema":"aiigo.task/v1","name":"n","module":{"cid":"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku","size":1,"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"args":[],"env":{},"inputs":[],"outputs":[],"limits":{"memoryBytes":65536,"fuel":1,"seconds":1,"outputBytes":1},"gateways":[]}"#;
        let spec = TaskSpec::parse(spec).expect("a spec");
        let parts = ResultParts {
            task_id: task.0,
            outcome: Outcome::Exited,
            exit_code: 0,
            outputs: Vec::new(),
            stdout: None,
            stderr: None,
            usage: Usage::default(),
        };
        ResultManifest::new(&spec, parts).expect("a manifest").canonical()
    }

    #[test]
    fn nothing_is_there_until_all_of_it_is() {
        let dir = tempfile::tempdir().expect("a folder");
        let target = dir.path().join("result");
        let results = result(&target, "hello");
        assert!(!target.exists());
        results.publish().expect("in place");
        assert_eq!(fs::read_to_string(target.join("sub/out.txt")).expect("an output"), "hello");
        assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 1, "nothing else is left behind");
    }

    #[test]
    fn the_result_of_the_same_task_is_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        let target = dir.path().join("result");
        result(&target, "old").publish().expect("in place");
        result(&target, "new").publish().expect("in place");
        assert_eq!(fs::read_to_string(target.join("sub/out.txt")).expect("an output"), "new");
        assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn an_empty_folder_is_filled() {
        let dir = tempfile::tempdir().expect("a folder");
        let target = dir.path().join("result");
        fs::create_dir(&target).expect("a folder");
        result(&target, "hello").publish().expect("in place");
    }

    #[test]
    fn what_is_somebody_elses_stays_untouched() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("thesis.tex"), "years of work").expect("a file");
        assert!(Results::begin(dir.path(), TASK).is_err());
        let target = dir.path().join("other-task");
        fs::create_dir_all(target.join(OWN_FOLDER)).expect("a folder");
        fs::write(target.join(OWN_FOLDER).join(MANIFEST), manifest(TaskId(B256::repeat_byte(8)))).expect("a file");
        assert!(Results::begin(&target, TASK).is_err());
    }
}
