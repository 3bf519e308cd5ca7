"""The native half of wengert: what it holds for the package, and the class `Tensor`."""

import os
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence, Union, final

_Path = Union[str, os.PathLike[str]]
_bool = bool
_float = float
_Operand = Union[Tensor, float]
_Axes = Union[int, Sequence[int]]
_PerAxis = Union[int, Sequence[int]]

__version__: str
__all__ = [
    "DType",
    "checkpoint",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "is_grad_enabled",
    "jacobian",
    "jvp",
    "set_grad_enabled",
    "vjp",
    "load_npz",
    "load_pytorch",
    "load_safetensors",
    "save_npz",
    "save_safetensors",
    "arange",
    "cat",
    "einsum",
    "eye",
    "full",
    "linspace",
    "live_bytes",
    "set_num_threads",
    "stack",
    "where",
    "Generator",
    "Graph",
    "from_dlpack",
    "from_nested",
    "Run",
    "load_data",
    "model_options",
    "models",
    "train",
    "Core",
    "Ema",
    "Optimizer",
    "Schedule",
    "clip_grad_norm_",
    "clip_grad_value_",
    "init_dirac_",
    "init_kaiming_normal_",
    "init_kaiming_uniform_",
    "init_normal_",
    "init_orthogonal_",
    "init_trunc_normal_",
    "init_uniform_",
    "init_xavier_normal_",
    "init_xavier_uniform_",
    "Tensor",
    "__version__",
]

