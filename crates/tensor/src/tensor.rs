//! The tensor: a cheap handle to a value and to the op that made it.

use crate::apply::must;
use crate::autograd::{BackwardOptions, BackwardStep, Edge, HookHandle, Hooks, Node};
use crate::autograd::{backward_with, lock};
use crate::device::default_device;
use crate::dtype::Element;
use crate::op::Spec;
use crate::shape::axis;
use crate::{DType, Device, Error, Result, Shape, Value, autograd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};

/// An n-dimensional array that remembers how it was computed.
///
/// Cloning copies the handle. Methods panic on a programmer's mistake (shapes, dtypes) with the message of the error
/// that [`apply`](crate::apply) would return; what comes from outside goes through `apply` or is checked first.
#[derive(Clone)]
pub struct Tensor(Arc<Inner>);

struct Inner {
    value: Value,
    /// The op that made this tensor, where it was recorded.
    node: Option<Arc<Node>>,
    /// What only tensors made by the user have; most tensors never need it.
    leaf: OnceLock<Box<Leaf>>,
}

#[derive(Default)]
struct Leaf {
    requires_grad: AtomicBool,
    grad: Mutex<Option<Tensor>>,
    hooks: Hooks,
    name: Mutex<Option<Arc<str>>>,
}

impl Tensor {
    /// A constant of `elements` in row-major order.
    ///
    /// # Panics
    /// When their number is not that of `shape`.
    #[track_caller]
    pub fn from_slice<T: Element>(elements: &[T], shape: impl Into<Shape>) -> Tensor {
        must(Self::try_from_slice(elements, shape))
    }

    /// As [`from_slice`](Tensor::from_slice).
    ///
    /// # Panics
    /// When the number of elements is not that of `shape`.
    #[track_caller]
    pub fn from_vec<T: Element>(elements: Vec<T>, shape: impl Into<Shape>) -> Tensor {
        must(Self::try_from_slice(&elements, shape))
    }

    /// As [`from_slice`](Tensor::from_slice), for data from outside.
    ///
    /// # Errors
    /// When the number of elements is not that of `shape`, or `shape` has too many axes.
    pub fn try_from_slice<T: Element>(elements: &[T], shape: impl Into<Shape>) -> Result<Tensor> {
        let shape = shape.into();
        if shape.checked_numel("from_slice")? != elements.len() {
            return Err(Error::shape(
                "from_slice",
                format!("shape {shape} has {} elements, got {}", shape.numel(), elements.len()),
            ));
        }
        Self::placed(Value::from_slice(elements, shape))
    }

    /// A constant with one element and no axes.
    pub fn scalar<T: Element>(element: T) -> Tensor {
        must(Self::placed(Value::full((), element)))
    }

    /// A constant that `fill` writes in row-major order, every element of it, moved to where new tensors go.
    ///
    /// # Panics
    /// When the device has no memory for it.
    #[track_caller]
    pub fn build<T: Element>(shape: impl Into<Shape>, fill: impl FnOnce(&mut [T])) -> Tensor {
        must(Self::placed(Value::build(shape, fill)))
    }

    /// A constant that holds `value`, moved to where new tensors go.
    pub(crate) fn placed(value: Value) -> Result<Tensor> {
        Ok(Self::from_value(value.to_device(default_device())?))
    }

    /// A constant that holds `value`.
    pub fn from_value(value: Value) -> Tensor {
        Self::computed(value, None)
    }

    pub(crate) fn computed(value: Value, node: Option<Arc<Node>>) -> Tensor {
        Tensor(Arc::new(Inner { value, node, leaf: OnceLock::new() }))
    }

    /// The array without its history.
    pub fn value(&self) -> &Value {
        &self.0.value
    }

    /// The array and where its gradient goes, moved out where nobody else holds this tensor.
    pub(crate) fn into_parts(self) -> (Value, Edge) {
        if self.is_leaf() && self.requires_grad() {
            return (self.value().clone(), Edge::Leaf(self));
        }
        match Arc::try_unwrap(self.0) {
            Ok(inner) => (inner.value, inner.node.map_or(Edge::Constant, Edge::Node)),
            Err(shared) => (shared.value.clone(), shared.node.clone().map_or(Edge::Constant, Edge::Node)),
        }
    }

    /// Sizes of the axes.
    pub fn shape(&self) -> &Shape {
        self.value().shape()
    }

    /// Sizes of the axes, as a slice.
    pub fn dims(&self) -> &[usize] {
        self.shape()
    }

    /// Size of axis `dim`, where −1 is the last.
    ///
    /// # Panics
    /// When there is no such axis.
    #[track_caller]
    pub fn dim(&self, dim: isize) -> usize {
        self.dims()[must(axis("dim", dim, self.rank()))]
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.shape().rank()
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.value().numel()
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.value().dtype()
    }

    /// Where the elements live.
    pub fn device(&self) -> Device {
        self.value().device()
    }

    /// The same elements on `device`, without history; self's own where they lie there already.
    ///
    /// # Errors
    /// When there is no such device, or it has no memory for them.
    pub fn to_device(&self, device: Device) -> Result<Tensor> {
        Ok(Self::from_value(self.value().to_device(device)?))
    }

