//! Kernels of a device, and how they are started.

use crate::error::During;
use crate::{Device, Error, Result, program};
use cudarc::driver::{result, sys};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::ffi::CString;

/// Threads of a block where nothing speaks for another number.
pub(crate) const BLOCK: u32 = 256;

/// Threads of a warp.
pub(crate) const WARP: u32 = 32;

/// The kernels of a device that have been used, by name.
pub(crate) struct Kernels {
    capability: (i32, i32),
    modules: HashMap<&'static str, sys::CUmodule>,
    functions: HashMap<String, Function>,
}

#[derive(Clone)]
struct Function {
    handle: sys::CUfunction,
    /// Bytes of each parameter.
    parameters: SmallVec<[usize; 12]>,
    /// Bytes of dynamic shared memory it may be launched with.
    shared: u32,
}

/// Dynamic shared memory that every kernel may have without asking for more.
const ORDINARY_SHARED: u32 = 48 << 10;

impl Kernels {
    pub fn new(capability: (i32, i32)) -> Self {
        Self { capability, modules: HashMap::new(), functions: HashMap::new() }
    }

    /// A kernel that may be launched with `shared` bytes of dynamic shared memory.
    fn function(&mut self, file: &'static str, name: &str, shared: u32) -> Result<Function> {
        let found = match self.functions.get_mut(name) {
            Some(found) => found,
            None => {
                let function = self.load(file, name)?;
                self.functions.entry(name.into()).or_insert(function)
            }
        };
        if shared > found.shared {
            let attribute = sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            // SAFETY: the function is one that the driver has given.
            unsafe { result::function::set_function_attribute(found.handle, attribute, shared as i32) }
                .during(&format!("asking for {shared} bytes of shared memory for {name}"))?;
            found.shared = shared;
        }
        Ok(found.clone())
    }

    fn load(&mut self, file: &'static str, name: &str) -> Result<Function> {
        let module = match self.modules.get(file) {
            Some(&module) => module,
            None => {
                let module = program::load(file, self.capability)?;
                self.modules.insert(file, module);
                module
            }
        };
        let text = CString::new(name).expect("kernel names have no zero bytes");
        // SAFETY: the module was loaded above or before and is never unloaded.
        let handle = unsafe { result::module::get_function(module, text) }
            .during(&format!("looking for the kernel {name} in {file}"))?;
        Ok(Function { handle, parameters: parameters(handle), shared: ORDINARY_SHARED })
    }
}

/// Bytes of each parameter of a kernel.
fn parameters(function: sys::CUfunction) -> SmallVec<[usize; 12]> {
    let mut sizes = SmallVec::new();
    loop {
        let (mut offset, mut size) = (0, 0);
        // SAFETY: the function is one that the driver has given; past the last parameter it says so.
        match unsafe { sys::cuFuncGetParamInfo(function, sizes.len(), &mut offset, &mut size) } {
            sys::CUresult::CUDA_SUCCESS => sizes.push(size),
            _ => return sizes,
        }
    }
}

/// What a kernel is started with: its arguments one after another, each as it lies in memory.
#[derive(Default)]
pub(crate) struct Arguments {
    // Words, so that every argument is aligned.
    words: SmallVec<[u64; 64]>,
    /// Where each argument starts, and its bytes.
    places: SmallVec<[(usize, usize); 12]>,
    /// Words that may differ from one run of a recorded step to the next.
    varying: SmallVec<[std::ops::Range<usize>; 2]>,
}

impl Arguments {
    pub fn add(&mut self, argument: impl Argument) {
        argument.add_to(self);
    }

    /// Adds an argument of which some words may differ from one run of a recorded step to the next, as the device is told
    /// them anew.
    pub fn push_varying(&mut self, bytes: &[u8], words: std::ops::Range<usize>) {
        let start = self.words.len();
        self.push(bytes);
        self.varying.push(start + words.start..start + words.end);
    }

    /// All words, each argument filled up with zeros.
    pub fn words(&self) -> impl Iterator<Item = u64> {
        self.words.iter().copied()
    }

