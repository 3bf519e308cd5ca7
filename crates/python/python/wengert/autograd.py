"""Differentiation: gradients of gradients, products with Jacobians, checks, and when ops are recorded."""

from __future__ import annotations

from contextlib import ContextDecorator
from typing import Any, Callable, List, NamedTuple, Optional, Sequence, Union

from . import _wengert
from ._wengert import (
    Tensor,
    checkpoint,
    hessian,
    hvp,
    is_grad_enabled,
    jacobian,
    jvp,
    set_grad_enabled,
    vjp,
)

__all__ = [
    "GradCheck",
    "checkpoint",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "hessian",
    "hvp",
    "is_grad_enabled",
    "jacobian",
    "jvp",
    "no_grad",
    "set_grad_enabled",
    "vjp",
]

Tensors = Union[Tensor, Sequence[Tensor]]


class _Recording(ContextDecorator):
    enabled: bool

    def __init__(self) -> None:
        self._outer: List[bool] = []

    def __enter__(self) -> None:
        self._outer.append(set_grad_enabled(self.enabled))

    def __exit__(self, *exception: Any) -> None:
        set_grad_enabled(self._outer.pop())


class no_grad(_Recording):
    """Inside of `with no_grad():`, or of a function decorated with `@no_grad()`, results are constants."""

    enabled = False


class enable_grad(_Recording):
    """Inside of `with enable_grad():` ops are recorded, also within `no_grad`."""

    enabled = True


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Optional[Tensors] = None,
    *,
    create_graph: bool = False,
    retain_graph: bool = False,
    materialize_grads: bool = False,
) -> list[Tensor]:
    """Gradients of Σ ⟨outputs, grad_outputs⟩, or of scalar outputs, with respect to inputs, one an input.

    `create_graph` records the walk back, so that its results can be differentiated again; `retain_graph` keeps what the
    forward pass saved for another walk; `materialize_grads` answers zeros for an input that nothing depends on."""
    cotangents = None if grad_outputs is None else _list(grad_outputs)
    return _wengert.grad(
        _list(outputs), _list(inputs), cotangents, retain_graph, create_graph, materialize_grads
    )


class GradCheck(NamedTuple):
    """What `gradcheck` found; true where all gradients agree."""

    passed: bool
    report: str

    def __bool__(self) -> bool:
        return self.passed


def gradcheck(
    function: Callable[..., Tensor],
    inputs: Tensors,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
) -> GradCheck:
    """Compares gradients with central differences; the inputs that count are float64 and require gradients."""
    return GradCheck(*_wengert.gradcheck(function, _list(inputs), eps, atol, rtol, False))


def gradgradcheck(
    function: Callable[..., Tensor],
    inputs: Tensors,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
) -> GradCheck:
    """As `gradcheck`, for gradients of gradients."""
    return GradCheck(*_wengert.gradcheck(function, _list(inputs), eps, atol, rtol, True))


def _list(tensors: Tensors) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)
