//! A buyer's job file, written with few words.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// A job in a folder of its own: module, inputs, `job.yaml`.
#[derive(Clone, Debug)]
pub struct JobFile {
    dir: PathBuf,
    name: String,
    /// What runs, as the job file says it.
    program: String,
    inputs: Vec<String>,
    outputs: Vec<String>,
    memory: String,
    fuel: String,
    output: String,
    time: String,
    price: String,
    accept_within: String,
    replicas: u8,
}

impl JobFile {
    /// A job of a WAT module, in the folder `name` under `parent`. The name makes it another job than any other.
    ///
    /// # Panics
    /// If the module is no WAT or the folder can't be written.
    pub fn new(parent: &Path, name: &str, wat: &str) -> Self {
        let module = wat::parse_str(wat).expect("a WAT module");
        let job = Self { fuel: ", fuel: 1e9".to_owned(), ..Self::of(parent, name, "module: program.wasm".to_owned()) };
        fs::write(job.dir.join("program.wasm"), module).expect("the module");
        job
    }

    /// A job of an image that runs a shell script.
    ///
    /// # Panics
    /// If the folder can't be written.
    pub fn image(parent: &Path, name: &str, image: &str, script: &str) -> Self {
        let args = serde_json::json!(["sh", "-c", script]);
        Self::of(parent, name, format!("image: {image}\nargs: {args}"))
    }

    fn of(parent: &Path, name: &str, program: String) -> Self {
        let dir = parent.join(name);
        fs::create_dir_all(&dir).expect("the job's folder");
        Self {
            dir,
            name: name.to_owned(),
            program,
            inputs: Vec::new(),
            outputs: vec!["out.txt".to_owned()],
            memory: "64MiB".to_owned(),
            fuel: String::new(),
            output: "1MiB".to_owned(),
            time: "60s".to_owned(),
            price: "0.36".to_owned(),
            accept_within: "5m".to_owned(),
            replicas: 1,
        }
    }

    /// Adds an input file.
    ///
    /// # Panics
    /// If it can't be written.
    #[must_use]
    pub fn input(mut self, path: &str, content: &str) -> Self {
        fs::write(self.dir.join(path), content).expect("the input");
        self.inputs.push(path.to_owned());
        self
    }

    /// The files that are asked for.
    #[must_use]
    pub fn outputs(mut self, outputs: &[&str]) -> Self {
        self.outputs = outputs.iter().map(|path| (*path).to_owned()).collect();
        self
    }

    /// Compute units.
    #[must_use]
    pub fn fuel(mut self, fuel: &str) -> Self {
        self.fuel = format!(", fuel: {fuel}");
        self
    }

    /// The most memory.
    #[must_use]
    pub fn memory(mut self, memory: &str) -> Self {
        self.memory = memory.to_owned();
        self
    }

    /// The longest execution.
    #[must_use]
    pub fn time(mut self, time: &str) -> Self {
        self.time = time.to_owned();
        self
    }

    /// ETH an hour.
    #[must_use]
    pub fn price(mut self, price: &str) -> Self {
        self.price = price.to_owned();
        self
    }

    /// How long nodes are looked for.
    #[must_use]
    pub fn accept_within(mut self, time: &str) -> Self {
        self.accept_within = time.to_owned();
        self
    }

    /// How many nodes do it, each on its own.
    #[must_use]
    pub fn replicas(mut self, count: u8) -> Self {
        self.replicas = count;
        self
    }

    /// Writes `job.yaml` and returns where it is.
    ///
    /// # Panics
    /// If it can't be written.
    pub fn write(&self) -> PathBuf {
        let Self { name, program, memory, fuel, output, time, price, accept_within, replicas, .. } = self;
        let mut yaml = format!("name: {name}\n{program}\n");
        if !self.inputs.is_empty() {
            yaml.push_str("inputs:\n");
            for path in &self.inputs {
                writeln!(yaml, "  - {{path: {path}, file: {path}}}").expect("writing to memory");
            }
        }
        write!(
            yaml,
            "outputs: [{outputs}]\nresources: {{type: CPU, power: 0.001, memory: {memory}{fuel}, output: {output}, \
             time: {time}}}\nprice: \"{price}\"\naccept-within: {accept_within}\nreview: 1h\nreplicas: {replicas}\n",
            outputs = self.outputs.join(", ")
        )
        .expect("writing to memory");
        let path = self.dir.join("job.yaml");
        fs::write(&path, yaml).expect("the job file");
        path
    }
}
