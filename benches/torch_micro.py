"""The bench's micro workloads in PyTorch: one call of an op on operands that were made before.

Elementwise functions write into a tensor that exists, where PyTorch has that form; what makes a new tensor (`allocate`,
`random`, `softmax`, …) makes and drops it in every call, through PyTorch's own allocator. On a GPU the calls of a
step are started one after the other, and the step ends when the last has run.
"""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from baseline import Micro, elements, sizes, square

Call = Callable[[], object]

BINARY = {"add": torch.add, "mul": torch.mul}
UNARY = {"exp": torch.exp, "tanh": torch.tanh, "sigmoid": torch.sigmoid}
REDUCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sum": torch.sum,
    "sum-rows": partial(torch.sum, dim=1),
    "sum-columns": partial(torch.sum, dim=0),
    "max-rows": partial(torch.amax, dim=1),
}


def load(name: str, repeat: int, fused: bool, compiled: bool, device: torch.device) -> Micro:
    """The workload of that name. Where `compiled`, ops go through `torch.compile`."""
    with device:  # for the operands only: in every call it would cost time
        call = prepare(name, fused, compiled, device)
    return Micro(call, repeat, finish=partial(synchronize, device))


def synchronize(device: torch.device) -> None:
    """Waits until everything that was started has run."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def prepare(name: str, fused: bool, compiled: bool, device: torch.device) -> Call:
    """Operands where new tensors go by default, and the call that is timed."""
    match name.split():
        case ["gemm", shape, layout]:
            call = gemm(shape, layout)
        case ["conv" | "conv-transpose" as kind, shape, outputs, "k4", "s2", "p1", direction]:
            call = convolution(shape, int(outputs), direction, transposed=kind == "conv-transpose")
        case ["elementwise", function, count]:
            call = elementwise(function, elements(count), compiled)
        case ["allocate", "add", count]:
            call = partial(torch.add, uniform(elements(count)), uniform(elements(count)))
        case ["reduce", reduction, count]:
            call = partial(REDUCTIONS[reduction], uniform(square(count), square(count)))
        case ["softmax", shape]:
            call = partial(torch.softmax, torch.randn(sizes(shape)), -1)
        case ["batch-norm", shape]:
            return batch_norm(shape, compiled)
        case ["random", distribution, count]:
            call = random(distribution, elements(count), device)
        case ["adam", "10M"]:
            return adam(fused)
        case ["chain", length] if not compiled:
            return chain(int(length))
        case ["chain", _]:
            raise ValueError("the chain measures ops one by one; compiled it is a single one")
        case _:
            raise ValueError(f"no micro workload `{name}`")
    return torch.compile(call, dynamic=False) if compiled else call


def uniform(*shape: int) -> Tensor:
    return torch.empty(shape).uniform_(0.1, 1.0)


def gemm(shape: str, layout: str) -> Call:
    """C [M, N] = op(A)·op(B) into an existing C."""
    m, k, n = sizes(shape)
    a = torch.randn(m, k) if layout[0] == "n" else torch.randn(k, m).t()
    b = torch.randn(k, n) if layout[1] == "n" else torch.randn(n, k).t()
    c = torch.empty(m, n)
    return lambda: torch.mm(a, b, out=c)


def convolution(shape: str, outputs: int, direction: str, transposed: bool) -> Call:
    """A convolution of kernel 4, stride 2 and padding 1, or one of its two gradients, alone."""
    batch, channels, height, width = sizes(shape)
    x = torch.randn(batch, channels, height, width)
    kernel = torch.randn((channels, outputs, 4, 4) if transposed else (outputs, channels, 4, 4))
    attributes = ([2, 2], [1, 1], [1, 1], transposed, [0, 0], 1)

    def forward() -> Tensor:
        return torch.convolution(x, kernel, None, *attributes)

    if direction == "forward":
        return forward
    cotangent = torch.randn_like(forward())
    mask = [direction == "input-grad", direction == "weight-grad", False]
    if not any(mask):
        raise ValueError(f"no direction `{direction}`; there are forward, input-grad and weight-grad")
    return lambda: torch.ops.aten.convolution_backward(cotangent, x, kernel, None, *attributes, mask)


def elementwise(function: str, count: int, compiled: bool) -> Call:
    x, y, result = uniform(count), uniform(count), torch.empty(count)
    if function == "gelu":  # has no form with `out`
        return (lambda: result.copy_(F.gelu(x))) if compiled else lambda: F.gelu(x)
    if function in BINARY:
        return partial(BINARY[function], x, y, out=result)
    return partial(UNARY[function], x, out=result)


def batch_norm(shape: str, compiled: bool) -> Call:
    """Training mode, forward and backward from a given cotangent, the running statistics updated."""
    x = torch.randn(sizes(shape), requires_grad=True)
    kind = torch.nn.BatchNorm2d if x.dim() == 4 else torch.nn.BatchNorm1d
    layer = kind(x.shape[1])
    forward = torch.compile(layer, dynamic=False) if compiled else layer
    cotangent = torch.randn(x.shape)
    return lambda: torch.autograd.grad(forward(x), (x, layer.weight, layer.bias), cotangent)


def random(distribution: str, count: int, device: torch.device) -> Call:
    match distribution:
        case "normal":
            return lambda: torch.randn(count, device=device)
        case "uniform":
            return lambda: torch.rand(count, device=device)
        case "bernoulli":
            return partial(torch.bernoulli, torch.full((count,), 0.5))
        case _:
            raise ValueError(f"no distribution `{distribution}`; there are normal, uniform and bernoulli")


def adam(fused: bool) -> Call:
    """A step over ten parameters of [1000, 1000], their gradients in place."""
    parameters = [torch.nn.Parameter(torch.randn(1000, 1000)) for _ in range(10)]
    for parameter in parameters:
        parameter.grad = torch.randn(1000, 1000)
    return torch.optim.Adam(parameters, lr=1e-3, fused=True if fused else None).step


def chain(length: int) -> Call:
    """Adds of one element, forward and backward."""
    x, constant = torch.ones(1, requires_grad=True), torch.full((1,), 0.5)

    def call() -> None:
        x.grad = None
        y = x
        for _ in range(length):
            y = y + constant
        y.backward()

    return call
