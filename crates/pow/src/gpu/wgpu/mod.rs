//! The graphics processors of every maker by Vulkan, Metal or DirectX 12, whichever the system has.

mod bus;
mod shader;

use std::{
    fmt::Display,
    fs,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

use ::wgpu::{
    Adapter, AdapterInfo, Backends, BindGroup, BindGroupDescriptor, BindGroupEntry, Buffer, BufferDescriptor,
    BufferUsages, CommandEncoderDescriptor, ComputePassDescriptor, ComputePipeline, ComputePipelineDescriptor,
    DeviceDescriptor, DeviceType, Instance, InstanceDescriptor, InstanceFlags, Limits, MapMode, MemoryHints,
    PipelineCompilationOptions, PollType, Queue, ShaderModuleDescriptor, ShaderRuntimeChecks, ShaderSource,
};
use bus::Identity;
use pollster::block_on;

use super::{Found, Gpu, HITS, Kernel};
use crate::{
    Job,
    device::{Backend, CpuOptions, Device, DeviceError, DeviceKind, Unavailable},
    keccak::RC,
    pci,
};

/// Threads in a workgroup: a multiple of what any processor runs in step.
const WORKGROUP: u32 = 64;
/// Most workgroups of a launch: more threads than any processor runs at once, so that none is idle for long at the end.
const WORKGROUPS: u32 = 4096;
/// A launch that takes longer hangs: slices are a thousandth of it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Vulkan, Metal and DirectX 12.
#[derive(Clone, Copy)]
pub(crate) struct WgpuBackend {
    /// Whether to use adapters that render on the processor too: right, but slower than its own backends. For tests.
    software: bool,
}

impl WgpuBackend {
    /// Without software.
    pub(crate) const HARDWARE: Self = Self { software: false };
}

impl Backend for WgpuBackend {
    fn name(&self) -> &'static str {
        "wgpu"
    }

    fn kind(&self) -> DeviceKind {
        DeviceKind::Gpu
    }

    fn open(&self, _: &CpuOptions) -> Result<Vec<Box<dyn Device>>, Unavailable> {
        if !self.software {
            require_node()?;
        }
        let adapters = self.usable(adapters())?;
        let places = places(&adapters);
        let device = |(index, (adapter, place))| -> Box<dyn Device> {
            let name = format!("{} {index}", self.name());
            let place = Option::unwrap_or_else(place, || name.clone());
            Box::new(Gpu::new(name, move || block_on(Wgpu::open(&adapter, place))))
        };
        Ok(adapters.into_iter().zip(places).enumerate().map(device).collect())
    }
}

impl WgpuBackend {
    fn usable(&self, adapters: Vec<Adapter>) -> Result<Vec<Adapter>, Unavailable> {
        let is_software = |adapter: &Adapter| adapter.get_info().device_type == DeviceType::Cpu;
        let (software, hardware): (Vec<_>, Vec<_>) = adapters.into_iter().partition(is_software);
        let names: Vec<String> = software.iter().map(|adapter| adapter.get_info().name).collect();
        let usable = if self.software { [hardware, software].concat() } else { hardware };
        match (usable.is_empty(), names.is_empty()) {
            (false, _) => Ok(usable),
            (true, true) => Err(Unavailable::Absent("no driver for Vulkan, Metal or DirectX 12 was found".into())),
            (true, false) => Err(Unavailable::Absent(format!("only software renders here: {}", names.join(", ")))),
        }
    }
}

/// A graphics processor as its driver names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphicsProcessor {
    /// The product.
    pub name: String,
    /// Where it sits on the bus, as in `0000:01:00.0`, if the driver says.
    pub bus_address: Option<String>,
}

/// The graphics processors that Vulkan, Metal or DirectX 12 reach; loads their drivers where there is one. Blocks for ten
/// seconds at most: a driver that has not answered until then, or panics, has none.
pub fn graphics_processors() -> Vec<GraphicsProcessor> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let asking = thread::Builder::new().name("graphics".into()).spawn(move || {
        let _ = sender.send(ask_drivers()); // nobody listens if it took too long
    });
    asking.ok().and_then(|_| receiver.recv_timeout(Duration::from_secs(10)).ok()).unwrap_or_default()
}