    /// Shape and element type.
    pub fn spec(&self) -> Spec {
        Spec { shape: self.shape().clone(), dtype: self.dtype() }
    }

    /// Whether this is the tensor's shape and element type.
    pub(crate) fn has_spec(&self, spec: &Spec) -> bool {
        self.shape() == &spec.shape && self.dtype() == spec.dtype
    }

    /// Whether the elements lie row-major and without gaps.
    pub fn is_contiguous(&self) -> bool {
        self.value().is_contiguous()
    }

    /// The elements in row-major order.
    ///
    /// # Panics
    /// When `T` is not the element type.
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Vec<T> {
        if T::DTYPE != self.dtype() {
            panic!("to_vec: the tensor holds {}, not {}; convert with to_dtype", self.dtype(), T::DTYPE);
        }
        self.value().to_vec()
    }

    /// The only element, as f64; a truth value gives 0 or 1.
    ///
    /// # Panics
    /// When there is not exactly one element.
    #[track_caller]
    pub fn item(&self) -> f64 {
        if self.numel() != 1 {
            panic!("item: needs exactly one element, got shape {}", self.shape());
        }
        match self.dtype() {
            DType::F32 => f64::from(self.to_vec::<f32>()[0]),
            DType::F64 => self.to_vec::<f64>()[0],
            DType::I64 => self.to_vec::<i64>()[0] as f64,
            DType::U8 => f64::from(self.to_vec::<u8>()[0]),
            DType::Bool => f64::from(u8::from(self.to_vec::<bool>()[0])),
        }
    }

    /// `parameter fc1.weight f32[400, 784]`, or what else is known of this tensor.
    pub fn label(&self) -> String {
        let spec = self.spec();
        match (self.name(), &self.0.node) {
            (Some(name), _) => format!("{name} {spec}"),
            (None, Some(node)) => format!("the output of {} {spec}", node.op().name()),
            (None, None) => format!("a tensor {spec}"),
        }
    }
}

/// Gradients.
impl Tensor {
    /// Asks for a gradient: ops on this tensor are recorded from now on, and `backward` fills [`grad`](Tensor::grad).
    ///
    /// # Panics
    /// When the tensor does not hold floats, or was computed by a recorded op.
    #[track_caller]
    pub fn requires_grad_(self, requires_grad: bool) -> Tensor {
        self.set_requires_grad(requires_grad);
        self
    }

    /// As [`requires_grad_`](Tensor::requires_grad_), for every holder of this tensor: `false` freezes a parameter.
    ///
    /// # Panics
    /// When the tensor does not hold floats, or was computed by a recorded op.
    #[track_caller]
    pub fn set_requires_grad(&self, requires_grad: bool) {
        if requires_grad && !self.dtype().is_float() {
            panic!("requires_grad: only f32 and f64 tensors have gradients, this one holds {}", self.dtype());
        }
        if self.0.node.is_some() {
            panic!("requires_grad: {} already has a history; detach() it first", self.label());
        }
        self.leaf().requires_grad.store(requires_grad, Relaxed);
    }

    /// Gives a tensor made by the user a name, shown in graphs and errors.
    pub fn named(self, name: &str) -> Tensor {
        self.set_name(name);
        self
    }

    /// As [`named`](Tensor::named), for every holder of this tensor.
    pub fn set_name(&self, name: &str) {
        *lock(&self.leaf().name) = Some(name.into());
    }

    /// The name it was given.
    pub fn name(&self) -> Option<Arc<str>> {
        self.0.leaf.get().and_then(|leaf| lock(&leaf.name).clone())
    }

    /// Whether ops on this tensor are recorded.
    pub fn requires_grad(&self) -> bool {
        self.0.node.is_some() || self.0.leaf.get().is_some_and(|leaf| leaf.requires_grad.load(Relaxed))
    }

    /// Whether the user made this tensor, rather than a recorded op.
    pub fn is_leaf(&self) -> bool {
        self.0.node.is_none()
    }

