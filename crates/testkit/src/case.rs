//! One case: an op, the inputs it is fed, how it is called here and how it is called in PyTorch.

use std::fmt;
use std::sync::Arc;

use wengert_tensor::{DType, Tensor};

use crate::random::{FNV_START, fnv1a};

pub use crate::input::{
    Elements, Input, away_from, booleans, distinct, floats, indices, integers, normal, positive, uniform,
};

type Run = Arc<dyn Fn(&[Tensor]) -> Tensor + Send + Sync>;

/// One use of one op, which every mode of the test kit runs.
///
/// ```
/// use wengert_testkit::case::*;
/// let case = Case::new("softplus", "softplus/basic")
///     .input(normal([3, 4]))
///     .run(|x| x[0].softplus())
///     .torch("F.softplus(x0)");
/// assert_eq!(case.tensors(wengert_tensor::DType::F64)[0].dims(), [3, 4]);
/// ```
#[derive(Clone)]
pub struct Case {
    /// Name in the registry of the op that this case is about.
    pub op: String,
    /// Unique name of the case; the inputs are drawn from it.
    pub id: String,
    /// What the op is fed.
    pub inputs: Vec<Input>,
    /// PyTorch expression of the same output in terms of `x0`, `x1`, …, `torch` and `F`.
    pub torch: Option<String>,
    /// Whether the output may be differentiated at all.
    pub differentiable: bool,
    /// Whether the gradient may be differentiated again and compared with central differences.
    pub smooth: bool,
    /// Whether central differences mean anything here; not at a kink.
    pub differences: bool,
    /// Whether the op is run again on non-contiguous inputs.
    pub layouts: bool,
    /// Whether the op is run again in f32.
    pub single: bool,
    /// Whether the op works element by element, and so takes no elements at all.
    pub elementwise: bool,
    /// Relative and absolute tolerance against PyTorch in f64.
    pub tolerance: (f64, f64),
    /// Relative and absolute tolerance of f32 against f64.
    pub single_tolerance: (f64, f64),
    fixed: Vec<usize>,
    run: Run,
}

impl fmt::Debug for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Case({})", self.id)
    }
}

impl Case {
    /// A case of `op` (its name in the registry) called `id`, such as `"conv2d/stride2"`.
    pub fn new(op: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            op: op.into(),
            id: id.into(),
            inputs: Vec::new(),
            torch: None,
            differentiable: true,
            smooth: true,
            differences: true,
            layouts: true,
            single: true,
            elementwise: false,
            tolerance: (1e-9, 1e-11),
            single_tolerance: (2e-4, 2e-5),
            fixed: Vec::new(),
            run: Arc::new(|_| panic!("a case needs .run(..)")),
        }
    }

    /// Adds an input.
    pub fn input(mut self, input: Input) -> Self {
        self.inputs.push(input);
        self
    }

    /// Adds several inputs.
    pub fn inputs(mut self, inputs: impl IntoIterator<Item = Input>) -> Self {
        self.inputs.extend(inputs);
        self
    }

    /// How the op is called on the inputs. Constants made inside must take their dtype from an input: the case is
    /// run in f64 and in f32.
    pub fn run(mut self, run: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static) -> Self {
        self.run = Arc::new(run);
        self
    }

    /// The PyTorch expression of the same output, in terms of `x0`, `x1`, …, `torch` and `F`
    /// (`torch.nn.functional`). A case without one is still held against central differences.
    pub fn torch(mut self, expression: impl Into<String>) -> Self {
        self.torch = Some(expression.into());
        self
    }

    /// No second gradient: it is zero or undefined.
    pub fn not_smooth(mut self) -> Self {
        self.smooth = false;
        self
    }

    /// No gradient at all: integer or boolean output.
    pub fn no_gradient(mut self) -> Self {
        self.differentiable = false;
        self
    }

    /// The inputs lie at a kink: gradients are held against PyTorch only, not against central differences.
    pub fn at_kink(mut self) -> Self {
        self.differences = false;
        self.smooth = false;
        self
    }

    /// Input `index` is not differentiated.
    pub fn fixed(mut self, index: usize) -> Self {
        self.fixed.push(index);
        self
    }

    /// Relative and absolute tolerance against PyTorch in f64 (default 1e-9, 1e-11).
    pub fn tolerance(mut self, relative: f64, absolute: f64) -> Self {
        self.tolerance = (relative, absolute);
        self
    }

    /// Relative and absolute tolerance of f32 against f64 (default 2e-4, 2e-5).
    pub fn single_tolerance(mut self, relative: f64, absolute: f64) -> Self {
        self.single_tolerance = (relative, absolute);
        self
    }

    /// Whether the op is run again on non-contiguous inputs.
    pub fn layouts(mut self, layouts: bool) -> Self {
        self.layouts = layouts;
        self
    }

    /// Whether the op is run again in f32 (not where rounding changes the very decision, as in a comparison).
    pub fn single(mut self, single: bool) -> Self {
        self.single = single;
        self
    }

    /// The op works element by element: it is run again on inputs whose first axis is empty.
    pub fn elementwise(mut self) -> Self {
        self.elementwise = true;
        self
    }

    /// Runs the op on `inputs`.
    pub fn call(&self, inputs: &[Tensor]) -> Tensor {
        (self.run)(inputs)
    }

    /// Seed of input `index`.
    fn seed(&self, index: usize) -> u64 {
        fnv1a(fnv1a(FNV_START, self.id.as_bytes()), &(index as u64).to_le_bytes())
    }

    /// The inputs as tensors, floats in `float`.
    pub fn tensors(&self, float: DType) -> Vec<Tensor> {
        self.inputs.iter().enumerate().map(|(index, input)| input.tensor(self.seed(index), float)).collect()
    }

    /// The elements of input `index`.
    pub fn elements(&self, index: usize) -> Elements {
        self.inputs[index].elements(self.seed(index))
    }

    /// Which inputs are differentiated.
    pub fn differentiated(&self) -> Vec<usize> {
        let wanted = |&index: &usize| self.inputs[index].is_float() && !self.fixed.contains(&index);
        if self.differentiable { (0..self.inputs.len()).filter(wanted).collect() } else { Vec::new() }
    }

    /// A fingerprint of all that a golden of this case depends on: inputs, expression, and what is differentiated.
    pub fn fingerprint(&self) -> String {
        let mut hash = fnv1a(FNV_START, self.torch.as_deref().unwrap_or_default().as_bytes());
        for (index, input) in self.inputs.iter().enumerate() {
            for &size in input.shape() {
                hash = fnv1a(hash, &(size as u64).to_le_bytes());
            }
            hash = match self.elements(index) {
                Elements::Floats(values) => {
                    values.iter().fold(hash, |h, v| fnv1a(h, &v.to_bits().to_le_bytes()))
                }
                Elements::Integers(values) => values.iter().fold(hash, |h, v| fnv1a(h, &v.to_le_bytes())),
                Elements::Booleans(values) => values.iter().fold(hash, |h, &v| fnv1a(h, &[u8::from(v)])),
            };
        }
        for index in self.differentiated() {
            hash = fnv1a(hash, &(index as u64).to_le_bytes());
        }
        format!("{:016x}", fnv1a(hash, &[u8::from(self.smooth)]))
    }
}
