"""Tensors from numbers, from arrays, and from nothing."""

from __future__ import annotations

from typing import Any, Optional, Sequence, Union

from . import _wengert
from ._wengert import DType, Generator, Tensor

Size = Union[int, Sequence[int]]

_float32 = DType("float32")
_default = Generator(0)


def manual_seed(seed: int) -> Generator:
    """Begins the stream of random numbers anew that is drawn from where no generator is given."""
    global _default
    _default = Generator(seed)
    return _default


def default_generator() -> Generator:
    """The stream that is drawn from where no generator is given."""
    return _default


def tensor(
    data: Any, dtype: Optional[DType] = None, requires_grad: bool = False, device: str = "cpu"
) -> Tensor:
    """A tensor with a copy of `data`: a number, nested lists of numbers, an array of NumPy, or anything with `__dlpack__`.

    Floats of Python become float32, whole numbers int64; arrays keep their type."""
    if hasattr(data, "__dlpack__"):
        made = _wengert.from_dlpack(data, copy=True)
        made = made if dtype is None else made.to(dtype)
    elif hasattr(data, "__array__") and not isinstance(data, (int, float)):
        # A scalar of NumPy.
        made = _wengert.from_nested(data.tolist(), dtype)
    else:
        made = _wengert.from_nested(data, dtype)
    return _finished(made, requires_grad, device)


def from_numpy(array: Any) -> Tensor:
    """A tensor of the very memory of an array of NumPy.

    The engine only reads it: a change of the tensor in place moves its elements to memory of their own first. What is
    written into the array between two calls of the engine shows in the tensor, and in what a recorded op has saved of it.
    It must not be written to by another thread while an op runs. Truth values are copied."""
    if type(array).__module__.split(".")[0] != "numpy" or not hasattr(array, "__dlpack__"):
        raise TypeError(f"from_numpy takes an array of NumPy, not {type(array).__name__}; see tensor and from_dlpack")
    return _wengert.from_dlpack(array)


def zeros(
    *size: Size, dtype: DType = _float32, requires_grad: bool = False, device: str = "cpu"
) -> Tensor:
    """Zeros."""
    return full(_sizes(size), 0.0, dtype, requires_grad, device)


def ones(
    *size: Size, dtype: DType = _float32, requires_grad: bool = False, device: str = "cpu"
) -> Tensor:
    """Ones."""
    return full(_sizes(size), 1.0, dtype, requires_grad, device)


def full(
    size: Size,
    fill_value: float,
    dtype: DType = _float32,
    requires_grad: bool = False,
    device: str = "cpu",
) -> Tensor:
    """One value everywhere."""
    return _wengert.full(_sizes((size,)), fill_value, dtype, device).requires_grad_(requires_grad)


def arange(start: int, end: Optional[int] = None, step: int = 1) -> Tensor:
    """Whole numbers `start, start + step, …` before `end`; from 0 where only one bound is given. int64."""
    return _wengert.arange(0, start, step) if end is None else _wengert.arange(start, end, step)


def linspace(start: float, end: float, steps: int, dtype: DType = _float32) -> Tensor:
    """`steps` evenly spaced floats from `start` to `end`, both included."""
    return _wengert.linspace(start, end, steps, dtype)


def eye(n: int, dtype: DType = _float32) -> Tensor:
    """The identity matrix."""
    return _wengert.eye(n, dtype)


def randn(
    *size: Size,
    generator: Optional[Generator] = None,
    dtype: DType = _float32,
    requires_grad: bool = False,
    device: str = "cpu",
) -> Tensor:
    """Standard normal floats."""
    return _finished((generator or _default).normal(_sizes(size), dtype=dtype), requires_grad, device)


def rand(
    *size: Size,
    generator: Optional[Generator] = None,
    dtype: DType = _float32,
    requires_grad: bool = False,
    device: str = "cpu",
) -> Tensor:
    """Floats spread evenly over [0, 1)."""
    return _finished((generator or _default).uniform(_sizes(size), dtype=dtype), requires_grad, device)


def randint(low: int, high: int, size: Size, generator: Optional[Generator] = None) -> Tensor:
    """Whole numbers spread evenly over low, …, high − 1."""
    return (generator or _default).randint(low, high, _sizes((size,)))


def randperm(n: int, generator: Optional[Generator] = None) -> Tensor:
    """0, 1, …, n − 1 in random order."""
    return (generator or _default).randperm(n)


def bernoulli(probability: Tensor, generator: Optional[Generator] = None) -> Tensor:
    """1 with the probability that each element gives, 0 otherwise."""
    return (generator or _default).bernoulli(probability)


def _finished(made: Tensor, requires_grad: bool, device: str) -> Tensor:
    placed = made if device == "cpu" else made.to(device=device)
    return placed.requires_grad_(requires_grad)


def _sizes(size: Sequence[Size]) -> list[int]:
    """Sizes given as `2, 3` or as `(2, 3)`."""
    if len(size) == 1 and not isinstance(size[0], int):
        return list(size[0])
    return [int(length) for length in size]  # type: ignore[arg-type]