@final
class DType:
    """The type of a tensor's elements: `wengert.float32`, `float64`, `int64`, `uint8` or `bool`."""
    def __new__(cls, name: str) -> DType: ...
    @property
    def is_floating_point(self) -> bool:
        """Whether elements are floats, the only ones that have gradients."""
    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
    @property
    def name(self) -> str:
        """The name, such as `float32`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __reduce__(self, /) -> Any: ...

@final
class Tensor:
    """An n-dimensional array that remembers how it was computed. Made by `wengert.tensor` and its relatives; operators and
    methods have PyTorch's names."""
    __array_ufunc__: None
    @property
    def T(self) -> Tensor:
        """A matrix transposed."""
    def abs(self, /) -> Tensor:
        """|x|; the gradient at 0 is 0."""
    def adaptive_avg_pool2d(self, /, output_size: _PerAxis) -> Tensor:
        """The means of windows that divide any image into `output_size` cells."""
    def add(self, /, other: _Operand) -> Tensor:
        """x + y."""
    def add_(self, /, other: _Operand) -> Tensor:
        """The same in place: elements of this tensor are overwritten."""
    def all(self, /, dim: Optional[_Axes] = None, keepdim: _bool = False) -> Tensor:
        """Whether all elements are true."""
    def amax(self, /, dim: Optional[_Axes] = None, keepdim: _bool = False) -> Tensor:
        """Largest element; ties share the gradient."""
    def amin(self, /, dim: Optional[_Axes] = None, keepdim: _bool = False) -> Tensor:
        """Smallest element; ties share the gradient."""
    def any(self, /, dim: Optional[_Axes] = None, keepdim: _bool = False) -> Tensor:
        """Whether any element is true."""
    def argmax(self, /, dim: Optional[int] = None, keepdim: _bool = False) -> Tensor:
        """Position of the first largest element, along an axis or of all."""
    def argmin(self, /, dim: Optional[int] = None, keepdim: _bool = False) -> Tensor:
        """Position of the first smallest element, along an axis or of all."""
    def argsort(self, /, dim: int = ..., descending: _bool = False) -> Tensor:
        """Positions of the elements in order along an axis."""
    def avg_pool2d(self, /, kernel_size: _PerAxis, stride: Optional[_PerAxis] = None, padding: _PerAxis = ..., ceil_mode: _bool = False, count_include_pad: _bool = True) -> Tensor:
        """The mean of each window of images."""
    def backward(self, /, gradient: Optional[Tensor] = None, *, retain_graph: _bool = False, create_graph: _bool = False) -> None:
        """Adds the gradient of this scalar, or of ⟨self, gradient⟩, into `grad` of every leaf it depends on."""
    def backward_with(self, /, observer: Callable[[int, str, str, Tensor, list[Optional[Tensor]]], Any], *, retain_graph: _bool = False, create_graph: _bool = False) -> None:
        """As `backward`, and calls `observer(position, op, layer, cotangent, gradients)` after each step of the walk."""
    def batch_norm(self, /, running_mean: Optional[Tensor] = None, running_var: Optional[Tensor] = None, weight: Optional[Tensor] = None, bias: Optional[Tensor] = None, training: _bool = False, eps: _float = 1e-05) -> Tensor:
        """Normalises each channel of `[N, C, …]` over the batch, or with given statistics."""
    def binary_cross_entropy(self, /, target: Tensor, reduction: str = 'mean') -> Tensor:
        """−(t ln p + (1 − t) ln(1 − p)) of probabilities p."""
    def binary_cross_entropy_with_logits(self, /, target: Tensor, weight: Optional[Tensor] = None, pos_weight: Optional[Tensor] = None, reduction: str = 'mean') -> Tensor:
        """Binary cross-entropy of sigmoid(x), from the logits x, without overflow."""
    def bmm(self, /, other: Tensor) -> Tensor:
        """Matrix product of two batches `[B, N, K]` and `[B, K, M]`."""
    def bool(self, /) -> Tensor:
        """As truth values."""
    def broadcast_to(self, /, *sizes: _Axes) -> Tensor:
        """Stretched to a shape."""
    def ceil(self, /) -> Tensor:
        """Smallest whole number not below; the gradient is 0."""
    def chunk(self, /, chunks: int, dim: int = 0) -> list[Tensor]:
        """At most `chunks` parts of one size along an axis; the last may be smaller."""
    def clamp(self, /, min: Optional[_float] = None, max: Optional[_float] = None) -> Tensor:
        """x held between `min` and `max`, either of which may be left out. The gradient passes at the bounds."""
    def clone(self, /) -> Tensor:
        """A copy through which gradients flow."""
    def contiguous(self, /) -> Tensor:
        """Self where row-major and without gaps, otherwise a copy that is."""
    def conv1d(self, /, weight: Tensor, bias: Optional[Tensor] = None, stride: _PerAxis = ..., padding: _PerAxis = ..., dilation: _PerAxis = ..., groups: int = 1) -> Tensor:
        """Convolution of signals `[N, C, length]`."""
    def conv2d(self, /, weight: Tensor, bias: Optional[Tensor] = None, stride: _PerAxis = ..., padding: _PerAxis = ..., dilation: _PerAxis = ..., groups: int = 1) -> Tensor:
        """Convolution of images `[N, C, height, width]`."""
    def conv_transpose1d(self, /, weight: Tensor, bias: Optional[Tensor] = None, stride: _PerAxis = ..., padding: _PerAxis = ..., output_padding: _PerAxis = ..., groups: int = 1, dilation: _PerAxis = ...) -> Tensor:
        """Transposed convolution of signals `[N, C, length]`."""
    def conv_transpose2d(self, /, weight: Tensor, bias: Optional[Tensor] = None, stride: _PerAxis = ..., padding: _PerAxis = ..., output_padding: _PerAxis = ..., groups: int = 1, dilation: _PerAxis = ...) -> Tensor:
        """Transposed convolution of images `[N, C, height, width]`."""
    def copy(self, /) -> Tensor:
        """The same elements in memory of their own, without history."""
    def copy_(self, /, source: Tensor) -> Tensor:
        """Overwrites the elements with those of `source`, which must have this shape and type."""
    def cos(self, /) -> Tensor:
        """Cosine of an angle in radians."""
    def cosine_similarity(self, /, other: Tensor, dim: int = 1, eps: _float = 1e-08) -> Tensor:
        """Cosine of the angle between two tensors along an axis."""
    def count_nonzero(self, /, dim: Optional[_Axes] = None, keepdim: _bool = False) -> Tensor:
        """Number of elements that are not 0."""
    def cpu(self, /) -> Tensor:
        """The elements in main memory."""
    def cross_entropy(self, /, target: Tensor, weight: Optional[Tensor] = None, ignore_index: int = ..., reduction: str = 'mean', label_smoothing: _float = 0.0) -> Tensor:
        """−log softmax(x)[target] of logits `[N, C, …]` and classes `[N, …]`."""
    def cumprod(self, /, dim: int) -> Tensor:
        """Products of all elements up to each along an axis."""
    def cumsum(self, /, dim: int) -> Tensor:
        """Sums of all elements up to each along an axis."""
    def detach(self, /) -> Tensor:
        """The same elements without history; the memory is shared."""
    @property
    def device(self) -> str:
        """Where the elements lie, such as `cpu` or `cuda:0`."""
    def diag(self, /) -> Tensor:
        """A vector as the diagonal of a matrix, or the diagonal of a matrix."""
    def diagonal(self, /, dim1: int = 0, dim2: int = 1) -> Tensor:
        """The diagonal of two axes, as the last axis."""
    def dim(self, /) -> int:
        """Number of axes."""
    def div(self, /, other: _Operand) -> Tensor:
        """x / y of floats."""
    def div_(self, /, other: _Operand) -> Tensor:
        """The same in place: elements of this tensor are overwritten."""
    def dot(self, /, other: Tensor) -> Tensor:
        """Inner product of two vectors."""
    def double(self, /) -> Tensor:
        """As f64."""
    def dropout(self, /, p: _float = 0.5, training: _bool = True, *, generator: Generator) -> Tensor:
        """Zeroes each element with probability `p` and scales the others by 1/(1 − p); nothing outside of training."""
    @property
    def dtype(self) -> DType:
        """Element type."""
    def elu(self, /, alpha: _float = 1.0) -> Tensor:
        """x where x > 0, α(eˣ − 1) elsewhere."""
    def embedding(self, /, index: Tensor, padding_idx: Optional[int] = None) -> Tensor:
        """Rows of this table at the positions of `index`."""
    def eq(self, /, other: _Operand) -> Tensor:
        """x = y, element by element."""
    def erf(self, /) -> Tensor:
        """Error function."""
    def exp(self, /) -> Tensor:
        """eˣ."""
    def expand(self, /, *sizes: _Axes) -> Tensor:
        """Stretched along axes of size 1; −1 keeps a size."""
    def expm1(self, /) -> Tensor:
        """eˣ − 1, accurate near 0."""
    def fill_(self, /, value: _float) -> Tensor:
        """Overwrites every element."""
    def flatten(self, /, start_dim: int = 0, end_dim: int = ...) -> Tensor:
        """_Axes from `start_dim` to `end_dim`, both included, as one."""
    def flip(self, /, dims: _Axes) -> Tensor:
        """_Axes in reverse."""
    def float(self, /) -> Tensor:
        """As f32."""
    def floor(self, /) -> Tensor:
        """Largest whole number not above; the gradient is 0."""
    def fold(self, /, output_size: _PerAxis, kernel_size: _PerAxis, dilation: _PerAxis = ..., padding: _PerAxis = ..., stride: _PerAxis = ...) -> Tensor:
        """The sum of patches where they lay: the adjoint of `unfold`."""
    def full_like(self, /, fill_value: _float) -> Tensor:
        """One value in this shape and type."""
    def gather(self, /, dim: int, index: Tensor) -> Tensor:
        """Elements at `index` along an axis: out[i][j] = x[index[i][j]][j] for axis 0."""
    def gaussian_kl(self, /, logvar: Tensor, reduction: str = 'mean') -> Tensor:
        """KL(N(self, e^logvar) ‖ N(0, 1)) of every element."""
    def ge(self, /, other: _Operand) -> Tensor:
        """x ≥ y, element by element."""
    def gelu(self, /, approximate: str = 'none') -> Tensor:
        """x · Φ(x), exactly (`none`) or by the formula with `tanh`."""
    @property
    def grad(self) -> Optional[Tensor]:
        """What `backward` has added up for this leaf."""
    @grad.setter
    def grad(self, value: Optional[Tensor]) -> None: ...
    @property
    def grad_fn(self) -> Optional[str]:
        """Name of the recorded op that made this tensor."""
    def group_norm(self, /, num_groups: int, weight: Optional[Tensor] = None, bias: Optional[Tensor] = None, eps: _float = 1e-05) -> Tensor:
        """Normalises groups of channels of each example."""
    def gt(self, /, other: _Operand) -> Tensor:
        """x > y, element by element."""
    def hardtanh(self, /, min_val: _float = ..., max_val: _float = 1.0) -> Tensor:
        """x held between the bounds; the gradient at them is 0."""
    def hinge_loss(self, /, target: Tensor, reduction: str = 'mean') -> Tensor:
        """max(0, 1 − t·x) of targets −1 and 1."""
    def index_add(self, /, dim: int, index: Tensor, source: Tensor) -> Tensor:
        """A copy with parts of `source` added at the positions of a vector along an axis."""
    def index_select(self, /, dim: int, index: Tensor) -> Tensor:
        """The parts at the positions of a vector along an axis."""
    def interpolate(self, /, size: Optional[_PerAxis] = None, scale_factor: Optional[_float] = None, mode: str = 'nearest', align_corners: _bool = False) -> Tensor:
        """Images resized by repeating pixels (`nearest`) or between them (`bilinear`)."""
    def is_contiguous(self, /) -> _bool:
        """Whether the elements lie row-major and without gaps."""
    @property
    def is_leaf(self) -> _bool:
        """Whether the user made this tensor, rather than a recorded op."""
    def is_same(self, /, other: Tensor) -> _bool:
        """Whether two tensors are handles to one: `is` compares the handles."""
    def isfinite(self, /) -> Tensor:
        """Whether a float is neither infinite nor NaN."""
    def isinf(self, /) -> Tensor:
        """Whether a float is infinite."""
    def isnan(self, /) -> Tensor:
        """Whether a float is NaN."""
    def item(self, /) -> Union[_float, int, _bool]:
        """The only element as a number of Python."""
    def kl_div(self, /, target: Tensor, log_target: _bool = False, reduction: str = 'mean') -> Tensor:
        """t (ln t − x) of log-probabilities x; eᵗ in place of t where the target holds logarithms too."""
    def l1_loss(self, /, target: Tensor, reduction: str = 'mean') -> Tensor:
        """|x − t|."""
    def layer_norm(self, /, normalized_shape: Sequence[int], weight: Optional[Tensor] = None, bias: Optional[Tensor] = None, eps: _float = 1e-05) -> Tensor:
        """Normalises over the last axes, whose sizes are `normalized_shape`."""
    def le(self, /, other: _Operand) -> Tensor:
        """x ≤ y, element by element."""
    def leaky_relu(self, /, negative_slope: _float = 0.01) -> Tensor:
        """x where x > 0, `negative_slope` · x elsewhere."""
    def linear(self, /, weight: Tensor, bias: Optional[Tensor] = None) -> Tensor:
        """x Wᵀ + b, with `weight` `[out, in]`."""
    def log(self, /) -> Tensor:
        """Natural logarithm."""
    def log1p(self, /) -> Tensor:
        """ln(1 + x), accurate near 0."""
    def log_sigmoid(self, /) -> Tensor:
        """ln sigmoid(x), without overflow."""
    def log_softmax(self, /, dim: int) -> Tensor:
        """Logarithm of the softmax."""
    def logical_and(self, /, other: Tensor) -> Tensor:
        """Whether both are true."""
    def logical_not(self, /) -> Tensor:
        """Whether an element is false or 0."""
    def logical_or(self, /, other: Tensor) -> Tensor:
        """Whether one or both are true."""
    def logical_xor(self, /, other: Tensor) -> Tensor:
        """Whether exactly one is true."""
    def logsumexp(self, /, dim: Optional[_Axes] = None, keepdim: _bool = False) -> Tensor:
        """ln Σ eˣ over axes, without overflow."""
    def long(self, /) -> Tensor:
        """As i64."""
    def lt(self, /, other: _Operand) -> Tensor:
        """x < y, element by element."""
    def masked_fill(self, /, mask: Tensor, value: _float) -> Tensor:
        """A copy with `value` where the mask is true."""
    def matmul(self, /, other: Tensor) -> Tensor:
        """Matrix product, batched over leading axes that broadcast."""
    def max(self, /) -> Tensor:
        """Largest element of all."""
    def max_pool1d(self, /, kernel_size: _PerAxis, stride: Optional[_PerAxis] = None, padding: _PerAxis = ..., dilation: _PerAxis = ..., ceil_mode: _bool = False) -> Tensor:
        """The largest element of each window of signals; the first where several are."""
    def max_pool2d(self, /, kernel_size: _PerAxis, stride: Optional[_PerAxis] = None, padding: _PerAxis = ..., dilation: _PerAxis = ..., ceil_mode: _bool = False) -> Tensor:
        """The largest element of each window of images; the first where several are."""
    def maximum(self, /, other: Tensor) -> Tensor:
        """The larger of two elements; ties share the gradient."""
    def mean(self, /, dim: Optional[_Axes] = None, keepdim: _bool = False) -> Tensor:
        """Mean over axes."""
    def min(self, /) -> Tensor:
        """Smallest element of all."""
    def minimum(self, /, other: Tensor) -> Tensor:
        """The smaller of two elements; ties share the gradient."""
    def mm(self, /, other: Tensor) -> Tensor:
        """Matrix product of two matrices."""
    def movedim(self, /, source: int, destination: int) -> Tensor:
        """An axis moved to another place."""
    def mse_loss(self, /, target: Tensor, reduction: str = 'mean') -> Tensor:
        """(x − t)²."""
    def mul(self, /, other: _Operand) -> Tensor:
        """x · y."""
    def mul_(self, /, other: _Operand) -> Tensor:
        """The same in place: elements of this tensor are overwritten."""
    @property
    def name(self) -> Optional[str]:
        """The name that graphs and errors show, `None` where it has none. Only tensors made by the user can be named."""
    @name.setter
    def name(self, value: str) -> None: ...
    def narrow(self, /, dim: int, start: int, length: int) -> Tensor:
        """`length` positions of an axis from `start` on."""
    @property
    def ndim(self) -> int:
        """Number of axes."""
    def ne(self, /, other: _Operand) -> Tensor:
        """x ≠ y, element by element."""
    def neg(self, /) -> Tensor:
        """−x."""
    def nll_loss(self, /, target: Tensor, weight: Optional[Tensor] = None, ignore_index: int = ..., reduction: str = 'mean') -> Tensor:
        """−x[target] of log-probabilities."""
    def norm(self, /, p: _float = 2.0, dim: Optional[_Axes] = None, keepdim: _bool = False) -> Tensor:
        """The p-norm over axes."""
    def numel(self, /) -> int:
        """Number of elements."""
    def numpy(self, /) -> Any:
        """The elements as an array of NumPy: read-only, of the same memory."""
    def one_hot(self, /, num_classes: int) -> Tensor:
        """Whole numbers as rows with a 1 at their place, i64."""
    def ones_like(self, /) -> Tensor:
        """Ones of this shape and type."""
    def outer(self, /, other: Tensor) -> Tensor:
        """Outer product of two vectors."""
    def pad(self, /, pad: Sequence[int], mode: str = 'constant', value: _float = 0.0) -> Tensor:
        """More elements around the edges: `pad` holds (before, after) pairs, the last axis first, as PyTorch has it."""
    def permute(self, /, *dims: _Axes) -> Tensor:
        """_Axes in another order."""
    def pixel_shuffle(self, /, upscale_factor: int) -> Tensor:
        """`[N, C·r², h, w]` as `[N, C, h·r, w·r]`."""
    def pixel_unshuffle(self, /, downscale_factor: int) -> Tensor:
        """`[N, C, h·r, w·r]` as `[N, C·r², h, w]`."""
    def pow(self, /, exponent: _Operand) -> Tensor:
        """xʸ of floats."""
    def prod(self, /, dim: Optional[_Axes] = None, keepdim: _bool = False) -> Tensor:
        """Product over axes."""
    def reciprocal(self, /) -> Tensor:
        """1/x."""
    def register_hook(self, /, hook: Callable[[Tensor], Optional[Tensor]]) -> None:
        """Calls `hook` with this tensor's complete cotangent in every backward pass; what it returns, unless `None`, replaces
        it."""
    def relu(self, /) -> Tensor:
        """max(0, x); the gradient at 0 is 0."""
    def reparameterise(self, /, logvar: Tensor, noise: Tensor) -> Tensor:
        """self + e^(½ logvar) · noise, as one op."""
    def repeat(self, /, *repeats: _Axes) -> Tensor:
        """The tensor repeated along each axis."""
    @property
    def requires_grad(self) -> _bool:
        """Whether ops on this tensor are recorded."""
    @requires_grad.setter
    def requires_grad(self, value: _bool) -> None: ...
    def requires_grad_(self, /, requires_grad: _bool = True) -> Tensor:
        """Asks for a gradient, or no longer, and returns the tensor."""
    def reshape(self, /, *shape: _Axes) -> Tensor:
        """The same elements in row-major order under another shape; one size may be −1."""
    def round(self, /) -> Tensor:
        """Nearest whole number, halves to the even one; the gradient is 0."""
    def rsqrt(self, /) -> Tensor:
        """1/√x."""
    def scatter(self, /, dim: int, index: Tensor, src: Tensor) -> Tensor:
        """A copy with the elements of `src` at the positions `index` along an axis."""
    def scatter_add(self, /, dim: int, index: Tensor, src: Tensor) -> Tensor:
        """A copy with the elements of `src` added at the positions `index` along an axis."""
    def select(self, /, dim: int, index: int) -> Tensor:
        """One position of an axis, which goes away."""
    def selu(self, /) -> Tensor:
        """Self-normalising linear unit."""
    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
    def shares_storage(self, /, other: Tensor) -> _bool:
        """Whether two tensors look onto the same memory."""
    def sigmoid(self, /) -> Tensor:
        """1/(1 + e⁻ˣ)."""
    def sign(self, /) -> Tensor:
        """−1, 0 or 1; the gradient is 0."""
    def silu(self, /) -> Tensor:
        """x · sigmoid(x)."""
    def sin(self, /) -> Tensor:
        """Sine of an angle in radians."""
    def size(self, /, dim: Optional[int] = None) -> Any:
        """Sizes of the axes, or of one."""
    def smooth_l1_loss(self, /, target: Tensor, beta: _float = 1.0, reduction: str = 'mean') -> Tensor:
        """½(x − t)²/β near 0, |x − t| − ½β beyond β."""
    def softmax(self, /, dim: int) -> Tensor:
        """eˣ over its sum along an axis."""
    def softplus(self, /, beta: _float = 1.0, threshold: _float = 20.0) -> Tensor:
        """ln(1 + e^(βx))/β; x itself where βx is above the threshold."""
    def sort(self, /, dim: int = ..., descending: _bool = False) -> tuple[Tensor, Tensor]:
        """Elements in order along an axis, and where each was."""
    def split(self, /, split_size: int, dim: int = 0) -> list[Tensor]:
        """Parts of `split_size` along an axis; the last may be smaller."""
    def sqrt(self, /) -> Tensor:
        """√x."""
    def square(self, /) -> Tensor:
        """x²."""
    def squeeze(self, /, dim: Optional[int] = None) -> Tensor:
        """Without axes of size 1: one of them, or all."""
    def std(self, /, dim: Optional[_Axes] = None, correction: _float = 1.0, keepdim: _bool = False) -> Tensor:
        """Square root of `var`."""
    def stride(self, /) -> tuple[int, ...]:
        """Distances in elements between neighbours along each axis."""
    def sub(self, /, other: _Operand) -> Tensor:
        """x − y."""
    def sub_(self, /, other: _Operand) -> Tensor:
        """The same in place: elements of this tensor are overwritten."""
    def sum(self, /, dim: Optional[_Axes] = None, keepdim: _bool = False) -> Tensor:
        """Sum over axes."""
    def t(self, /) -> Tensor:
        """A matrix transposed."""
    def tanh(self, /) -> Tensor:
        """Hyperbolic tangent."""
    def to(self, /, target: Union[DType, str, None] = None, *, dtype: Optional[DType] = None, device: Optional[str] = None) -> Tensor:
        """The same elements in another type, or on another device; with the latter, without history."""
    def tolist(self, /) -> Any:
        """The elements as numbers of Python, in nested lists."""
    def topk(self, /, k: int, dim: int = ..., largest: _bool = True) -> tuple[Tensor, Tensor]:
        """The `k` largest or smallest elements along an axis, and where each was."""
    def transpose(self, /, dim0: int, dim1: int) -> Tensor:
        """Two axes swapped."""
    def tril(self, /, diagonal: int = 0) -> Tensor:
        """The lower triangle of matrices, zero elsewhere."""
    def triu(self, /, diagonal: int = 0) -> Tensor:
        """The upper triangle of matrices, zero elsewhere."""
    def unflatten(self, /, dim: int, sizes: Sequence[int]) -> Tensor:
        """An axis as several."""
    def unfold(self, /, kernel_size: _PerAxis, dilation: _PerAxis = ..., padding: _PerAxis = ..., stride: _PerAxis = ...) -> Tensor:
        """The patches of images `[N, C, h, w]` as columns `[N, C·kernel, positions]`."""
    def unsqueeze(self, /, dim: int) -> Tensor:
        """With a new axis of size 1."""
    def var(self, /, dim: Optional[_Axes] = None, correction: _float = 1.0, keepdim: _bool = False) -> Tensor:
        """Variance, with the sum of squares divided by the count less `correction`."""
    def view(self, /, *shape: _Axes) -> Tensor:
        """As `reshape`: a view where the strides allow it, otherwise a copy."""
    def where(self, /, condition: Tensor, other: Tensor) -> Tensor:
        """This where `condition` is true, `other` elsewhere."""
    def zero_(self, /) -> Tensor:
        """Overwrites every element with 0."""
    def zero_grad(self, /) -> None:
        """Forgets the gradient."""
    def zeros_like(self, /) -> Tensor:
        """Zeros of this shape and type."""
    def __abs__(self, /) -> Tensor: ...
    def __add__(self, value: _Operand, /) -> Tensor: ...
    def __and__(self, value: Tensor, /) -> Tensor: ...
    def __array__(self, /, dtype: Any = None, copy: Optional[_bool] = None) -> Any: ...
    def __bool__(self, /) -> _bool: ...
    def __dlpack__(self, /, *, stream: Any = None, max_version: Optional[tuple[int, int]] = None, dl_device: Optional[tuple[int, int]] = None, copy: Optional[_bool] = None) -> Any: ...
    def __dlpack_device__(self, /) -> tuple[int, int]: ...
    def __eq__(self, other: _Operand, /) -> Tensor: ...  # type: ignore[override]
    def __float__(self, /) -> _float: ...
    def __ge__(self, other: _Operand, /) -> Tensor: ...
    def __getitem__(self, key: Any, /) -> Tensor: ...
    def __gt__(self, other: _Operand, /) -> Tensor: ...
    def __iadd__(self, other: _Operand, /) -> Tensor: ...
    def __imul__(self, other: _Operand, /) -> Tensor: ...
    def __index__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __invert__(self, /) -> Tensor: ...
    def __isub__(self, other: _Operand, /) -> Tensor: ...
    def __iter__(self, /) -> Iterator[Tensor]: ...
    def __itruediv__(self, other: _Operand, /) -> Tensor: ...
    def __le__(self, other: _Operand, /) -> Tensor: ...
    def __len__(self, /) -> int: ...
    def __lt__(self, other: _Operand, /) -> Tensor: ...
    def __matmul__(self, value: Tensor, /) -> Tensor: ...
    def __mul__(self, value: _Operand, /) -> Tensor: ...
    def __ne__(self, other: _Operand, /) -> Tensor: ...  # type: ignore[override]
    def __neg__(self, /) -> Tensor: ...
    def __or__(self, value: Tensor, /) -> Tensor: ...
    def __pow__(self, value: _Operand, mod: Optional[None] = None, /) -> Tensor: ...
    def __radd__(self, value: _float, /) -> Tensor: ...
    def __rand__(self, value: Tensor, /) -> Tensor: ...
    def __rmatmul__(self, value: Tensor, /) -> Tensor: ...
    def __rmul__(self, value: _float, /) -> Tensor: ...
    def __ror__(self, value: Tensor, /) -> Tensor: ...
    def __rpow__(self, value: _float, mod: Optional[None] = None, /) -> Tensor: ...
    def __rsub__(self, value: _float, /) -> Tensor: ...
    def __rtruediv__(self, value: _float, /) -> Tensor: ...
    def __rxor__(self, value: Tensor, /) -> Tensor: ...
    def __sub__(self, value: _Operand, /) -> Tensor: ...
    def __truediv__(self, value: _Operand, /) -> Tensor: ...
    def __xor__(self, value: Tensor, /) -> Tensor: ...

