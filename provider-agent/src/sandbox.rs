//! Which sandboxes the provider offers.

use aiigo_executor::{DockerConfig, DockerExecutor, DockerHost, ImagePattern, ImageShelf, Sandboxes, WasmExecutor};
use aiigo_protocol::NodeId;
use aiigo_task::parse_bytes;
use alloy::primitives::{hex, keccak256};
use clap::Args;

use crate::{
    data_dir::DataDir,
    error::{AgentError, Context},
    policy::Policy,
};

/// Bytes of a hash that tell one agent's containers from another's.
const INSTANCE_BYTES: usize = 10;

/// Flags of `run` and `doctor`: containers beside WebAssembly.
#[derive(Args, Clone, Debug)]
pub(crate) struct DockerArgs {
    /// Run container images too, with the Docker engine there: `auto`, the path of a socket, unix:///PATH or
    /// tcp://HOST:PORT [default: only WebAssembly].
    #[arg(long, value_name = "HOST", env = "AIIGO_DOCKER")]
    pub(crate) docker: Option<DockerHost>,
}

/// Flags of `run`: what may run in containers.
#[derive(Args, Clone, Debug)]
pub(crate) struct ImageArgs {
    #[command(flatten)]
    docker: DockerArgs,
    /// Run this image (NAME@sha256:DIGEST), or every image of a repository (NAME@*), beside those that the policy allows;
    /// several may be named, without any none runs.
    #[arg(
        long = "allow-image",
        value_name = "PATTERN",
        env = "AIIGO_ALLOW_IMAGE",
        value_delimiter = ',',
        requires = "docker"
    )]
    pub(crate) allow_images: Vec<ImagePattern>,
    /// Give the GPUs of this machine to the containers of a GPU node; needs the NVIDIA Container Toolkit.
    #[arg(long, env = "AIIGO_DOCKER_GPUS", requires = "docker")]
    docker_gpus: bool,
    /// How much room the images may take that this agent had pulled: beyond it, those go that were not used for longest.
    #[arg(
        long,
        value_name = "SIZE",
        env = "AIIGO_IMAGE_ROOM",
        default_value = "50GiB",
        value_parser = parse_bytes,
        requires = "docker"
    )]
    image_room: u64,
}

impl ImageArgs {
    /// Starts the sandboxes; what an earlier run of this agent left in them is removed.
    pub(crate) async fn start(
        &self,
        data: &DataDir,
        chain_id: u64,
        node: NodeId,
        policy: &Policy,
    ) -> Result<Sandboxes, AgentError> {
        let wasm = WasmExecutor::new().context("the sandbox does not start")?;
        let Some(host) = self.docker.docker.clone() else { return Ok(Sandboxes::new(wasm, None)) };
        if policy.images.is_empty() {
            tracing::warn!("no image is allowed: name some in the policy, or with --allow-image");
        }
        let config = DockerConfig {
            host,
            instance: instance(data, chain_id, node),
            allowed: policy.images.iter().cloned().collect(),
            gpus: self.docker_gpus,
            shelf: Some(ImageShelf { folder: data.images(), bytes: self.image_room }),
        };
        let docker = DockerExecutor::start(config).await.context("the Docker sandbox does not start")?;
        Ok(Sandboxes::new(wasm, Some(docker)))
    }
}

/// Whose containers they are: this agent's, after a restart too, and nobody else's on this machine.
fn instance(data: &DataDir, chain_id: u64, node: NodeId) -> String {
    let folder = data.path().canonicalize().unwrap_or_else(|_| data.path().to_owned());
    hex::encode(&keccak256(format!("{chain_id}/{node}/{}", folder.display()))[..INSTANCE_BYTES])
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser, Debug)]
    struct Program {
        #[command(flatten)]
        images: ImageArgs,
    }

    #[test]
    fn images_are_allowed_only_beside_an_engine() {
        let parse = |args: &[&str]| Program::try_parse_from(["program"].iter().chain(args));
        assert!(parse(&[]).expect("valid").images.docker.docker.is_none());
        assert!(parse(&["--allow-image", "busybox@*"]).is_err());
        let images = parse(&["--docker", "/run/docker.sock", "--allow-image", "busybox@*"]).expect("valid").images;
        assert_eq!(images.allow_images.len(), 1);
        assert!(parse(&["--docker", "auto", "--allow-image", "busybox:latest"]).is_err());
        assert!(parse(&["--docker", "somewhere"]).is_err());
    }

    #[test]
    fn an_agent_knows_its_containers_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let data = DataDir::open(dir.path()).expect("a folder");
        let name = instance(&data, 31337, NodeId(1));
        assert_eq!(name, instance(&data, 31337, NodeId(1)));
        assert_ne!(name, instance(&data, 31337, NodeId(2)));
        assert_eq!(name.len(), 2 * INSTANCE_BYTES);
    }
}
