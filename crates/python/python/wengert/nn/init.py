"""Initial values of parameters, in place, with PyTorch's names and formulas; they return the tensor."""

from __future__ import annotations

from typing import Optional

from .. import _wengert
from .._creation import default_generator
from .._wengert import Generator, Tensor
from ..autograd import no_grad


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Optional[Generator] = None) -> Tensor:
    """Uniform over [a, b)."""
    _wengert.init_uniform_(tensor, a, b, generator or default_generator())
    return tensor


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Optional[Generator] = None) -> Tensor:
    """Normal."""
    _wengert.init_normal_(tensor, mean, std, generator or default_generator())
    return tensor


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Optional[Generator] = None,
) -> Tensor:
    """Normal, but only values of [a, b]."""
    _wengert.init_trunc_normal_(tensor, mean, std, a, b, generator or default_generator())
    return tensor


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere."""
    with no_grad():
        return tensor.fill_(val)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return constant_(tensor, 1.0)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Optional[Generator] = None) -> Tensor:
    """Uniform, with the variance that keeps signals and gradients at their size (Glorot and Bengio, 2010)."""
    _wengert.init_xavier_uniform_(tensor, gain, generator or default_generator())
    return tensor


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Optional[Generator] = None) -> Tensor:
    """As `xavier_uniform_`, normal."""
    _wengert.init_xavier_normal_(tensor, gain, generator or default_generator())
    return tensor


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Optional[Generator] = None,
) -> Tensor:
    """Uniform, with the variance that keeps signals at their size behind a rectifier of slope `a` (He et al., 2015)."""
    _wengert.init_kaiming_uniform_(tensor, mode, nonlinearity, a, generator or default_generator())
    return tensor


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Optional[Generator] = None,
) -> Tensor:
    """As `kaiming_uniform_`, normal."""
    _wengert.init_kaiming_normal_(tensor, mode, nonlinearity, a, generator or default_generator())
    return tensor


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Optional[Generator] = None) -> Tensor:
    """Orthogonal rows, or columns where those are fewer (Saxe et al., 2013)."""
    _wengert.init_orthogonal_(tensor, gain, generator or default_generator())
    return tensor


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Convolutions that pass their input on unchanged."""
    _wengert.init_dirac_(tensor, groups)
    return tensor