@final
class Generator:
    """A stream of random numbers: the same seed gives the same numbers on every machine and device."""
    def __new__(cls, seed: int = 0) -> Generator: ...
    def bernoulli(self, /, probability: Tensor) -> Tensor:
        """1 with the probability that each element gives, 0 otherwise."""
    def exponential(self, /, size: Sequence[int], rate: float = 1.0, dtype: DType = ...) -> Tensor:
        """Floats with density λ e^(−λx)."""
    def gumbel(self, /, size: Sequence[int], dtype: DType = ...) -> Tensor:
        """Standard Gumbel floats."""
    def normal(self, /, size: Sequence[int], mean: float = 0.0, std: float = 1.0, dtype: DType = ...) -> Tensor:
        """Normal floats."""
    def randint(self, /, low: int, high: int, size: Sequence[int]) -> Tensor:
        """i64 spread evenly over `low..high`."""
    def randperm(self, /, n: int) -> Tensor:
        """0, 1, …, n − 1 in random order."""
    @property
    def state(self) -> tuple[int, int, int]:
        """Seed, stream and position."""
    def stream(self, /, n: int) -> Generator:
        """The `n`-th of many streams of this seed, at its beginning."""
    def uniform(self, /, size: Sequence[int], low: float = 0.0, high: float = 1.0, dtype: DType = ...) -> Tensor:
        """Floats spread evenly over `[low, high)`."""

