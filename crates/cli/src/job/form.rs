//! Which job: a job file, or all of it on the command line.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};

use super::{
    inputs::InputArg,
    prepare::{self, LocalJob},
};
use crate::{CliError, store::name_of};

/// A job, in either form.
#[derive(Args, Clone, Debug)]
pub(crate) struct JobArgs {
    /// The job file; or the job in one line, with --wasm or --image
    #[arg(value_name = "JOB.YAML", required_unless_present_any = ["wasm", "image"])]
    job: Option<PathBuf>,
    /// The program: a WebAssembly module for wasm32-wasip1
    #[arg(long, value_name = "FILE", conflicts_with_all = ["job", "image"], requires = "price")]
    wasm: Option<PathBuf>,
    /// The program: a container image by its digest
    #[arg(long, value_name = "NAME@sha256:…", conflicts_with = "job", requires = "price")]
    image: Option<String>,
    /// An input: NAME=FILE, where NAME is what the program sees, or FILE. Of a job file: another file for one of its inputs
    #[arg(long = "input", value_name = "[NAME=]FILE")]
    inputs: Vec<InputArg>,
    /// A file that the program writes and you want
    #[arg(long = "output", value_name = "PATH", conflicts_with = "job")]
    outputs: Vec<String>,
    /// A variable of the program's environment
    #[arg(long = "env", value_name = "NAME=VALUE", conflicts_with = "job", value_parser = variable)]
    env: Vec<(String, String)>,
    /// ETH an hour
    #[arg(long, value_name = "ETH", conflicts_with = "job")]
    price: Option<String>,
    /// The longest it may run [default: 10m]
    #[arg(long, value_name = "TIME", conflicts_with = "job")]
    time: Option<String>,
    /// The least power of the machine, TFLOPS [default: 0.001]
    #[arg(long, value_name = "TFLOPS", conflicts_with = "job")]
    power: Option<String>,
    /// The most memory it may use [default: 256MiB]
    #[arg(long, value_name = "SIZE", conflicts_with = "job")]
    memory: Option<String>,
    /// The least trust level of the provider [default: 1]
    #[arg(long, value_name = "LEVEL", conflicts_with = "job")]
    trust: Option<String>,
    /// How many nodes do it, each on its own: 1, 3, 5 or 7 [default: 1]
    #[arg(long, value_name = "COUNT", conflicts_with = "job")]
    replicas: Option<String>,
    /// What the program gets as its arguments
    #[arg(last = true, value_name = "ARGS", conflicts_with = "job")]
    args: Vec<String>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl JobArgs {
    /// Reads the job and finds its local files.
    ///
    /// # Errors
    /// If it is no valid job, or a file that it names is not there or not what it should be.
    pub(crate) fn read(&self) -> Result<LocalJob, CliError> {
        match &self.job {
            Some(file) => prepare::read_job(file, &self.inputs),
            None => prepare::local_job(&self.document()?, "the command line", Path::new(""), &[]),
        }
    }

    /// The job file that says the same; JSON is YAML.
    fn document(&self) -> Result<String, CliError> {
        let (kind, program) = match (&self.wasm, &self.image) {
            (Some(module), _) => ("module", text(module)?.to_owned()),
            (_, image) => ("image", image.clone().unwrap_or_default()),
        };
        let mut job = Map::new();
        job.insert("name".into(), json!(name_of(Path::new(program.split('@').next().unwrap_or_default()))));
        job.insert(kind.into(), json!(program));
        job.insert("args".into(), json!(self.args));
        job.insert(
            "env".into(),
            self.env.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<Map<_, _>>().into(),
        );
        let inputs: Result<Vec<_>, CliError> =
            self.inputs.iter().map(|input| Ok(json!({ "path": input.name(), "file": text(input.file())? }))).collect();
        job.insert("inputs".into(), json!(inputs?));
        job.insert("outputs".into(), json!(self.outputs));
        let mut resources = Map::new();
        for (field, given, default) in
            [("time", &self.time, Some("10m")), ("power", &self.power, Some("0.001")), ("memory", &self.memory, None)]
        {
            if let Some(value) = given.as_deref().or(default) {
                resources.insert(field.into(), json!(value));
            }
        }
        job.insert("resources".into(), resources.into());
        for (field, given) in [("price", &self.price), ("trust", &self.trust), ("replicas", &self.replicas)] {
            if let Some(value) = given {
                job.insert(field.into(), json!(value));
            }
        }
        Ok(Value::from(job).to_string())
    }
}

fn text(path: &Path) -> Result<&str, CliError> {
    path.to_str().ok_or_else(|| CliError::Failed(format!("{}: a job's files need names in UTF-8", path.display())))
}
