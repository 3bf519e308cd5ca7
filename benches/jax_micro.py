"""The bench's micro workloads in JAX: one call of a jitted op on operands that were made before.

Every result is a new array. What has an `out` in PyTorch gets the memory of a donated one, as XLA reuses it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

import jax_networks as networks
from baseline import Micro, elements, sizes, square
from jax_training import Adam, State

Function = Callable[..., Any]

ELEMENTWISE: dict[str, Function] = {
    "add": jnp.add,
    "mul": jnp.multiply,
    "exp": jnp.exp,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "gelu": partial(jax.nn.gelu, approximate=False),
}
REDUCTIONS: dict[str, Function] = {
    "sum": jnp.sum,
    "sum-rows": partial(jnp.sum, axis=1),
    "sum-columns": partial(jnp.sum, axis=0),
    "max-rows": partial(jnp.max, axis=1),
}
DISTRIBUTIONS: dict[str, Function] = {
    "normal": jax.random.normal,
    "uniform": jax.random.uniform,
    "bernoulli": lambda key, shape: jax.random.bernoulli(key, 0.5, shape).astype(jnp.float32),
}


def load(name: str, repeat: int) -> Micro:
    """The workload of that name."""
    match name.split():
        case ["gemm", shape, layout]:
            return repeated(*gemm(shape, layout), repeat=repeat)
        case ["conv" | "conv-transpose" as kind, shape, outputs, "k4", "s2", "p1", direction]:
            return repeated(*convolution(kind, shape, int(outputs), direction), repeat=repeat)
        case ["elementwise", function, count]:
            operands = [uniform(elements(count)) for _ in range(2 if function in ("add", "mul") else 1)]
            return in_place(lambda _, *operands: ELEMENTWISE[function](*operands), operands, repeat)
        case ["allocate", "add", count]:
            return repeated(jnp.add, uniform(elements(count)), uniform(elements(count)), repeat=repeat)
        case ["reduce", reduction, count]:
            return repeated(REDUCTIONS[reduction], uniform(square(count), square(count)), repeat=repeat)
        case ["softmax", shape]:
            return repeated(jax.nn.softmax, normal(*sizes(shape)), repeat=repeat)
        case ["batch-norm", shape]:
            return batch_norm(shape, repeat)
        case ["random", distribution, count]:
            return random(distribution, elements(count), repeat)
        case ["adam", "10M"]:
            return adam(repeat)
        case _:
            raise ValueError(f"no micro workload `{name}` for JAX")


def uniform(*shape: int) -> Array:
    return jax.random.uniform(jax.random.key(1), shape, minval=0.1, maxval=1.0)


def normal(*shape: int) -> Array:
    return jax.random.normal(jax.random.key(2), shape)


def repeated(function: Function, *operands: Array, repeat: int) -> Micro:
    """A call of the jitted function, waited for."""
    jitted = jax.jit(function)
    return Micro(lambda: jax.block_until_ready(jitted(*operands)), repeat)


def in_place(function: Function, operands: list[Array], repeat: int) -> Micro:
    """The same for a function whose first argument is an earlier result, donated."""
    jitted = jax.jit(function, donate_argnums=0, keep_unused=True)
    result = jax.block_until_ready(jax.jit(function)(None, *operands))

    def call() -> None:
        nonlocal result
        result = jax.block_until_ready(jitted(result, *operands))

    return Micro(call, repeat)


def gemm(shape: str, layout: str) -> tuple[Function, Array, Array]:
    """C [M, N] = op(A)·op(B)."""
    m, k, n = sizes(shape)
    a = normal(m, k) if layout[0] == "n" else normal(k, m)
    b = normal(k, n) if layout[1] == "n" else normal(n, k)
    return lambda a, b: (a if layout[0] == "n" else a.T) @ (b if layout[1] == "n" else b.T), a, b


def convolution(kind: str, shape: str, outputs: int, direction: str) -> tuple[Any, ...]:
    """A convolution of kernel 4, stride 2 and padding 1, or one of its two gradients, alone."""
    batch, channels, height, width = sizes(shape)
    x = normal(batch, height, width, channels)
    function = networks.convolve if kind == "conv" else networks.transposed
    kernel = normal(4, 4, *((channels, outputs) if kind == "conv" else (outputs, channels)))
    if direction == "forward":
        return function, x, kernel
    argument = {"input-grad": 0, "weight-grad": 1}[direction]
    cotangent = jnp.ones_like(function(x, kernel))
    return lambda x, kernel, cotangent: jax.vjp(function, x, kernel)[1](cotangent)[argument], x, kernel, cotangent


def batch_norm(shape: str, repeat: int) -> Micro:
    """Training mode, forward and backward from a given cotangent, the running statistics updated."""
    batch, channels, *image = sizes(shape)
    x, cotangent = normal(batch, *image, channels), normal(batch, *image, channels)
    parameters = {"bn.weight": jnp.ones(channels), "bn.bias": jnp.zeros(channels)}

    def both(
        statistics: networks.Statistics, x: Array, parameters: networks.Parameters, cotangent: Array
    ) -> tuple[networks.Statistics, Any]:
        def forward(x: Array, parameters: networks.Parameters) -> tuple[Array, networks.Statistics]:
            return networks.batch_norm(parameters, statistics, "bn", x)

        y, backward, statistics_after = jax.vjp(forward, x, parameters, has_aux=True)
        return statistics_after, (y, backward(cotangent))

    jitted = jax.jit(both)
    statistics = networks.initial_statistics(parameters)

    def call() -> None:
        nonlocal statistics
        statistics, _ = jax.block_until_ready(jitted(statistics, x, parameters, cotangent))

    return Micro(call, repeat)


def random(distribution: str, count: int, repeat: int) -> Micro:
    """With JAX's default generator, which is four times as fast on the CPU as XLA's own; a new key for every call."""
    sample = DISTRIBUTIONS[distribution]
    key = jax.random.key(0)

    def draw(key: Array) -> tuple[Array, Array]:
        key, own = jax.random.split(key)
        return key, sample(own, (count,))

    jitted = jax.jit(draw)

    def call() -> None:
        nonlocal key
        key, _ = jax.block_until_ready(jitted(key))

    return Micro(call, repeat)


def adam(repeat: int) -> Micro:
    """A step over ten parameters of [1000, 1000] with given gradients, the state donated."""
    parameters, first, second, gradients = (
        {f"{index}": fill((1000, 1000)) for index in range(10)} for fill in (jnp.ones, jnp.zeros, jnp.zeros, jnp.ones)
    )
    state = State(parameters, first, second, jnp.ones(()), {})
    step = jax.jit(lambda state, gradients: Adam(1e-3, (0.9, 0.999)).apply(state, gradients), donate_argnums=0)

    def call() -> None:
        nonlocal state
        state = jax.block_until_ready(step(state, gradients))

    return Micro(call, repeat)
