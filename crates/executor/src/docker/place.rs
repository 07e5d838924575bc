//! The place where a program works, and how files get there.
//!
//! [`WORK`] is a volume in memory: its size is a limit that the kernel keeps, and nothing of it is a path of the host. The
//! kernel forgets it when nobody mounts it any more, which a program's end would bring about. So the keeper, a container
//! that never starts, receives an upload that does not end before the outputs are fetched: while the engine waits for the
//! rest of the archive it keeps the volume mounted. If this process dies, the upload breaks off and the volume is gone.

use std::{collections::BTreeSet, io, path::Path, time::Duration};

use bollard::{
    body_stream, body_try_stream,
    errors::Error,
    query_parameters::{ContainerArchiveInfoOptionsBuilder, UploadToContainerOptionsBuilder},
};
use bytes::Bytes;
use futures::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::io::ReaderStream;

use super::{
    container::{INPUTS, USER, WORK},
    engine::{Doing, Engine, has_status, reason_of},
    names::Names,
    tar::{self, Header, Kind},
};
use crate::{Execution, ExecutorError};

/// The last thing put into the place: when it is there, all is.
const READY: &str = ".aiigo";
/// Longest wait for it.
const READY_TIME: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(3);
const BUFFER: usize = 256 << 10;

/// The held place; dropping it lets go.
#[derive(Debug)]
pub(super) struct Place {
    upload: JoinHandle<Result<(), Error>>,
    _end: oneshot::Sender<()>,
}

impl Place {
    /// Begins to lay out the place through the keeper, and holds it.
    pub(super) fn hold(engine: &Engine, names: &Names, execution: &Execution) -> Self {
        let (end, ended) = oneshot::channel::<()>();
        let begin = Bytes::from(layout(execution));
        let archive = futures::stream::once(async move { begin }).chain(futures::stream::once(async move {
            // Let go of, or dropped: either way the archive ends here.
            let _ = ended.await;
            Bytes::copy_from_slice(&tar::trailer())
        }));
        let options = UploadToContainerOptionsBuilder::new().path(WORK).build();
        let (engine, keeper) = (engine.clone(), names.keeper.clone());
        let upload = tokio::spawn(async move {
            engine.patient.upload_to_container(&keeper, Some(options), body_stream(archive)).await
        });
        Self { upload, _end: end }
    }

    /// Waits until everything is there, as the program's container sees it.
    pub(super) async fn ready(&mut self, engine: &Engine, names: &Names) -> Result<(), ExecutorError> {
        let deadline = Instant::now() + READY_TIME;
        let path = format!("{WORK}/{READY}");
        loop {
            let options = ContainerArchiveInfoOptionsBuilder::new().path(&path).build();
            match engine.docker.get_container_archive_info(&names.task, Some(options)).await {
                Err(error) if has_status(&error, 404) && self.upload.is_finished() => return Err(self.broken().await),
                Err(error) if has_status(&error, 404) && Instant::now() < deadline => sleep(PAUSE).await,
                other => return other.map(|_| ()).doing(|| "laying out the task's directory"),
            }
        }
    }

    /// Ends only if the engine does not hold the place any more.
    pub(super) async fn broken(&mut self) -> ExecutorError {
        let reason = match (&mut self.upload).await {
            Ok(Ok(())) => "it ended the upload".to_owned(),
            Ok(Err(error)) => reason_of(&error),
            Err(error) => error.to_string(),
        };
        ExecutorError::Docker { what: "holding the task's directory".into(), reason }
    }
}

/// Directories for all files, and links to the inputs.
fn layout(execution: &Execution) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut add = |path: &str, kind, target: &str| {
        tar::append(&mut archive, &Header { path, kind, size: 0, mode: 0o755, owner: USER, target });
    };
    let inputs = execution.inputs.iter().map(|(_, path)| path.as_str());
    for directory in directories(inputs.clone().chain(execution.outputs.iter().map(String::as_str))) {
        add(&directory, Kind::Directory, "");
    }
    for path in inputs {
        add(path, Kind::Symlink, &format!("{INPUTS}/{path}"));
    }
    add(READY, Kind::Directory, "");
    archive
}

/// Every directory above the paths, the outer before the inner.
fn directories<'a>(paths: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    paths.flat_map(|path| path.match_indices('/').map(|(end, _)| path[..end].to_owned())).collect()
}

/// Copies the inputs into their volume, through the keeper.
pub(super) async fn upload_inputs(engine: &Engine, names: &Names, execution: &Execution) -> Result<(), ExecutorError> {
    if execution.inputs.is_empty() {
        return Ok(());
    }
    let (mut writer, reader) = tokio::io::duplex(BUFFER);
    let options = UploadToContainerOptionsBuilder::new().path(INPUTS).build();
    let archive = body_try_stream(ReaderStream::with_capacity(reader, BUFFER));
    let upload = engine.patient.upload_to_container(&names.keeper, Some(options), archive);
    let write = async {
        let written = write_inputs(&mut writer, execution).await;
        drop(writer);
        written
    };
    let (uploaded, written) = tokio::join!(upload, write);
    match written {
        // The engine left first, and says why.
        Err(ExecutorError::File { .. }) if uploaded.is_err() => {}
        other => other?,
    }
    uploaded.doing(|| "copying the inputs")
}

async fn write_inputs(archive: &mut tokio::io::DuplexStream, execution: &Execution) -> Result<(), ExecutorError> {
    let failed =
        |path: &str, error: io::Error| ExecutorError::File { path: path.to_owned(), reason: error.to_string() };
    let mut block = Vec::new();
    for directory in directories(execution.inputs.iter().map(|(_, path)| path.as_str())) {
        let header = Header { path: &directory, kind: Kind::Directory, size: 0, mode: 0o755, owner: 0, target: "" };
        tar::append(&mut block, &header);
    }
    archive.write_all(&block).await.map_err(|error| failed(INPUTS, error))?;
    for (file, path) in &execution.inputs {
        write_input(archive, file, path).await.map_err(|error| failed(path, error))?;
    }
    archive.write_all(&tar::trailer()).await.map_err(|error| failed(INPUTS, error))
}

async fn write_input(archive: &mut tokio::io::DuplexStream, file: &Path, path: &str) -> io::Result<()> {
    let file = tokio::fs::File::open(file).await?;
    let metadata = file.metadata().await?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let size = metadata.len();
    let mut block = Vec::new();
    tar::append(&mut block, &Header { path, kind: Kind::File, size, mode: 0o444, owner: 0, target: "" });
    archive.write_all(&block).await?;
    if tokio::io::copy(&mut file.take(size), archive).await? != size {
        return Err(io::Error::other("it became shorter while it was read"));
    }
    archive.write_all(tar::padding(size)).await
}
