//! From a job file to everything a task needs: blobs in the store, the canonical spec, the marketplace's request.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use aiigo_protocol::TaskMarketplace::TaskRequest;
use aiigo_storage::{BlobCid, BlobRef, ClientOptions, ContentUri, DirStore, GatewayClient, GatewayUrl, cid_of_reader};
use aiigo_task::{Job, JobProgram, Program, TaskProgram, TaskSpec, format_bytes};
use alloy::primitives::{Address, B256, aliases::U96};

use super::{
    inputs::{self, InputArg},
    results::OWN_FOLDER,
};
use crate::{
    error::{CliError, Context},
    store::{Content, Contents, Entry, name_of, order_holder},
};

/// A core WebAssembly module, version 1.
const WASM_MODULE: &[u8; 8] = b"\0asm\x01\0\0\0";

/// A gateway that takes longer for a few kilobytes is of no use to a provider.
const GATEWAY_TIMEOUT: Duration = Duration::from_secs(15);

/// A job file with its local files, all of which are there.
#[derive(Clone, Debug)]
pub struct LocalJob {
    /// The job.
    pub job: Job,
    /// The folder that its module lies in.
    folder: PathBuf,
    inputs: Vec<PathBuf>,
}

impl LocalJob {
    /// Sizes of the inputs, in the job's order, bytes.
    pub(crate) fn input_sizes(&self) -> Result<Vec<u64>, CliError> {
        let size = |path: &PathBuf| {
            let metadata = fs::metadata(path).context(|| format!("reading {}", path.display()));
            metadata.map(|metadata| metadata.len())
        };
        self.inputs.iter().map(size).collect()
    }
}

/// A job whose files are in the store.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What the provider gets to read.
    pub spec: TaskSpec,
    /// Its canonical JSON.
    pub spec_json: Vec<u8>,
    /// keccak-256 of the canonical JSON.
    pub spec_hash: B256,
    /// What the marketplace is asked.
    pub request: TaskRequest,
    spec_blob: BlobRef,
    gateway: GatewayUrl,
}

impl Prepared {
    /// What was stored, in a line.
    pub(crate) fn summary(&self) -> String {
        let inputs: u64 = self.spec.inputs.iter().map(|input| input.size).sum();
        let program = match self.spec.program() {
            Program::Wasm(module) => format!("module {}", format_bytes(module.size)),
            Program::Image(image) => format!("image {image}"),
        };
        format!(
            "{program}, {} input(s) with {}, spec {}",
            self.spec.inputs.len(),
            format_bytes(inputs),
            self.spec_blob.cid
        )
    }
}

/// Reads a job file and finds its local files.
///
/// # Errors
/// If the file is no valid job (with line and field), or a file that it names is not there or not what it should be.
pub fn read_job(file: &Path, args: &[InputArg]) -> Result<LocalJob, CliError> {
    let yaml = fs::read_to_string(file).context(|| format!("reading the job file {}", file.display()))?;
    local_job(&yaml, &file.display().to_string(), file.parent().unwrap_or(Path::new("")), args)
}

/// Reads a job whose files lie in a folder; errors name it as `source`.
pub(crate) fn local_job(yaml: &str, source: &str, folder: &Path, args: &[InputArg]) -> Result<LocalJob, CliError> {
    let job = Job::parse(yaml, source).map_err(|error| CliError::Failed(error.to_string()))?;
    if let Some(path) = job.outputs.iter().find(|path| path.as_str().split('/').next() == Some(OWN_FOLDER)) {
        return Err(CliError::Failed(format!(
            "{source}: outputs: `{path}` lies in {OWN_FOLDER}/, which is kept for the manifest: choose another folder"
        )));
    }
    let local = LocalJob { folder: folder.to_owned(), inputs: inputs::files(&job, folder, args)?, job };
    // An image stays where it is: the provider's engine pulls it by its digest.
    if let JobProgram::Module(module) = &local.job.program {
        check_module(&folder.join(module))?;
    }
    for (input, path) in local.job.inputs.iter().zip(&local.inputs) {
        let is_file = fs::metadata(path).map(|metadata| metadata.is_file());
        if !is_file.context(|| format!("input {}: reading {}", input.path, path.display()))? {
            return Err(CliError::Failed(format!("input {}: {} is not a file", input.path, path.display())));
        }
    }
    Ok(local)
}

fn check_module(path: &Path) -> Result<(), CliError> {
    let mut head = [0; WASM_MODULE.len()];
    let read = fs::File::open(path).and_then(|mut file| io::Read::read_exact(&mut file, &mut head));
    match read {
        Ok(()) if head == *WASM_MODULE => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            Err(error).context(|| format!("reading the module {}", path.display()))
        }
        _ => Err(CliError::Failed(format!(
            "{} is not a WebAssembly module: build the program for the target wasm32-wasip1",
            path.display()
        ))),
    }
}