    /// All words, 0 for those that may differ.
    pub fn lasting_words(&self) -> Vec<u64> {
        let mut words = self.words.to_vec();
        self.varying.iter().for_each(|range| words[range.clone()].fill(0));
        words
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.places.push((self.words.len(), bytes.len()));
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.words.push(u64::from_ne_bytes(word));
        }
    }
}

/// A value as a kernel's parameter.
pub(crate) trait Argument {
    fn add_to(&self, arguments: &mut Arguments);
}

macro_rules! plain_arguments {
    ($($type:ty),*) => {
        $(impl Argument for $type {
            fn add_to(&self, arguments: &mut Arguments) {
                arguments.push(&self.to_ne_bytes());
            }
        })*
    };
}
plain_arguments!(u8, u32, i32, u64, i64, f32, f64);

/// The arguments of a kernel in order, each of exactly the parameter's type.
macro_rules! arguments {
    ($($argument:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut arguments = $crate::launch::Arguments::default();
        $(arguments.add($argument);)*
        arguments
    }};
}
pub(crate) use arguments;

/// Blocks, threads of a block, and bytes of shared memory that are not in the kernel's own declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub blocks: [u32; 3],
    pub threads: [u32; 3],
    pub shared: u32,
}

impl Grid {
    /// One dimension.
    pub fn line(blocks: usize, threads: u32) -> Grid {
        Grid { blocks: [blocks as u32, 1, 1], threads: [threads, 1, 1], shared: 0 }
    }

    /// Enough blocks for one thread to take `each` of `count` elements, but no more than fill the device a few times
    /// over: the kernel's threads go on in steps of the whole grid.
    pub fn cover(device: &Device, count: usize, each: usize) -> Grid {
        let blocks = count.div_ceil(BLOCK as usize * each).clamp(1, device.report().multiprocessors * 16);
        Self::line(blocks, BLOCK)
    }
}

impl Device {
    /// Starts a kernel of `file`.
    ///
    /// # Safety
    /// The arguments must be what the kernel takes, their pointers valid for all that it reads and writes, and the grid
    /// one it is written for. Their number and sizes are checked.
    pub(crate) unsafe fn launch(
        &self,
        file: &'static str,
        name: &str,
        grid: Grid,
        arguments: Arguments,
    ) -> Result<()> {
        self.recording(|recording| recording.note(self, name, grid, &arguments))?;
        // SAFETY: the caller's.
        unsafe { self.start(file, name, grid, arguments) }
    }

    /// Starts a kernel that is no part of a recorded step's own work.
    ///
    /// # Safety
    /// As for [`launch`](Device::launch).
    pub(crate) unsafe fn launch_beside(
        &self,
        file: &'static str,
        name: &str,
        grid: Grid,
        arguments: Arguments,
    ) -> Result<()> {
        self.recording(|recording| recording.touch(self, &arguments))?;
        // SAFETY: the caller's.
        unsafe { self.start(file, name, grid, arguments) }
    }

    /// # Safety
    /// As for [`launch`](Device::launch).
    unsafe fn start(
        &self,
        file: &'static str,
        name: &str,
        grid: Grid,
        mut arguments: Arguments,
    ) -> Result<()> {
        self.bind()?;
        let function = self.kernels().function(file, name, grid.shared)?;
        let given = arguments.places.iter().map(|&(_, bytes)| bytes);
        if !given.clone().eq(function.parameters.iter().copied()) {
            let given: Vec<usize> = given.collect();
            let wanted = &function.parameters[..];
            return Err(Error::Argument(format!(
                "{name} takes arguments of {wanted:?} bytes, got {given:?}"
            )));
        }
        let start = arguments.words.as_mut_ptr();
        let mut pointers: SmallVec<[*mut std::ffi::c_void; 12]> = arguments
            .places
            .iter()
            // SAFETY: each place lies in `words`, which is neither moved nor changed until the launch has copied it.
            .map(|&(word, _)| unsafe { start.add(word) }.cast())
            .collect();
        let [blocks, threads] = [grid.blocks, grid.threads].map(|[x, y, z]| (x, y, z));
        // SAFETY: number and sizes of the arguments are the kernel's; the caller vouches for the rest.
        unsafe {
            result::launch_kernel(function.handle, blocks, threads, grid.shared, self.stream(), &mut pointers)
        }
        .during(&format!("starting {name}"))
    }
}
