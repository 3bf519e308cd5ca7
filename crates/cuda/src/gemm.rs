//! Matrix products: `gemm.cu`, `gemm_tf32.cu`, `gemm_fma.cu`, `gemm_integer.cu`.
//!
//! A product is cut into tiles, one a block, and where there are few tiles several blocks share one and its depth (`plan`).
//! Operands are seen through their strides, so that transposed or repeated ones cost no copy; they are copied into shared
//! memory in pieces of 16 bytes where strides and alignment allow. Each element is one sum in one order that depends on the
//! sizes and the device only.

pub mod cublaslt;
mod operand;
mod plan;
#[cfg(test)]
mod tests;

use crate::launch::{Argument, Arguments, Grid, arguments};
use crate::strides::Strides;
use crate::{Device, Error, Kind, Memory, Result, View};
use operand::Matrix;
use plan::Plan;

/// How f32 matrices are multiplied; f64 and integers are multiplied in their own arithmetic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// On the tensor cores, from two TF32 parts a number in three products, which is about as accurate as f32 arithmetic.
    /// As [`Precision::Fma`] on devices before compute capability 8.0.
    #[default]
    F32,
    /// On the tensor cores, from numbers rounded to TF32: 11 bits of significand. As [`Precision::Fma`] on devices before
    /// compute capability 8.0.
    Tf32,
    /// In f32 arithmetic.
    Fma,
}

/// What is done to each element of a product of floats before it is written, in this order:
/// `out = activation([accumulate] out + (a·b + bias))`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// Adds the product to what `out` holds instead of overwriting it.
    pub accumulate: bool,
    /// One value a column, added to each row, of the operands' type.
    pub column_bias: Option<View<'a>>,
    /// Applied last.
    pub activation: Option<Activation>,
}

impl Epilogue<'_> {
    /// The plain product.
    pub const NONE: Self = Self { accumulate: false, column_bias: None, activation: None };

    fn is_none(&self) -> bool {
        !self.accumulate && self.column_bias.is_none() && self.activation.is_none()
    }
}

/// A function of one number that a kernel applies to its results.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// max(x, 0); NaN stays NaN.
    Relu,
    /// x where x > 0, `negative_slope` · x elsewhere.
    LeakyRelu {
        /// The slope below 0.
        negative_slope: f64,
    },
    /// Hyperbolic tangent.
    Tanh,
    /// 1/(1 + e^(−x)).
    Sigmoid,
}

impl Activation {
    /// Its number in `kernels/epilogue.cuh`, and the slope.
    pub(crate) fn code(activation: Option<Activation>) -> (i32, f64) {
        match activation {
            None => (0, 0.0),
            Some(Activation::Relu) => (1, 0.0),
            Some(Activation::LeakyRelu { negative_slope }) => (2, negative_slope),
            Some(Activation::Tanh) => (3, 0.0),
            Some(Activation::Sigmoid) => (4, 0.0),
        }
    }
}

/// The product of matrices, or of stacks of them: `left` [batch…, m, k] by `right` [batch…, k, n] into `out`, row-major
/// [batch…, m, n], of any numbers. The batch axes must already agree; broadcast ones have stride 0. K = 0 gives the epilogue
/// of zeros.
///
/// # Errors
/// When shapes or types do not fit, `out` is too small, the type is bool, or integers are to have an epilogue.
pub fn matmul(
    left: View<'_>,
    right: View<'_>,
    out: &Memory,
    epilogue: Epilogue<'_>,
    precision: Precision,
) -> Result<()> {
    let problem = Problem::new(left, right, out, &epilogue)?;
    if problem.batches * problem.rows * problem.columns == 0 {
        return Ok(());
    }
    match left.kind() {
        Kind::F32 | Kind::F64 => problem.floats(&epilogue, |sizes| {
            Plan::new(left.kind(), precision, sizes, problem.batches, out.device().report())
        }),
        Kind::I64 | Kind::U8 => problem.integers(),
        Kind::Bool => Err(Error::Argument("matmul: truth values have no product".into())),
    }
}

