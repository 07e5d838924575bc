//! NVIDIA's graphics processors by CUDA. Nothing of CUDA is needed to build this, and only the driver to run it.
//!
//! The kernel comes twice: as source, which NVRTC compiles for the very processor where it is installed (it is no part of
//! the driver), and as PTX made of the same source, which every driver since 2022 translates.

use std::sync::Arc;

use cudarc::{
    driver::{
        CudaContext, CudaFunction, CudaSlice, CudaStream, DeviceRepr, DriverError, LaunchConfig, PushKernelArg,
        sys::{self, CUctx_flags, CUdevice_attribute, CUresult},
    },
    nvrtc::{self, CompileOptions, Ptx, compile_ptx_with_opts},
};

use super::{Found, Gpu, HITS, Kernel};
use crate::{
    Job,
    device::{Backend, CpuOptions, Device, DeviceError, DeviceKind, Unavailable},
};

const SOURCE: &str = include_str!("keccak.cu");
/// Made by `cargo xtask ptx`.
const PTX: &str = include_str!("keccak.ptx");
/// Threads in a block: `THREADS` of the source.
const THREADS: u32 = 256;

/// One of the source's two kernels.
#[derive(Clone, Copy)]
pub(crate) struct CudaBackend {
    name: &'static str,
    entry: &'static str,
}

impl CudaBackend {
    /// Which of the two is faster depends on the processor's generation.
    pub(crate) const ALL: [Self; 2] =
        [Self { name: "cuda", entry: "search_by_shifts" }, Self { name: "cuda-products", entry: "search_by_products" }];
}

impl Backend for CudaBackend {
    fn name(&self) -> &'static str {
        self.name
    }

    fn kind(&self) -> DeviceKind {
        DeviceKind::Gpu
    }

    fn open(&self, _: &CpuOptions) -> Result<Vec<Box<dyn Device>>, Unavailable> {
        // SAFETY: looks for the driver's library and runs nothing of it but its initialisation.
        if !unsafe { sys::is_culib_present() } {
            return Err(Unavailable::Absent("no NVIDIA driver: libcuda was not found".into()));
        }
        let count = CudaContext::device_count().map_err(|error| {
            let text = format!("NVIDIA's driver: {}", DeviceError::from(error));
            match error.0 {
                CUresult::CUDA_ERROR_NO_DEVICE => Unavailable::Absent(text),
                _ => Unavailable::Broken(text),
            }
        })?;
        let entry = self.entry;
        let device = |ordinal| -> Box<dyn Device> {
            Box::new(Gpu::new(format!("{} {ordinal}", self.name), move || Cuda::open(entry, ordinal)))
        };
        let devices: Vec<_> = (0..usize::try_from(count).unwrap_or_default()).map(device).collect();
        if devices.is_empty() {
            return Err(Unavailable::Absent("NVIDIA's driver has no device".into()));
        }
        Ok(devices)
    }
}

/// What the kernel is given: `Search` of the source.
#[derive(Clone, Copy)]
#[repr(C)]
struct Search {
    moved: [u64; 25],
    first: u64,
    target: u64,
    count: u32,
    power: [u32; 32],
}

// SAFETY: plain numbers, laid out as C does; the padding at the end is never read.
unsafe impl DeviceRepr for Search {}

impl Search {
    fn new(job: &Job, first: u64, count: u32, target: u64) -> Self {
        Self { moved: job.moved, first, target, count, power: std::array::from_fn(|n| 1 << n) }
    }
}

/// A processor with a kernel loaded.
struct Cuda {
    description: String,
    place: String,
    stream: Arc<CudaStream>,
    function: CudaFunction,
    /// As many as run at once; each takes nonce after nonce.
    blocks: u32,
    found: CudaSlice<u32>,
}

impl From<DriverError> for DeviceError {
    fn from(error: DriverError) -> Self {
        let text = error.error_string().map_or("unknown".into(), |text| text.to_string_lossy());
        Self(format!("{text} (CUDA error {})", error.0 as u32))
    }
}

impl Cuda {
    fn open(entry: &str, ordinal: usize) -> Result<Self, DeviceError> {
        sleep_while_waiting(ordinal)?;
        let context = CudaContext::new(ordinal)?;
        let function = load(&context, entry)?;
        let processors = context.attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
        let blocks = function.occupancy_max_active_blocks_per_multiprocessor(THREADS, 0, None)?;
        let stream = context.default_stream();
        Ok(Self {
            description: context.name()?,
            place: bus_address(&context)?,
            function,
            blocks: blocks * u32::try_from(processors).unwrap_or(1),
            found: stream.alloc_zeros(1 + HITS)?,
            stream,
        })
    }
}

/// By default a thread that waits for a kernel spins, on a processor that others could use.
fn sleep_while_waiting(ordinal: usize) -> Result<(), DriverError> {
    let device = cudarc::driver::result::device::get(i32::try_from(ordinal).unwrap_or(i32::MAX))?;
    // SAFETY: numbers only, and the device is one that the driver gave.
    unsafe { sys::cuDevicePrimaryCtxSetFlags_v2(device, CUctx_flags::CU_CTX_SCHED_BLOCKING_SYNC as u32) }.result()
}

/// Where it sits: `0000:01:00.0`.
fn bus_address(context: &CudaContext) -> Result<String, DriverError> {
    let domain = context.attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID)?;
    let bus = context.attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_PCI_BUS_ID)?;
    let device = context.attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID)?;
    Ok(format!("{domain:04x}:{bus:02x}:{device:02x}.0"))
}

/// The kernel as NVRTC makes it, and else as it was made before.
fn load(context: &Arc<CudaContext>, entry: &str) -> Result<CudaFunction, DeviceError> {
    let own = compile(context).and_then(|ptx| context.load_module(ptx).ok()); // a newer NVRTC's may be too new for the driver
    let module = match own {
        Some(module) => module,
        None => context.load_module(Ptx::from_src(PTX))?,
    };
    Ok(module.load_function(entry)?)
}

fn compile(context: &CudaContext) -> Option<Ptx> {
    // SAFETY: looks for the library only.
    if !unsafe { nvrtc::sys::is_culib_present() } {
        return None;
    }
    let (major, minor) = context.compute_capability().ok()?;
    let options = vec![format!("--gpu-architecture=compute_{major}{minor}"), "--std=c++14".into()];
    compile_ptx_with_opts(SOURCE, CompileOptions { options, ..CompileOptions::default() }).ok()
}

impl Kernel for Cuda {
    fn description(&self) -> String {
        self.description.clone()
    }

    fn place(&self) -> String {
        self.place.clone()
    }

    fn launch(&mut self, job: &Job, first: u64, count: u32, target: u64, found: &mut Found) -> Result<(), DeviceError> {
        let search = Search::new(job, first, count, target);
        let config = LaunchConfig {
            grid_dim: (self.blocks.min(count.div_ceil(THREADS)), 1, 1),
            block_dim: (THREADS, 1, 1),
            shared_mem_bytes: 0,
        };
        self.stream.memset_zeros(&mut self.found)?;
        let mut launch = self.stream.launch_builder(&self.function);
        launch.arg(&search).arg(&mut self.found);
        // SAFETY: the arguments are those of both kernels, whose source is ours, and `found` has the room that they fill.
        unsafe { launch.launch(config) }?;
        self.stream.synchronize()?; // sleeps, which a copy need not do
        self.stream.memcpy_dtoh(&self.found, found)?;
        Ok(self.stream.synchronize()?)
    }
}

#[cfg(test)]
mod emulator;
#[cfg(test)]
mod tests;