@final
class Graph:
    """The list of recorded ops that a tensor depends on, in the order in which they ran: what `backward` walks from its end."""
    def __new__(cls, tensor: Tensor) -> Graph: ...
    @property
    def ops(self) -> list[str]:
        """Names of the ops in execution order."""
    def to_dot(self, /) -> str:
        """The list as Graphviz's DOT."""
    def to_json(self, /) -> str:
        """The list as JSON."""
    def __len__(self, /) -> int: ...

@final
class Core:
    """A layer with its parameters. `wengert.nn` has a class for each kind."""
    @staticmethod
    def activation(name: str, numbers: Sequence[float] = ...) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def adaptive_avg_pool2d(output_size: _PerAxis) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    def assign_names(self, /, path: _Path) -> None:
        """Tells the layer and its tensors their names in a model."""
    @staticmethod
    def avg_pool2d(kernel_size: _PerAxis, stride: Optional[_PerAxis], padding: _PerAxis) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def batch_norm(axes: int, num_features: int, eps: float, momentum: Optional[float], affine: bool, track_running_stats: bool) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def conv(axes: int, in_channels: int, out_channels: int, kernel_size: _PerAxis, stride: _PerAxis, padding: _PerAxis, dilation: _PerAxis, groups: int, bias: bool, generator: Generator) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def conv_transpose(axes: int, in_channels: int, out_channels: int, kernel_size: _PerAxis, stride: _PerAxis, padding: _PerAxis, output_padding: _PerAxis, dilation: _PerAxis, groups: int, bias: bool, generator: Generator) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def dropout(p: float, generator: Generator) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def embedding(num_embeddings: int, embedding_dim: int, padding_idx: Optional[int], generator: Generator) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def flatten(start_dim: int, end_dim: int) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    def forward(self, /, input: Tensor) -> Tensor:
        """The layer's output."""
    def forward_activated(self, /, input: Tensor, next: Core) -> Optional[Tensor]:
        """The output of this layer and an activation after it as one op, or `None` where there is no such op."""
    def generator_state(self, /) -> dict[str, Tensor]:
        """Positions of the streams of random numbers that the layer owns."""
    @staticmethod
    def group_norm(num_groups: int, num_channels: int, eps: float, affine: bool) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def instance_norm(axes: int, num_features: int, eps: float, momentum: float, affine: bool, track_running_stats: bool) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def layer_norm(normalized_shape: Sequence[int], eps: float, affine: bool) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def linear(in_features: int, out_features: int, bias: bool, generator: Generator) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    def load_generator_state(self, /, state: Mapping[str, Tensor]) -> None:
        """Puts the streams where they were."""
    @staticmethod
    def max_pool2d(kernel_size: _PerAxis, stride: Optional[_PerAxis], padding: _PerAxis) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    def named_buffers(self, /) -> list[tuple[str, Tensor]]:
        """What belongs to the state but is not trained."""
    def named_parameters(self, /) -> list[tuple[str, Tensor]]:
        """The parameters with their names within the layer."""
    @staticmethod
    def pixel_shuffle(factor: int, inverse: bool) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    def recur(self, /, input: Tensor, states: Optional[Sequence[Tensor]] = None) -> tuple[Tensor, list[Tensor]]:
        """The outputs of a recurrent layer and its last states."""
    @staticmethod
    def recurrent(kind: str, input_size: int, hidden_size: int, num_layers: int, bias: bool, batch_first: bool, dropout: float, bidirectional: bool, generator: Generator) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    def set_training(self, /, training: bool) -> None:
        """Whether the layer behaves as in training."""
    def to_dtype(self, /, dtype: DType) -> None:
        """Converts the parameters, which become new tensors."""
    @staticmethod
    def unflatten(dim: int, sizes: Sequence[int]) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def upsample(scale_factor: _PerAxis, mode: str, align_corners: bool) -> Core:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""

