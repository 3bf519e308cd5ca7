"""Optimisers with PyTorch's formulas and defaults, schedules, averages of weights, and bounds on gradients.

Schedules are functions of the step's number: `optimizer.scale_learning_rate(schedule.factor(step))`."""

from __future__ import annotations

from typing import Iterable, Optional

from . import _wengert
from ._wengert import Ema, Schedule, Tensor, clip_grad_value_
from ._wengert import clip_grad_norm_ as _clip_grad_norm_

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Ema",
    "Optimizer",
    "RMSprop",
    "Schedule",
    "clip_grad_norm_",
    "clip_grad_value_",
]


def clip_grad_norm_(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    """Scales all gradients by one factor, so that their joint 2-norm is at most `max_norm`; returns the norm before that."""
    return _clip_grad_norm_(list(parameters), max_norm)


class Optimizer:
    """Something that moves parameters against their gradients. A parameter without a gradient is passed over."""

    _core: _wengert.Optimizer

    def step(self) -> None:
        """Changes every parameter that has a gradient."""
        self._core.step()

    def zero_grad(self) -> None:
        """Forgets the gradients of all parameters."""
        self._core.zero_grad()

    def add_group(
        self, parameters: Iterable[Tensor], learning_rate: float, weight_decay: Optional[float] = None
    ) -> None:
        """Adds parameters with a learning rate of their own."""
        self._core.add_group(list(parameters), learning_rate, weight_decay)

    @property
    def parameters(self) -> list[Tensor]:
        """All parameters, in the order of their numbers."""
        return self._core.parameters

    @property
    def learning_rate(self) -> float:
        """The learning rate of the first group; setting it sets that of all groups."""
        return self._core.learning_rates[0]

    @learning_rate.setter
    def learning_rate(self, learning_rate: float) -> None:
        self._core.set_learning_rate(learning_rate)

    def scale_learning_rate(self, factor: float) -> None:
        """Sets every group's learning rate to `factor` times the one it started with."""
        self._core.scale_learning_rate(factor)

    def state_dict(self) -> dict[str, Tensor]:
        """Everything that a resumed run needs, as tensors by name."""
        return self._core.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restores what `state_dict` gave. Nothing is changed unless everything fits."""
        self._core.load_state_dict(state)


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum."""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        self._core = _wengert.Optimizer.sgd(
            list(parameters), learning_rate, momentum, dampening, weight_decay, nesterov
        )


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2014)."""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        self._core = _wengert.Optimizer.adam(
            list(parameters), learning_rate, betas, eps, weight_decay, amsgrad, False
        )


class AdamW(Optimizer):
    """Adam with a weight decay apart from the gradient (Loshchilov and Hutter, 2017)."""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
    ) -> None:
        self._core = _wengert.Optimizer.adam(
            list(parameters), learning_rate, betas, eps, weight_decay, amsgrad, True
        )


class RMSprop(Optimizer):
    """RMSprop (Hinton, 2012), with PyTorch's momentum and centring."""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        self._core = _wengert.Optimizer.rmsprop(
            list(parameters), learning_rate, alpha, eps, weight_decay, momentum, centered
        )


class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan and Singer, 2011)."""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 1e-2,
        learning_rate_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        self._core = _wengert.Optimizer.adagrad(
            list(parameters),
            learning_rate,
            learning_rate_decay,
            weight_decay,
            initial_accumulator_value,
            eps,
        )
