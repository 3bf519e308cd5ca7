//! The kernels of `crates/book/kernels` on a GPU.
//!
//! Starting a kernel is the one thing here that the compiler cannot check, so all of it is in this file: a [`Problem`] holds
//! arrays of the sizes that its [`Function`] needs, and what is compiled is the kernels that were written for that function.

use super::{convolution, gemm};
use cudarc::driver::result::DriverError;
use cudarc::driver::{
    CudaContext, CudaFunction, CudaModule, CudaSlice, CudaStream, LaunchConfig, PushKernelArg, sys,
};
use cudarc::nvrtc::Ptx;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use wengert_cuda::{Error, Result};
use wengert_tensor::Device;

/// What kernels of the book include, beside the headers of `kernels/`.
const HEADER: (&str, &str) = ("register_tile.cuh", include_str!("../../kernels/register_tile.cuh"));

/// Kernels count in an `int`, and their last block may reach beyond the last element.
const LARGEST: usize = i32::MAX as usize - 1024;

/// The most blocks of a grid. In the first direction a device would take more, but kernels count on in steps of up to 256.
const MOST_BLOCKS: [usize; 3] = [i32::MAX as usize / 256, 65535, 65535];

/// A GPU.
pub struct Gpu {
    device: wengert_cuda::Device,
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
}

impl Gpu {
    /// The GPU `ordinal`, once it has run a kernel.
    ///
    /// # Errors
    /// No driver, no such device, or no compiler for kernels where they are not built in.
    pub fn open(ordinal: usize) -> Result<Rc<Gpu>> {
        // First of all, as it looks whether there is a driver; cudarc panics without one.
        let device = wengert_cuda::Device::get(ordinal)?;
        device.check()?;
        let context = during("opening a device", CudaContext::new(ordinal))?;
        let stream = context.default_stream();
        Ok(Rc::new(Gpu { device, context, stream }))
    }

    /// Where tensors go that the engine is to compute with here.
    pub fn device(&self) -> Device {
        Device::Cuda(self.device.ordinal())
    }

    /// What NVIDIA calls it.
    pub fn name(&self) -> &str {
        &self.device.report().name
    }

    /// Waits until all kernels have run, the book's and the engine's.
    ///
    /// # Errors
    /// A kernel has failed.
    pub fn wait(&self) -> Result<()> {
        during("waiting for the device", self.context.synchronize())
    }
}

/// What the kernels of a file compute.
#[derive(Clone, Copy, Debug)]
pub enum Function {
    /// C from A and B.
    Gemm(gemm::Size),
    /// Probabilities from scores.
    Softmax {
        /// Number of rows.
        rows: usize,
        /// Numbers in a row.
        columns: usize,
    },
    /// Results from images and weights.
    Convolution(convolution::Size),
}

impl Function {
    /// The name of the file, without extension, and its text.
    fn source(self) -> (&'static str, &'static str) {
        match self {
            Function::Gemm(_) => ("gemm", include_str!("../../kernels/gemm.cu")),
            Function::Softmax { .. } => ("softmax", include_str!("../../kernels/softmax.cu")),
            Function::Convolution(_) => ("convolution", include_str!("../../kernels/convolution.cu")),
        }
    }

    /// What kernels are told of sizes, in the order of their parameters.
    fn extents(self) -> Vec<usize> {
        match self {
            Function::Gemm(size) => vec![size.m, size.k, size.n],
            Function::Softmax { rows, columns } => vec![rows, columns],
            Function::Convolution(size) => {
                vec![size.batch, size.channels, size.units, size.height, size.width]
            }
        }
    }