@final
class Optimizer:
    """Something that moves parameters against their gradients. `wengert.optim` has a class for each kind."""
    @staticmethod
    def adagrad(parameters: Sequence[Tensor], learning_rate: float, lr_decay: float, weight_decay: float, initial_accumulator_value: float, eps: float) -> Optimizer:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def adam(parameters: Sequence[Tensor], learning_rate: float, betas: tuple[float, float], eps: float, weight_decay: float, amsgrad: bool, decoupled: bool) -> Optimizer:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    def add_group(self, /, parameters: Sequence[Tensor], learning_rate: float, weight_decay: Optional[float] = None) -> None:
        """Adds parameters with a learning rate of their own."""
    @property
    def learning_rates(self) -> list[float]:
        """The learning rate of each group."""
    def load_state_dict(self, /, state: Mapping[str, Tensor]) -> None:
        """Restores what `state_dict` gave."""
    @property
    def parameters(self) -> list[Tensor]:
        """All parameters."""
    @staticmethod
    def rmsprop(parameters: Sequence[Tensor], learning_rate: float, alpha: float, eps: float, weight_decay: float, momentum: float, centered: bool) -> Optimizer:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    def scale_learning_rate(self, /, factor: float) -> None:
        """Sets every group's learning rate to `factor` times the one it started with."""
    def set_learning_rate(self, /, learning_rate: float) -> None:
        """Gives every group this learning rate."""
    @staticmethod
    def sgd(parameters: Sequence[Tensor], learning_rate: float, momentum: float, dampening: float, weight_decay: float, nesterov: bool) -> Optimizer:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    def state_dict(self, /) -> dict[str, Tensor]:
        """What a resumed run needs."""
    def step(self, /) -> None:
        """Changes every parameter that has a gradient."""
    def zero_grad(self, /) -> None:
        """Forgets the gradients of all parameters."""