fn ask_drivers() -> Vec<GraphicsProcessor> {
    let adapters = require_node().and_then(|()| WgpuBackend::HARDWARE.usable(adapters())).unwrap_or_default();
    let processor =
        |(adapter, bus_address): (&Adapter, _)| GraphicsProcessor { name: adapter.get_info().name, bus_address };
    adapters.iter().zip(places(&adapters)).map(processor).collect()
}

/// Where each adapter sits on the bus, as the driver or the system says.
fn places(adapters: &[Adapter]) -> Vec<Option<String>> {
    let infos: Vec<AdapterInfo> = adapters.iter().map(Adapter::get_info).collect();
    let known: Vec<Identity> = infos
        .iter()
        .map(|info| Identity {
            vendor: info.vendor,
            device: info.device,
            address: Some(info.device_pci_bus_id.clone()).filter(|address| !address.is_empty()),
        })
        .collect();
    bus::addresses(&known, Path::new(pci::DEVICES))
}

fn adapters() -> Vec<Adapter> {
    let instance = Instance::new(InstanceDescriptor {
        backends: Backends::PRIMARY,
        flags: InstanceFlags::empty(), // no validation of what is tested, also in a development build
        ..InstanceDescriptor::new_without_display_handle()
    });
    block_on(instance.enumerate_adapters(Backends::PRIMARY))
}

/// Linux has a file for each graphics processor, or one for all of NVIDIA's. Where there is none, the drivers, a hundred megabytes of them, need not be
/// loaded to hear that.
#[cfg(target_os = "linux")]
fn require_node() -> Result<(), Unavailable> {
    let mut nodes = fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    let has_node = nodes.any(|node| node.file_name().to_string_lossy().starts_with("renderD"));
    if has_node || Path::new("/dev/nvidiactl").exists() {
        return Ok(());
    }
    Err(Unavailable::Absent("no graphics processor: /dev/dri has no render node (a container must be given it)".into()))
}

#[cfg(not(target_os = "linux"))]
fn require_node() -> Result<(), Unavailable> {
    Ok(())
}

/// Turns of the shader's loop: two of the 22 rounds between the first and the last.
const TURNS: usize = 11;
/// Words of `Search` of the shader: `moved` with a lane of padding, `first`, `bound`, `count` with three words of padding, `rc`.
const SEARCH: usize = 2 * (26 + 1 + 1 + 2 + 2 * TURNS);

/// `Search` of the shader. Its 64-bit numbers are two words each, the low one first.
fn search_words(job: &Job, first: u64, count: u32, target: u64) -> [u32; SEARCH] {
    let mut words = [0; SEARCH];
    let fields = [0, first, target, count.into(), 0];
    let numbers = job.moved.iter().chain(&fields).chain(&RC[1..=2 * TURNS]).copied();
    for (pair, number) in words.as_chunks_mut::<2>().0.iter_mut().zip(numbers) {
        *pair = [number as u32, (number >> 32) as u32];
    }
    words
}

fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// What went wrong on a device outside any call, as the driver told it.
#[derive(Clone, Default)]
struct Complaint(Arc<Mutex<Option<String>>>);

impl Complaint {
    fn slot(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a value is replaced as a whole
    }

    fn make(&self, text: String) {
        self.slot().get_or_insert(text); // what came first caused the rest
    }

    /// # Errors
    /// With the complaint, if there is one.
    fn check(&self) -> Result<(), DeviceError> {
        self.slot().take().map_or(Ok(()), |text| Err(DeviceError(text)))
    }
}

/// An adapter with the kernel loaded.
struct Wgpu {
    description: String,
    place: String,
    /// At most so many in a launch.
    workgroups: u32,
    device: ::wgpu::Device,
    queue: Queue,
    pipeline: ComputePipeline,
    bindings: BindGroup,
    search: Buffer,
    found: Buffer,
    /// `found` where the processor can read it.
    copy: Buffer,
    complaint: Complaint,
}

