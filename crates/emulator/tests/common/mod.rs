//! What the tests of the emulator share: a device with the kernels of `faults/` beside the project's own.
#![allow(dead_code, reason = "each test file uses a part")]

use std::path::Path;
use std::sync::{Arc, OnceLock};

use cudarc::driver::{CudaContext, CudaFunction, CudaModule, CudaStream, LaunchConfig};
use cudarc::nvrtc::Ptx;
use wengert_emulator::{Instrumentation, build, load_from};

/// What watches the kernels in this process: nothing, or what the test that started it asked for.
pub fn instrumentation() -> Instrumentation {
    match std::env::var("WENGERT_EMULATOR").as_deref() {
        Ok("address") => Instrumentation::Address,
        Ok("thread") => Instrumentation::Thread,
        _ => Instrumentation::None,
    }
}

pub struct Device {
    pub context: Arc<CudaContext>,
    pub stream: Arc<CudaStream>,
    pub module: Arc<CudaModule>,
}

/// Loads the stand-ins, once.
pub fn libraries() {
    static LIBRARIES: OnceLock<()> = OnceLock::new();
    LIBRARIES.get_or_init(|| {
        let faults = Path::new(env!("CARGO_MANIFEST_DIR")).join("faults");
        load_from(&build(instrumentation(), Some(&faults)).unwrap()).unwrap();
    });
}

impl Device {
    pub fn new() -> Self {
        libraries();
        let context = CudaContext::new(0).unwrap();
        // SAFETY: each test works on one stream, so no events need order its buffers.
        unsafe { context.disable_event_tracking() };
        let stream = context.new_stream().unwrap();
        let module = context.load_module(Ptx::from_src("every kernel")).unwrap();
        Self { context, stream, module }
    }

    pub fn function(&self, name: &str) -> CudaFunction {
        self.module.load_function(name).unwrap()
    }
}

/// A one-dimensional launch.
pub fn shape(blocks: u32, threads: u32) -> LaunchConfig {
    LaunchConfig { grid_dim: (blocks, 1, 1), block_dim: (threads, 1, 1), shared_mem_bytes: 0 }
}

/// Numbers in [-1, 1), the same for a seed.
pub fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}