    /// Numbers of each array that kernels read, and of the one that they write.
    fn lengths(self) -> (Vec<usize>, usize) {
        match self {
            Function::Gemm(gemm::Size { m, k, n }) => (vec![count(&[m, k]), count(&[k, n])], count(&[m, n])),
            Function::Softmax { rows, columns } => {
                let all = count(&[rows, columns]);
                (vec![all], all)
            }
            Function::Convolution(size) => {
                let convolution::Size { batch, channels, units, height, width } = size;
                let places = self.places();
                let images = count(&[batch, channels, height, width]);
                (vec![images, count(&[units, channels, 3, 3])], count(&[batch, units, places]))
            }
        }
    }

    /// Places of one result of a convolution.
    fn places(self) -> usize {
        let Function::Convolution(size) = self else { return 0 };
        count(&[size.height.saturating_sub(2), size.width.saturating_sub(2)])
    }

    /// What kernels count in an `int`, beside the extents.
    fn counts(self) -> Vec<usize> {
        let Function::Convolution(size) = self else { return Vec::new() };
        let image = count(&[size.height, size.width]);
        vec![image, count(&[size.batch, self.places()]), count(&[size.channels, 9])]
    }

    /// # Errors
    /// Something is empty, or larger than kernels count.
    fn check(self) -> Result<()> {
        if self.lengths().1 == 0 || self.extents().contains(&0) {
            return Err(Error::Argument(format!("{self:?} has no result; sizes must be larger")));
        }
        match self.extents().into_iter().chain(self.counts()).find(|&count| count > LARGEST) {
            Some(count) => Err(Error::Argument(format!(
                "{self:?} needs a count of {count}, and kernels count to {LARGEST}; sizes must be smaller"
            ))),
            None => Ok(()),
        }
    }
}

/// The product; the largest number where it is larger than that.
fn count(extents: &[usize]) -> usize {
    extents.iter().fold(1, |count: usize, &extent| count.saturating_mul(extent))
}

/// A function with its operands and a place for its result, both in the memory of a GPU, and its kernels.
pub struct Problem {
    gpu: Rc<Gpu>,
    function: Function,
    /// As the parameters of kernels.
    extents: Vec<i32>,
    operands: Vec<CudaSlice<f32>>,
    result: RefCell<CudaSlice<f32>>,
    module: Arc<CudaModule>,
}

impl Problem {
    /// Copies the operands to the device and compiles the function's kernels.
    ///
    /// # Errors
    /// The operands do not have the function's sizes, there is no compiler, or no memory.
    pub fn new(gpu: &Rc<Gpu>, function: Function, operands: &[&[f32]]) -> Result<Rc<Problem>> {
        function.check()?;
        let (lengths, result) = function.lengths();
        if !operands.iter().map(|operand| operand.len()).eq(lengths.iter().copied()) {
            let given: Vec<usize> = operands.iter().map(|operand| operand.len()).collect();
            return Err(Error::Argument(format!("{function:?} takes {lengths:?} numbers, got {given:?}")));
        }
        let extents = function.extents().into_iter().map(|extent| extent as i32).collect();
        let uploads = operands.iter().map(|operand| gpu.stream.clone_htod(*operand));
        let operands = during("copying operands to the device", uploads.collect())?;
        let result = during("making room for the result", gpu.stream.alloc_zeros(result))?;
        let (file, text) = function.source();
        let code = wengert_cuda::compile(file, text, &[HEADER], gpu.device.report().capability)?;
        let module = during("loading kernels", gpu.context.load_module(Ptx::from_binary(code)))?;
        Ok(Rc::new(Problem { gpu: gpu.clone(), function, extents, operands, result: result.into(), module }))
    }

    /// Where it lies.
    pub fn gpu(&self) -> &Rc<Gpu> {
        &self.gpu
    }