/// A checked product.
struct Problem<'a> {
    kind: Kind,
    left: View<'a>,
    right: View<'a>,
    out: &'a Memory,
    rows: usize,
    depth: usize,
    columns: usize,
    batches: usize,
}

impl<'a> Problem<'a> {
    fn new(left: View<'a>, right: View<'a>, out: &'a Memory, epilogue: &Epilogue<'_>) -> Result<Self> {
        let refuse = || {
            let (left, right) = (left.sizes(), right.sizes());
            Err(Error::Argument(format!("matmul: {left:?} by {right:?} into {} bytes", out.bytes())))
        };
        let ([batch @ .., rows, depth], [right_batch @ .., right_depth, columns]) =
            (left.sizes(), right.sizes())
        else {
            return refuse();
        };
        let batches: usize = batch.iter().product();
        let fits = depth == right_depth && batch == right_batch && left.kind() == right.kind();
        let count = batches * rows * columns;
        let room = count <= i32::MAX as usize && count * left.kind().size() <= out.bytes();
        if !fits || !room {
            return refuse();
        }
        if let Some(bias) = epilogue.column_bias
            && (bias.sizes() != [*columns] || bias.kind() != left.kind())
        {
            let (sizes, kind) = (bias.sizes(), bias.kind());
            return Err(Error::Argument(format!(
                "matmul: a bias of {kind:?} {sizes:?} for {columns} columns"
            )));
        }
        if !epilogue.is_none() && !matches!(left.kind(), Kind::F32 | Kind::F64) {
            return Err(Error::Argument(format!("matmul: products of {:?} have no epilogue", left.kind())));
        }
        let kind = left.kind();
        Ok(Self { kind, left, right, out, rows: *rows, depth: *depth, columns: *columns, batches })
    }

    fn device(&self) -> &Device {
        self.out.device()
    }

    /// The strides of the axes in front.
    fn batch(&self) -> Result<Batch> {
        let axes = self.left.sizes().len() - 2;
        let strides = [&self.left.strides()[..axes], &self.right.strides()[..axes]];
        let places = Strides::merged(&self.left.sizes()[..axes], &strides)?;
        Ok(Batch { places, result_stride: (self.rows * self.columns) as i64, count: self.batches as u32 })
    }

    /// Blocks along the stack; the kernels go on in steps of it.
    fn batch_blocks(&self) -> u32 {
        self.batches.min(65_535) as u32
    }

    /// `plan` tells from rows, depth and columns how the product is cut.
    fn floats(&self, epilogue: &Epilogue<'_>, plan: impl Fn([usize; 3]) -> Plan) -> Result<()> {
        let mut left = Matrix::rows(self.left);
        let mut right = Matrix::columns(self.right);
        // There are no kernels for two transposed operands, but for the transposed product: C = A·B where Cᵀ = Bᵀ·Aᵀ.
        let swapped = !left.along_depth && right.along_depth;
        let (mut rows, mut columns) = (self.rows, self.columns);
        let mut batch = self.batch()?;
        if swapped {
            std::mem::swap(&mut left, &mut right);
            std::mem::swap(&mut rows, &mut columns);
            batch.places.swap(0, 1);
        }
        let plan = plan([rows, self.depth, columns]);
        let parts = match plan.splits {
            1 => None,
            splits => {
                let numbers = plan.tiles * self.batches * splits * plan.tile.rows * plan.tile.columns;
                Some(Memory::unspecified(self.device(), numbers * self.kind.size())?)
            }
        };
        let result = ResultArgument {
            out: self.out.pointer(),
            bias: epilogue.column_bias.map(|bias| bias.dense()).transpose()?.unwrap_or(0),
            row_stride: if swapped { 1 } else { columns as i32 },
            column_stride: if swapped { rows as i32 } else { 1 },
            bias_of_rows: swapped,
            accumulate: epilogue.accumulate,
            activation: Activation::code(epilogue.activation),
            wide: !swapped && (columns * self.kind.size()).is_multiple_of(16),
        };
        let work =
            Work { sizes: [rows, columns, self.depth], splits: plan.splits, split_depth: plan.split_depth };
        let layout = match (left.along_depth, right.along_depth) {
            (true, true) => "nt",
            (true, false) => "nn",
            _ => "tn",
        };
        let name = format!("{}_{layout}_{}", plan.tile.name, self.kind.suffix());
        let grid = Grid {
            blocks: [plan.tiles as u32, plan.splits as u32, self.batch_blocks()],
            threads: [plan.tile.threads, 1, 1],
            shared: plan.tile.shared_memory([left.along_depth, right.along_depth], self.kind) as u32,
        };
        let [left, right] = [left.operand()?, right.operand()?];
        let parts_pointer = parts.as_ref().map_or(0, Memory::pointer);
        let arguments = arguments![left, right, result, work, batch, parts_pointer];
        // SAFETY: the views lie in their memories, `out` has room for all results and `parts` for the sums of all blocks of
        // shared tiles; the kernel takes these arguments, a grid of tiles, splits and matrices, and the tile's threads and
        // shared memory.
        unsafe { self.device().launch(plan.tile.file, &name, grid, arguments) }
    }