@final
class Ema:
    """Exponential moving average of parameters: a ← d·a + (1 − d)·θ."""
    def __new__(cls, parameters: Sequence[Tensor], decay: float, warm_up: bool = False) -> Ema: ...
    @property
    def averages(self) -> list[Tensor]:
        """The averages, in the order of the parameters."""
    def load_state_dict(self, /, state: Mapping[str, Tensor]) -> None:
        """Restores what `state_dict` gave."""
    def state_dict(self, /) -> dict[str, Tensor]:
        """The averages and the number of updates."""
    def swap(self, /) -> None:
        """Exchanges the parameters' values and the averages; call it again to undo it."""
    def update(self, /) -> None:
        """Takes in the parameters' present values."""

@final
class Schedule:
    """The factor on the learning rate at each step, or epoch."""
    @staticmethod
    def constant() -> Schedule:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def cosine(steps: int, minimum: float = 0.0) -> Schedule:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def exponential(gamma: float) -> Schedule:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    def factor(self, /, step: int) -> float:
        """The factor at `step`, counted from 0."""
    @staticmethod
    def linear(steps: int, end: float = 0.0) -> Schedule:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def multi_step(milestones: Sequence[int], gamma: float) -> Schedule:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    @staticmethod
    def step(every: int, gamma: float) -> Schedule:
        """staticmethod(function) -> method

        Convert a function to be a static method.

        A static method does not receive an implicit first argument.
        To declare a static method, use this idiom:

             class C:
                 @staticmethod
                 def f(arg1, arg2, argN):
                     ...

        It can be called either on the class (e.g. C.f()) or on an instance
        (e.g. C().f()). Both the class and the instance are ignored, and
        neither is passed implicitly as the first argument to the method.

        Static methods in Python are similar to those found in Java or C++.
        For a more advanced concept, see the classmethod builtin."""
    def warm_up(self, /, steps: int, start: float = 0.0) -> Schedule:
        """A straight line from `start` to 1 in `steps`, then this schedule from its beginning."""