fn failed(error: impl Display) -> DeviceError {
    DeviceError(error.to_string())
}

impl Wgpu {
    async fn open(adapter: &Adapter, place: String) -> Result<Self, DeviceError> {
        let info = adapter.get_info();
        let limits = Limits::downlevel_defaults(); // what every adapter that computes has
        let descriptor = DeviceDescriptor {
            required_limits: limits,
            memory_hints: MemoryHints::MemoryUsage, // a few kilobytes are all it takes
            ..DeviceDescriptor::default()
        };
        let (device, queue) = adapter.request_device(&descriptor).await.map_err(failed)?;
        let complaint = Complaint::default();
        let (errors, losses) = (complaint.clone(), complaint.clone());
        device.on_uncaptured_error(Arc::new(move |error: ::wgpu::Error| errors.make(error.to_string())));
        device.set_device_lost_callback(move |reason, text| losses.make(format!("lost ({reason:?}): {text}")));

        let source = ShaderSource::Wgsl(shader::source().into());
        let descriptor = ShaderModuleDescriptor { label: None, source };
        // SAFETY: the shader is ours: its loops end, and its indices are constants or compared with the length before.
        let module = unsafe { device.create_shader_module_trusted(descriptor, ShaderRuntimeChecks::unchecked()) };
        let pipeline = device.create_compute_pipeline(&ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: Some("search"),
            compilation_options: PipelineCompilationOptions::default(),
            cache: None,
        });
        let buffer = |size: usize, usage| {
            let size = (size * size_of::<u32>()) as u64;
            device.create_buffer(&BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
        };
        let search = buffer(SEARCH, BufferUsages::UNIFORM | BufferUsages::COPY_DST);
        let found = buffer(1 + HITS, BufferUsages::STORAGE | BufferUsages::COPY_DST | BufferUsages::COPY_SRC);
        let copy = buffer(1 + HITS, BufferUsages::MAP_READ | BufferUsages::COPY_DST);
        let bindings = device.create_bind_group(&BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[
                BindGroupEntry { binding: 0, resource: search.as_entire_binding() },
                BindGroupEntry { binding: 1, resource: found.as_entire_binding() },
            ],
        });
        complaint.check()?;
        let description = format!("{} ({})", info.name, info.backend);
        Ok(Self {
            description,
            place,
            workgroups: WORKGROUPS,
            device,
            queue,
            pipeline,
            bindings,
            search,
            found,
            copy,
            complaint,
        })
    }

    /// Runs the kernel, and copies what it found to where it can be read.
    fn submit(&self, count: u32) {
        let mut encoder = self.device.create_command_encoder(&CommandEncoderDescriptor::default());
        encoder.clear_buffer(&self.found, 0, None);
        {
            let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor::default());
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, &self.bindings, &[]);
            pass.dispatch_workgroups(count.div_ceil(WORKGROUP).min(self.workgroups), 1, 1);
        }
        encoder.copy_buffer_to_buffer(&self.found, 0, &self.copy, 0, None);
        self.queue.submit([encoder.finish()]);
    }
}

impl Kernel for Wgpu {
    fn description(&self) -> String {
        self.description.clone()
    }

    fn place(&self) -> String {
        self.place.clone()
    }

    fn launch(&mut self, job: &Job, first: u64, count: u32, target: u64, found: &mut Found) -> Result<(), DeviceError> {
        self.queue.write_buffer(&self.search, 0, &bytes_of(&search_words(job, first, count, target)));
        self.submit(count);
        let complaint = self.complaint.clone();
        self.copy.map_async(MapMode::Read, .., move |mapped| {
            if let Err(error) = mapped {
                complaint.make(error.to_string());
            }
        });
        let waited = self.device.poll(PollType::Wait { submission_index: None, timeout: Some(PATIENCE) });
        self.complaint.check()?;
        waited.map_err(failed)?;
        {
            let view = self.copy.get_mapped_range(..).map_err(failed)?;
            for (word, bytes) in found.iter_mut().zip(view.as_chunks::<4>().0) {
                *word = u32::from_ne_bytes(*bytes);
            }
        }
        self.copy.unmap();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
