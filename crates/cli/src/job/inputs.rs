//! Which local files a job's inputs are.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use aiigo_task::Job;

use crate::{CliError, store::name_of};

/// `--input NAME=FILE` or, for a job with one input, `--input FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputArg {
    /// Where the program sees the file.
    name: Option<String>,
    /// Where it lies, relative to the working folder.
    file: PathBuf,
}

impl InputArg {
    /// Where the program sees the file: its own name, unless another is given.
    pub(super) fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| name_of(&self.file))
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }
}

impl FromStr for InputArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = match text.split_once('=') {
            Some((name, file)) => (Some(name.to_owned()), file),
            None => (None, text),
        };
        match file.is_empty() || name.as_ref().is_some_and(String::is_empty) {
            true => Err(format!("`{text}`: expected NAME=FILE or FILE")),
            false => Ok(Self { name, file: file.into() }),
        }
    }
}

/// The local file of each input, in the job's order; `folder` is that of the job file.
pub(crate) fn files(job: &Job, folder: &Path, args: &[InputArg]) -> Result<Vec<PathBuf>, CliError> {
    let mut files: Vec<PathBuf> = job.inputs.iter().map(|input| folder.join(&input.file)).collect();
    let names = || job.inputs.iter().map(|input| input.path.as_str()).collect::<Vec<_>>().join(", ");
    let mut given = vec![false; files.len()];
    for arg in args {
        let index = match &arg.name {
            Some(name) => job.inputs.iter().position(|input| input.path.as_str() == name).ok_or_else(|| {
                CliError::Usage(format!("--input {name}=…: the job has no such input; it has: {}", names()))
            })?,
            None if files.len() == 1 => 0,
            None => {
                return Err(CliError::Usage(format!(
                    "--input {}: the job has {} inputs; say which one: --input NAME=FILE, with NAME one of: {}",
                    arg.file.display(),
                    files.len(),
                    names()
                )));
            }
        };
        if std::mem::replace(&mut given[index], true) {
            return Err(CliError::Usage(format!("--input: {} is given twice", job.inputs[index].path)));
        }
        files[index].clone_from(&arg.file);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(inputs: &[&str]) -> Job {
        let inputs: String = inputs.iter().map(|name| format!("  - {{path: {name}, file: {name}}}\n")).collect();
        let yaml = format!(
            "name: n\nmodule: m.wasm\nprice: 1\nresources: {{power: 0.001, time: 60s}}\ninputs:\n{inputs}outputs: [out]\n"
        );
        Job::parse(&yaml, "job.yaml").expect("a job")
    }

    fn args(texts: &[&str]) -> Vec<InputArg> {
        texts.iter().map(|text| text.parse().expect("an argument")).collect()
    }

    #[test]
    fn inputs_lie_beside_the_job_file_unless_told_otherwise() {
        let job = job(&["a.csv", "b.csv"]);
        let files = files(&job, Path::new("jobs"), &args(&["b.csv=mine.csv"])).expect("files");
        assert_eq!(files, [PathBuf::from("jobs/a.csv"), PathBuf::from("mine.csv")]);
    }

    #[test]
    fn a_job_with_one_input_needs_no_name() {
        let files = files(&job(&["a.csv"]), Path::new("jobs"), &args(&["mine.csv"])).expect("files");
        assert_eq!(files, [PathBuf::from("mine.csv")]);
    }

    #[test]
    fn a_wrong_input_is_refused_with_the_names_there_are() {
        let job = job(&["a.csv", "b.csv"]);
        for wrong in [&["c.csv=x"][..], &["x"], &["a.csv=x", "a.csv=y"]] {
            let error = files(&job, Path::new("."), &args(wrong)).expect_err("wrong");
            assert!(error.to_string().contains("a.csv") && error.exit_code() == 2, "{error}");
        }
        assert!("=x".parse::<InputArg>().is_err() && "a=".parse::<InputArg>().is_err());
    }
}
