//! What a task runs.

use crate::{image::ImageReference, spec::Module};

/// What a task runs, of a spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program<'a> {
    /// A WebAssembly module.
    Wasm(&'a Module),
    /// A container image.
    Image(&'a ImageReference),
}

/// What a task runs, to make a spec from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskProgram {
    /// A WebAssembly module.
    Wasm(Module),
    /// A container image.
    Image(ImageReference),
}

impl From<Module> for TaskProgram {
    fn from(module: Module) -> Self {
        Self::Wasm(module)
    }
}

impl From<ImageReference> for TaskProgram {
    fn from(image: ImageReference) -> Self {
        Self::Image(image)
    }
}