    fn integers(&self) -> Result<()> {
        const SIDE: usize = 16;
        let blocks = self.rows.div_ceil(SIDE) * self.columns.div_ceil(SIDE);
        let grid = Grid {
            blocks: [blocks as u32, 1, self.batch_blocks()],
            threads: [(SIDE * SIDE) as u32, 1, 1],
            shared: 0,
        };
        let [left, right] = [Matrix::rows(self.left).operand()?, Matrix::columns(self.right).operand()?];
        let work = Work { sizes: [self.rows, self.columns, self.depth], splits: 1, split_depth: self.depth };
        let arguments = arguments![left, right, self.out.pointer(), work, self.batch()?];
        let name = format!("matmul_{}", self.kind.suffix());
        // SAFETY: as above, with a thread for each element of 16 x 16 a block.
        unsafe { self.device().launch("gemm_integer.cu", &name, grid, arguments) }
    }
}

/// `Work` of `kernels/gemm.cuh`.
struct Work {
    /// Rows, columns and depth.
    sizes: [usize; 3],
    splits: usize,
    split_depth: usize,
}

impl Argument for Work {
    fn add_to(&self, arguments: &mut Arguments) {
        let [rows, columns, depth] = self.sizes;
        let fields = [rows, columns, depth, self.splits, self.split_depth, 0];
        let bytes: Vec<u8> = fields.iter().flat_map(|&field| (field as i32).to_ne_bytes()).collect();
        arguments.push(&bytes);
    }
}

/// `Batch` of `kernels/matmul.cuh`.
struct Batch {
    places: Strides,
    result_stride: i64,
    count: u32,
}

impl Argument for Batch {
    fn add_to(&self, arguments: &mut Arguments) {
        let mut bytes = self.places.bytes();
        bytes.extend_from_slice(&self.result_stride.to_ne_bytes());
        bytes.extend_from_slice(&u64::from(self.count).to_ne_bytes());
        arguments.push(&bytes);
    }
}

/// `Epilogue` of `kernels/epilogue.cuh`.
struct ResultArgument {
    out: u64,
    bias: u64,
    row_stride: i32,
    column_stride: i32,
    bias_of_rows: bool,
    accumulate: bool,
    activation: (i32, f64),
    wide: bool,
}

impl Argument for ResultArgument {
    fn add_to(&self, arguments: &mut Arguments) {
        let (activation, slope) = self.activation;
        let flags =
            [i32::from(self.bias_of_rows), i32::from(self.accumulate), activation, i32::from(self.wide)];
        let mut bytes = Vec::with_capacity(48);
        bytes.extend_from_slice(&self.out.to_ne_bytes());
        bytes.extend_from_slice(&self.bias.to_ne_bytes());
        for field in [self.row_stride, self.column_stride].into_iter().chain(flags) {
            bytes.extend_from_slice(&field.to_ne_bytes());
        }
        bytes.extend_from_slice(&slope.to_ne_bytes());
        arguments.push(&bytes);
    }
}