@final
class Run:
    """A trained model, in evaluation mode. `wengert.Run` is made of it."""
    def __new__(cls, path: _Path) -> Run: ...
    @property
    def classes(self) -> Optional[int]:
        """How many classes the model is conditioned on."""
    @property
    def code_size(self) -> int:
        """How many numbers make a code."""
    @property
    def config(self) -> str:
        """The configuration, as JSON."""
    def decode(self, /, codes: Tensor, labels: Optional[Tensor]) -> Tensor:
        """The images of codes."""
    def encode(self, /, images: Tensor, labels: Optional[Tensor]) -> Tensor:
        """The codes of images."""
    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
    @property
    def model(self) -> str:
        """The name of the model."""
    @property
    def parameter_count(self) -> int:
        """Trained numbers."""
    @property
    def path(self) -> Any:
        """Where the run or its checkpoint lies."""
    def reconstruct(self, /, images: Tensor, labels: Optional[Tensor]) -> Tensor:
        """Images as the model gives them back."""
    @property
    def records(self) -> list[str]:
        """The records of the run's epochs, each as JSON; none for a checkpoint apart from its run."""
    def sample(self, /, count: int, seed: int) -> tuple[Tensor, Tensor, Optional[Tensor]]:
        """Images drawn from the model, with their codes and, of a conditional model, their labels."""
    @property
    def state(self) -> tuple[int, int, float]:
        """Epochs and steps done, and the lowest test loss."""
    def state_dict(self, /) -> dict[str, Tensor]:
        """The weights and buffers by name."""