    /// Name of the recorded op that made this tensor.
    pub fn grad_fn(&self) -> Option<&'static str> {
        self.0.node.as_ref().map(|node| node.op().name())
    }

    /// The same elements without history; the storage is shared.
    pub fn detach(&self) -> Tensor {
        Self::from_value(self.value().clone())
    }

    /// What `backward` has added up for this leaf.
    pub fn grad(&self) -> Option<Tensor> {
        self.0.leaf.get().and_then(|leaf| lock(&leaf.grad).clone())
    }

    /// Replaces the gradient.
    ///
    /// # Panics
    /// When its shape or type is not this tensor's.
    #[track_caller]
    pub fn set_grad(&self, grad: Option<Tensor>) {
        if let Some(grad) = &grad
            && grad.spec() != self.spec()
        {
            panic!("set_grad: a tensor of {} cannot have a gradient of {}", self.spec(), grad.spec());
        }
        *lock(self.grad_slot()) = grad;
    }

    /// Forgets the gradient; the next backward pass stores its own instead of adding to zeros.
    pub fn zero_grad(&self) {
        if let Some(leaf) = self.0.leaf.get() {
            *lock(&leaf.grad) = None;
        }
    }

    /// Adds the gradient of this scalar into [`grad`](Tensor::grad) of every leaf it depends on, and frees what the
    /// forward pass saved.
    ///
    /// # Errors
    /// When this is not one number, depends on nothing that requires a gradient, or an op on the way has none; when a
    /// saved tensor was changed since.
    pub fn backward(&self) -> Result<()> {
        self.backward_with(BackwardOptions::default(), |_| {})
    }

    /// As [`backward`](Tensor::backward), with options, showing each step as it has run.
    ///
    /// # Errors
    /// As [`backward`](Tensor::backward).
    pub fn backward_with(&self, options: BackwardOptions, observer: impl FnMut(&BackwardStep)) -> Result<()> {
        backward_with(self, options, observer)
    }

    /// As [`backward`](Tensor::backward) for a tensor of any shape, from the given cotangent ∂loss/∂self.
    ///
    /// # Errors
    /// As [`backward`](Tensor::backward), and when the cotangent has another shape or type.
    pub fn backward_from(&self, cotangent: &Tensor, options: BackwardOptions) -> Result<()> {
        autograd::backward_from(self, cotangent, options, |_| {})
    }

    /// Calls `hook` with this tensor's complete cotangent in every backward pass; what it returns replaces it, and must
    /// have its shape and type.
    pub fn register_hook(
        &self,
        hook: impl Fn(&Tensor) -> Option<Tensor> + Send + Sync + 'static,
    ) -> HookHandle {
        self.hooks().add(Arc::new(hook))
    }

    /// Removes a hook.
    pub fn remove_hook(&self, handle: HookHandle) {
        self.hooks().remove(handle);
    }

    fn hooks(&self) -> &Hooks {
        match &self.0.node {
            Some(node) => node.hooks(),
            None => &self.leaf().hooks,
        }
    }

    fn leaf(&self) -> &Leaf {
        self.0.leaf.get_or_init(Box::default)
    }

    pub(crate) fn leaf_hooks(&self) -> &Hooks {
        &self.leaf().hooks
    }

    pub(crate) fn grad_slot(&self) -> &Mutex<Option<Tensor>> {
        &self.leaf().grad
    }

    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        self.0.node.as_ref()
    }

    pub(crate) fn edge(&self) -> Edge {
        match &self.0.node {
            Some(node) => Edge::Node(node.clone()),
            None if self.requires_grad() => Edge::Leaf(self.clone()),
            None => Edge::Constant,
        }
    }

    /// Identity of this tensor among the living ones: equal for all clones of a handle.
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

/// Changes in place, for parameters and buffers. A tape that saved the old contents refuses to run backward.
impl Tensor {
    /// Overwrites the elements with those of `source`.
    ///
    /// # Errors
    /// When shapes or types differ.
    #[track_caller]
    pub fn assign(&self, source: &Tensor) -> Result<()> {
        if self.spec() != source.spec() {
            return Err(Error::shape(
                "assign",
                format!("cannot put {} into a tensor of {}", source.spec(), self.spec()),
            ));
        }
        let source = source.value().contiguous();
        // Onto itself: nothing to do, and locking the storage twice would never end.
        if source.shares_storage(self.value()) && source.layout() == self.value().layout() {
            return Ok(());
        }
        if let (Device::Cuda(_), false) = (self.device(), source.shares_storage(self.value())) {
            return self.assign_on_device(&source);
        }
        let copy = |target: &mut crate::value::Write<'_>| -> Result<()> {
            for_any!(self.dtype(), T => {
                let source = source.read();
                target.slice_mut::<T>().copy_from_slice(source.slice());
                Ok(())
            })
        };
        if source.shares_storage(self.value()) {
            return Err(Error::argument(
                "assign",
                "source and target overlap in one storage; copy the source first",
            ));
        }
        copy(&mut self.value().modify())
    }

    /// Overwrites the elements on a device with contiguous ones of this shape and type.
    #[track_caller]
    fn assign_on_device(&self, source: &Value) -> Result<()> {
        let value = self.value();
        if !value.is_contiguous() {
            let detail =
                format!("only a contiguous tensor can be changed in place, not {:?}", value.layout());
            return Err(Error::argument("assign", detail));
        }
        let source = source.to_device(self.device())?;
        let size = self.dtype().size_of();
        let (to, from) = (value.layout().offset() * size, source.layout().offset() * size);
        value.note_change();
        Ok(value.device_memory()?.copy(to, source.device_memory()?, from, self.numel() * size)?)
    }

    /// Lets `change` work on the elements in row-major order.
    ///
    /// # Panics
    /// When `T` is not the element type, or the tensor is not contiguous.
    #[track_caller]
    pub fn update<T: Element, R>(&self, change: impl FnOnce(&mut [T]) -> R) -> R {
        change(self.value().modify().slice_mut())
    }
}