/// Puts module, inputs and spec into the store of a buyer whom providers reach at `gateway`.
///
/// # Errors
/// If a file can't be stored, or is larger than a job may have.
pub async fn store(local: &LocalJob, store: &Path, gateway: GatewayUrl) -> Result<Prepared, CliError> {
    let blobs = DirStore::open(store).context(|| format!("opening the store {}", store.display()))?;
    let put = async |path: &Path| {
        let blob = blobs.put_file(path).await.context(|| format!("storing {}", path.display()))?;
        Contents::of(store).add(&Entry { name: name_of(path), content: Content::File(blob) })?;
        Ok(blob)
    };
    let prepared = prepared(local, put, gateway).await?;
    let spec = &prepared.spec;
    blobs.put_bytes(prepared.spec_json.clone()).await.context(|| "storing the task spec".into())?;
    let pin = async |cid: &BlobCid, note: String| {
        let pinned = blobs.pin(cid, order_holder(spec.hash()), note).await;
        pinned.context(|| format!("pinning {cid}"))
    };
    if let (Program::Wasm(blob), JobProgram::Module(path)) = (spec.program(), &local.job.program) {
        pin(&blob.cid, name_of(path)).await?;
    }
    for (input, path) in spec.inputs.iter().zip(&local.inputs) {
        pin(&input.cid, name_of(path)).await?;
    }
    pin(&prepared.spec_blob.cid, "task spec".into()).await?;
    Ok(prepared)
}

/// What [`store`] would come to, with nothing stored.
///
/// # Errors
/// If a file can't be read, or is larger than a job may have.
pub async fn plan(local: &LocalJob, gateway: GatewayUrl) -> Result<Prepared, CliError> {
    let hash = async |path: &Path| {
        let file = path.to_owned();
        let hashing = tokio::task::spawn_blocking(move || cid_of_reader(io::BufReader::new(fs::File::open(file)?)));
        let what = || format!("reading {}", path.display());
        hashing.await.context(what)?.context(what)
    };
    prepared(local, hash, gateway).await
}

/// The task of a job, each of whose files `take` gives an address.
async fn prepared(
    local: &LocalJob,
    take: impl AsyncFn(&Path) -> Result<BlobRef, CliError>,
    gateway: GatewayUrl,
) -> Result<Prepared, CliError> {
    let program: TaskProgram = match &local.job.program {
        JobProgram::Module(module) => take(&local.folder.join(module)).await?.into(),
        JobProgram::Image(image) => image.clone().into(),
    };
    let mut inputs = Vec::with_capacity(local.inputs.len());
    for path in &local.inputs {
        inputs.push(take(path).await?);
    }
    let spec = local.job.spec(program, &inputs, vec![gateway.clone()]).context(|| "making the task spec".into())?;
    let spec_json = spec.canonical();
    let spec_blob = cid_of_reader(spec_json.as_slice()).context(|| "making the task spec".into())?;
    let uri = ContentUri::new(spec_blob.cid).at(gateway.clone());
    let request = request(&local.job, spec.hash(), uri.to_string())?;
    Ok(Prepared { spec_hash: spec.hash(), spec, spec_json, request, spec_blob, gateway })
}

/// What the marketplace is asked for a job.
pub(super) fn request(job: &Job, spec_hash: B256, spec_uri: String) -> Result<TaskRequest, CliError> {
    let seconds = |what: &str, seconds: u64| {
        u32::try_from(seconds)
            .map_err(|_| CliError::Failed(format!("{what}: {seconds} s is more than the market takes")))
    };
    Ok(TaskRequest {
        resourceType: job.resources.resource_type as u8,
        minTrustLevel: job.trust,
        replicas: job.replicas,
        minPower: job.resources.milli_tflops,
        duration: seconds("resources.time", job.resources.limits.seconds)?,
        acceptWindow: seconds("accept-within", job.accept_within.as_secs())?,
        reviewWindow: seconds("review", job.review.as_secs())?,
        maxAuditAge: 0,
        pricePerHour: U96::try_from(job.price_per_hour).context(|| "price".into())?,
        paymentToken: Address::ZERO,
        watcher: Address::ZERO,
        specHash: spec_hash,
        specURI: spec_uri,
    })
}

/// Asks the gateway for the spec, as a provider will: a store that nobody serves gets no work done.
///
/// # Errors
/// If the gateway does not give it out.
pub async fn check_gateway(prepared: &Prepared) -> Result<(), CliError> {
    let what = || {
        format!(
            "{} does not give out the task spec {}: start `aiigo store serve` for this store (--store), or say with \
             --gateway where it is served",
            prepared.gateway, prepared.spec_blob.cid
        )
    };
    // The buyer named it: it may well be on this machine.
    let options = ClientOptions { allow_private: true, total_timeout: GATEWAY_TIMEOUT, ..ClientOptions::default() };
    let client = GatewayClient::with_options([prepared.gateway.clone()], options).context(what)?;
    client.fetch_bytes(&prepared.spec_blob.cid, prepared.spec_blob.size).await.context(what)?;
    Ok(())
}