def arange(start: int, end: int, step: int) -> Tensor:
    """i64 numbers `start, start + step, …` before `end`."""
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors one after another along an axis."""
def checkpoint(function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """f(inputs) without what its backward pass needs; that is computed again when it is needed."""
def clip_grad_norm_(parameters: Sequence[Tensor], max_norm: float) -> Tensor:
    """Scales all gradients by one factor, so that their joint 2-norm is at most `max_norm`; returns the norm before that."""
def clip_grad_value_(parameters: Sequence[Tensor], clip_value: float) -> None:
    """Moves every element of every gradient into −`clip_value`..=`clip_value`."""
def einsum(equation: str, *operands: Tensor) -> Tensor:
    """Sums of products by Einstein's convention, such as `bij,bjk->bik`."""
def eye(n: int, dtype: DType) -> Tensor:
    """The identity matrix."""
def from_dlpack(array: Any, copy: Optional[bool] = None) -> Tensor:
    """A tensor of what has `__dlpack__`: of the same memory, unless `copy` is true or it cannot be shared."""
def from_nested(data: Any, dtype: Optional[DType] = None) -> Tensor:
    """A tensor of numbers in nested lists or tuples: float32 for floats, int64 for whole numbers, bool for truth values, unless
    `dtype` is given."""
def full(size: Sequence[int], fill_value: float, dtype: DType, device: str = 'cpu') -> Tensor:
    """`size` filled with one value."""
def grad(outputs: Sequence[Tensor], inputs: Sequence[Tensor], grad_outputs: Optional[Sequence[Tensor]], retain_graph: bool, create_graph: bool, materialize_grads: bool) -> list[Tensor]:
    """Gradients of Σ ⟨outputs, grad_outputs⟩ with respect to `inputs`; nothing is added to any `grad`."""
def gradcheck(function: Callable[..., Tensor], inputs: Sequence[Tensor], eps: float, atol: float, rtol: float, second: bool) -> tuple[bool, str]:
    """Whether gradients agree with finite differences in f64, and the worst of them in words."""
def hessian(function: Callable[..., Tensor], x: Tensor) -> Tensor:
    """∂²f/∂x² of a scalar function, of shape `[x…, x…]`."""
def hvp(function: Callable[..., Tensor], x: Tensor, v: Tensor) -> Tensor:
    """∂²f/∂x²·v of a scalar function."""
def init_dirac_(tensor: Tensor, groups: int) -> None:
    """Convolutions that pass their input on."""
def init_kaiming_normal_(tensor: Tensor, mode: str, nonlinearity: str, a: float, generator: Generator) -> None:
    """He and others' normal values."""
def init_kaiming_uniform_(tensor: Tensor, mode: str, nonlinearity: str, a: float, generator: Generator) -> None:
    """He and others' uniform values."""
def init_normal_(tensor: Tensor, mean: float, std: float, generator: Generator) -> None:
    """Normal."""
def init_orthogonal_(tensor: Tensor, gain: float, generator: Generator) -> None:
    """Orthogonal rows."""
def init_trunc_normal_(tensor: Tensor, mean: float, std: float, low: float, high: float, generator: Generator) -> None:
    """Normal between two bounds."""
def init_uniform_(tensor: Tensor, low: float, high: float, generator: Generator) -> None:
    """Uniform over `[low, high)`."""
def init_xavier_normal_(tensor: Tensor, gain: float, generator: Generator) -> None:
    """Glorot and Bengio's normal values."""
def init_xavier_uniform_(tensor: Tensor, gain: float, generator: Generator) -> None:
    """Glorot and Bengio's uniform values."""
def is_grad_enabled() -> bool:
    """Whether ops on this thread are being recorded."""
def jacobian(function: Callable[..., Tensor], x: Tensor) -> Tensor:
    """∂f/∂x, of shape `[f(x)…, x…]`."""
def jvp(function: Callable[..., Tensor], x: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """f(x) and ∂f/∂x·v."""
def linspace(start: float, end: float, steps: int, dtype: DType) -> Tensor:
    """`steps` evenly spaced floats from `start` to `end`, both included."""
def live_bytes() -> int:
    """Bytes held by living tensors."""
def load_data(name: str, split: str, directory: Optional[_Path] = None) -> tuple[Tensor, Tensor]:
    """The images of a data set, f32 `[N, C, H, W]` in 0..1, and their classes."""
def load_npz(path: _Path) -> dict[str, Tensor]:
    """The arrays of an NPZ file."""
def load_pytorch(path: _Path) -> dict[str, Tensor]:
    """The state dictionary of a file of PyTorch; nothing in it is executed."""
def load_safetensors(path: _Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a safetensors file."""
def model_options(model: str) -> str:
    """The options of a model with their defaults, as JSON."""
def models() -> list[tuple[str, str, str, str]]:
    """Name, family, description and paper of every model."""
def save_npz(path: _Path, arrays: Mapping[str, Tensor]) -> None:
    """Writes an NPZ file, replacing an old one whole or not at all."""
def save_safetensors(path: _Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Writes a safetensors file, replacing an old one whole or not at all."""
def set_grad_enabled(enabled: bool) -> bool:
    """Switches recording on this thread on or off, and returns what it was."""
def set_num_threads(count: int) -> None:
    """How many threads ops use, before the first of them has run; results are the same for any number."""
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape along a new axis."""
def train(model: Optional[str], settings: Sequence[tuple[str, str, str]], data: Optional[str], out: Optional[_Path], force: bool, resume: Optional[_Path], observer: Optional[Callable[[str, str], Any]]) -> tuple[Any, str]:
    """Trains a model and returns the run folder and how the run ended: `finished`, `step limit` or `interrupted`.

    `settings` are dotted keys with their values as text; `observer(kind, contents)` is told what happens, with JSON as
    contents. An exception of it, and Ctrl-C, stop the run after its next checkpoint."""
def vjp(function: Callable[..., Tensor], x: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """f(x) and vᵀ·∂f/∂x."""
def where(condition: Tensor, input: Tensor, other: Tensor) -> Tensor:
    """`input` where the condition is true, `other` elsewhere."""
