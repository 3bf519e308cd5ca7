"""wengert: a reverse-mode autodiff tensor engine whose tape is the product, and a zoo of generative models.

    import wengert

    w = wengert.randn(2, 3, requires_grad=True)
    x = wengert.randn(4, 3)
    loss = (x @ w.T).tanh().square().mean()
    print(wengert.Graph(loss))      # the list
    loss.backward()                 # the walk back
    print(w.grad)

- Tensors: `tensor`, `from_numpy`, `from_dlpack`, `zeros`, `randn` and their relatives make them; methods and operators have
  PyTorch's names.
- `autograd`: gradients of gradients, Jacobians, checks against finite differences, `no_grad`.
- `nn`, `optim`: layers, initial values, optimisers, schedules.
- `train`, `Run`, `models`: the zoo, by the very trainer of the program `wengert`.
"""

from . import autograd, models, nn, optim
from ._creation import (
    arange,
    bernoulli,
    eye,
    from_numpy,
    full,
    linspace,
    manual_seed,
    ones,
    rand,
    randint,
    randn,
    randperm,
    tensor,
    zeros,
)
from ._files import load, save
from ._wengert import (
    DType,
    Generator,
    Graph,
    Tensor,
    __version__,
    cat,
    einsum,
    from_dlpack,
    live_bytes,
    load_data,
    set_num_threads,
    stack,
    where,
)
from .autograd import enable_grad, grad, is_grad_enabled, no_grad
from .training import Run, train

float32 = DType("float32")
float64 = DType("float64")
int64 = DType("int64")
uint8 = DType("uint8")
bool = DType("bool")

# Functions of tensors are their methods: wengert.exp(x) is x.exp().
abs = Tensor.abs
amax = Tensor.amax
amin = Tensor.amin
argmax = Tensor.argmax
argmin = Tensor.argmin
clamp = Tensor.clamp
cos = Tensor.cos
cumsum = Tensor.cumsum
erf = Tensor.erf
exp = Tensor.exp
flatten = Tensor.flatten
gather = Tensor.gather
log = Tensor.log
log1p = Tensor.log1p
logsumexp = Tensor.logsumexp
matmul = Tensor.matmul
maximum = Tensor.maximum
mean = Tensor.mean
minimum = Tensor.minimum
ones_like = Tensor.ones_like
outer = Tensor.outer
permute = Tensor.permute
pow = Tensor.pow
prod = Tensor.prod
relu = Tensor.relu
reshape = Tensor.reshape
sigmoid = Tensor.sigmoid
sin = Tensor.sin
softmax = Tensor.softmax
sqrt = Tensor.sqrt
square = Tensor.square
std = Tensor.std
sum = Tensor.sum
tanh = Tensor.tanh
topk = Tensor.topk
transpose = Tensor.transpose
var = Tensor.var
zeros_like = Tensor.zeros_like

__all__ = [
    "DType",
    "Generator",
    "Graph",
    "Run",
    "Tensor",
    "__version__",
    "abs",
    "amax",
    "amin",
    "arange",
    "argmax",
    "argmin",
    "autograd",
    "bernoulli",
    "bool",
    "cat",
    "clamp",
    "cos",
    "cumsum",
    "einsum",
    "enable_grad",
    "erf",
    "exp",
    "eye",
    "flatten",
    "float32",
    "float64",
    "from_dlpack",
    "from_numpy",
    "full",
    "gather",
    "grad",
    "int64",
    "is_grad_enabled",
    "linspace",
    "live_bytes",
    "load",
    "load_data",
    "log",
    "log1p",
    "logsumexp",
    "manual_seed",
    "matmul",
    "maximum",
    "mean",
    "minimum",
    "models",
    "nn",
    "no_grad",
    "ones",
    "ones_like",
    "optim",
    "outer",
    "permute",
    "pow",
    "prod",
    "rand",
    "randint",
    "randn",
    "randperm",
    "relu",
    "reshape",
    "save",
    "set_num_threads",
    "sigmoid",
    "sin",
    "softmax",
    "sqrt",
    "square",
    "stack",
    "std",
    "sum",
    "tanh",
    "tensor",
    "topk",
    "train",
    "transpose",
    "uint8",
    "var",
    "where",
    "zeros",
    "zeros_like",
]