    /// A kernel by the end of its name, with spaces, and the blocks it is to be started with.
    ///
    /// # Errors
    /// There is no such kernel, its parameters are others, or there are too many blocks.
    pub fn kernel(self: &Rc<Self>, name: &str, blocks: [usize; 3]) -> Result<Launch> {
        let name = format!("book_{}_{}", self.function.source().0, name.replace(' ', "_"));
        if blocks.iter().zip(MOST_BLOCKS).any(|(&blocks, most)| blocks == 0 || blocks > most) {
            let what = format!("{name} cannot be started with {blocks:?} blocks, at most {MOST_BLOCKS:?}");
            return Err(Error::Argument(format!("{what}; sizes must be smaller")));
        }
        let function = during(&format!("looking for {name}"), self.module.load_function(&name))?;
        let (pointers, extents) = (self.operands.len() + 1, self.extents.len());
        let wanted = [vec![size_of::<u64>(); pointers], vec![size_of::<i32>(); extents]].concat();
        let found = parameters(&function);
        if found != wanted {
            let what = format!("{name} has parameters of {found:?} bytes, and is given {wanted:?}");
            return Err(Error::Argument(what));
        }
        let threads = during("asking for a kernel's threads", function.max_threads_per_block())?;
        let [x, y, z] = blocks.map(|blocks| blocks as u32);
        let grid = LaunchConfig {
            grid_dim: (x, y, z),
            block_dim: (threads.unsigned_abs(), 1, 1),
            shared_mem_bytes: 0,
        };
        Ok(Launch { problem: self.clone(), name, function, grid })
    }
}

/// A kernel that can be started. A block has as many threads as its `BOUNDED_KERNEL` says, in one dimension.
pub struct Launch {
    problem: Rc<Problem>,
    name: String,
    function: CudaFunction,
    grid: LaunchConfig,
}

impl Launch {
    /// Starts the kernel, and does not wait for it.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn start(&self) -> Result<()> {
        let problem = &self.problem;
        let result = problem.result.borrow();
        let mut arguments = problem.gpu.stream.launch_builder(&self.function);
        for operand in &problem.operands {
            arguments.arg(operand);
        }
        arguments.arg(&*result);
        for extent in &problem.extents {
            arguments.arg(extent);
        }
        // SAFETY: the kernels of a function's file take its operands, its result and its extents, in this order, and read and
        // write within them whatever the grid; that the arrays have these sizes and the sizes fit was checked when the
        // problem was made. A block has the threads that the kernel is bounded by, which is how many it is written for. All
        // work on the arrays is in one stream, so that nobody reads or writes them meanwhile.
        during(&format!("starting {}", self.name), unsafe { arguments.launch(self.grid) }).map(drop)
    }

    /// What the kernel computes. The place of the result holds NaN before, so that an element that nobody writes is seen.
    ///
    /// # Errors
    /// The driver refuses, or the kernel fails.
    pub fn result(&self) -> Result<Vec<f32>> {
        let (problem, stream) = (&self.problem, &self.problem.gpu.stream);
        let nothing = vec![f32::NAN; problem.function.lengths().1];
        let copied = stream.memcpy_htod(&nothing, &mut *problem.result.borrow_mut());
        during("clearing the result", copied)?;
        self.start()?;
        let numbers =
            during("copying the result from the device", stream.clone_dtoh(&*problem.result.borrow()))?;
        problem.gpu.wait()?;
        Ok(numbers)
    }
}

/// Bytes of each parameter of a kernel.
fn parameters(function: &CudaFunction) -> Vec<usize> {
    let mut sizes = Vec::new();
    loop {
        let (mut offset, mut size) = (0, 0);
        // SAFETY: the function is one that the driver has given; past the last parameter it says so.
        match unsafe { sys::cuFuncGetParamInfo(function.cu_function(), sizes.len(), &mut offset, &mut size) }
        {
            sys::CUresult::CUDA_SUCCESS => sizes.push(size),
            _ => return sizes,
        }
    }
}

/// Says what was tried when the driver refuses.
fn during<T>(what: &str, result: std::result::Result<T, DriverError>) -> Result<T> {
    result.map_err(|error| {
        let text = error.error_string().map_or_else(|_| String::new(), |text| text.to_string_lossy().into());
        Error::Driver { what: what.into(), reason: format!("{text} ({:?})", error.0) }
    })
}
