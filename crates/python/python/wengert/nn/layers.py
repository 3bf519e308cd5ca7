"""The layers. Where a layer draws numbers, it draws them from `generator`, or from the stream of `manual_seed`."""

from __future__ import annotations

from typing import Optional, Sequence, Union

from .._creation import default_generator
from .._wengert import Core, Generator, Tensor
from .module import Layer

Axes = Union[int, Sequence[int]]


class Linear(Layer):
    """x Wᵀ + b."""

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, generator: Optional[Generator] = None
    ) -> None:
        core = Core.linear(in_features, out_features, bias, generator or default_generator())
        super().__init__(core, f"{in_features}, {out_features}")


class _Conv(Layer):
    axes: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Axes,
        stride: Axes = 1,
        padding: Axes = 0,
        dilation: Axes = 1,
        groups: int = 1,
        bias: bool = True,
        generator: Optional[Generator] = None,
    ) -> None:
        rng = generator or default_generator()
        core = Core.conv(
            self.axes, in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, rng
        )
        super().__init__(core, f"{in_channels}, {out_channels}, kernel_size={kernel_size}, stride={stride}")


class Conv1d(_Conv):
    """Convolution of signals `[N, C, length]`."""

    axes = 1


class Conv2d(_Conv):
    """Convolution of images `[N, C, height, width]`."""

    axes = 2


class _ConvTranspose(Layer):
    axes: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Axes,
        stride: Axes = 1,
        padding: Axes = 0,
        output_padding: Axes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Axes = 1,
        generator: Optional[Generator] = None,
    ) -> None:
        core = Core.conv_transpose(
            self.axes,
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            output_padding,
            dilation,
            groups,
            bias,
            generator or default_generator(),
        )
        super().__init__(core, f"{in_channels}, {out_channels}, kernel_size={kernel_size}, stride={stride}")


class ConvTranspose1d(_ConvTranspose):
    """The adjoint of a convolution of signals."""

    axes = 1


class ConvTranspose2d(_ConvTranspose):
    """The adjoint of a convolution of images."""

    axes = 2


class _BatchNorm(Layer):
    axes: int

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: Optional[float] = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        core = Core.batch_norm(self.axes, num_features, eps, momentum, affine, track_running_stats)
        super().__init__(core, f"{num_features}")


class BatchNorm1d(_BatchNorm):
    """Normalises each feature of `[N, C]` or `[N, C, length]` over the batch."""

    axes = 1


class BatchNorm2d(_BatchNorm):
    """Normalises each channel of `[N, C, height, width]` over the batch."""

    axes = 2


class _InstanceNorm(Layer):
    axes: int

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
    ) -> None:
        core = Core.instance_norm(self.axes, num_features, eps, momentum, affine, track_running_stats)
        super().__init__(core, f"{num_features}")


class InstanceNorm1d(_InstanceNorm):
    """Normalises each channel of each signal."""

    axes = 1


class InstanceNorm2d(_InstanceNorm):
    """Normalises each channel of each image."""

    axes = 2


class LayerNorm(Layer):
    """Normalises over the last axes."""

    def __init__(self, normalized_shape: Axes, eps: float = 1e-5, elementwise_affine: bool = True) -> None:
        shape = [normalized_shape] if isinstance(normalized_shape, int) else list(normalized_shape)
        super().__init__(Core.layer_norm(shape, eps, elementwise_affine), f"{shape}")


class GroupNorm(Layer):
    """Normalises groups of channels of each example."""

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__(Core.group_norm(num_groups, num_channels, eps, affine), f"{num_groups}, {num_channels}")


class Dropout(Layer):
    """In training, zeroes each element with probability `p` and scales the others by 1/(1 − p)."""

    def __init__(self, p: float = 0.5, generator: Optional[Generator] = None) -> None:
        super().__init__(Core.dropout(p, generator or default_generator()), f"{p}")


class Embedding(Layer):
    """A table of vectors, looked up by whole numbers."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: Optional[int] = None,
        generator: Optional[Generator] = None,
    ) -> None:
        rng = generator or default_generator()
        super().__init__(
            Core.embedding(num_embeddings, embedding_dim, padding_idx, rng), f"{num_embeddings}, {embedding_dim}"
        )


class MaxPool2d(Layer):
    """The largest element of each window."""

    def __init__(self, kernel_size: Axes, stride: Optional[Axes] = None, padding: Axes = 0) -> None:
        super().__init__(Core.max_pool2d(kernel_size, stride, padding), f"{kernel_size}")


class AvgPool2d(Layer):
    """The mean of each window."""

    def __init__(self, kernel_size: Axes, stride: Optional[Axes] = None, padding: Axes = 0) -> None:
        super().__init__(Core.avg_pool2d(kernel_size, stride, padding), f"{kernel_size}")


class AdaptiveAvgPool2d(Layer):
    """The means of windows that divide any image into cells."""

    def __init__(self, output_size: Axes) -> None:
        super().__init__(Core.adaptive_avg_pool2d(output_size), f"{output_size}")


class Upsample(Layer):
    """Enlarges images by a whole factor."""

    def __init__(self, scale_factor: Axes = 2, mode: str = "nearest", align_corners: bool = False) -> None:
        super().__init__(Core.upsample(scale_factor, mode, align_corners), f"{scale_factor}, {mode}")


class PixelShuffle(Layer):
    """`[N, C·r², h, w]` to `[N, C, h·r, w·r]`."""

    def __init__(self, upscale_factor: int) -> None:
        super().__init__(Core.pixel_shuffle(upscale_factor, False), f"{upscale_factor}")


class PixelUnshuffle(Layer):
    """The inverse of `PixelShuffle`."""

    def __init__(self, downscale_factor: int) -> None:
        super().__init__(Core.pixel_shuffle(downscale_factor, True), f"{downscale_factor}")


class Flatten(Layer):
    """Neighbouring axes as one."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__(Core.flatten(start_dim, end_dim))


class Unflatten(Layer):
    """One axis as several."""

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__(Core.unflatten(dim, list(unflattened_size)), f"{dim}, {tuple(unflattened_size)}")


class _Activation(Layer):
    def __init__(self, *numbers: float) -> None:
        super().__init__(Core.activation(type(self).__name__, list(numbers)), ", ".join(map(str, numbers)))


class _Plain(_Activation):
    def __init__(self) -> None:
        super().__init__()


class ReLU(_Plain):
    """max(x, 0)."""


class SELU(_Plain):
    """Self-normalising linear unit."""


class SiLU(_Plain):
    """x·σ(x)."""


class Tanh(_Plain):
    """Hyperbolic tangent."""


class Sigmoid(_Plain):
    """1 / (1 + e⁻ˣ)."""


class LogSigmoid(_Plain):
    """ln σ(x), without overflow."""


class Softplus(_Plain):
    """ln(1 + eˣ)."""


class Identity(_Plain):
    """x."""


class LeakyReLU(_Activation):
    """x above 0, `negative_slope`·x below."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__(negative_slope)


class ELU(_Activation):
    """x above 0, α(eˣ − 1) below."""

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(alpha)


class GELU(_Activation):
    """x·Φ(x), exactly or by the formula with `tanh`."""

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(f"approximate is '{approximate}'; it must be 'none' or 'tanh'")
        super().__init__(*[1.0] * (approximate == "tanh"))


class Softmax(_Activation):
    """eˣ over its sum along an axis."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim)


class LogSoftmax(_Activation):
    """The logarithm of the softmax."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim)


class Hardtanh(_Activation):
    """x held between two bounds."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        super().__init__(min_val, max_val)


class _Recurrent(Layer):
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        generator: Optional[Generator] = None,
    ) -> None:
        core = Core.recurrent(
            type(self).__name__,
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            generator or default_generator(),
        )
        super().__init__(core, f"{input_size}, {hidden_size}, num_layers={num_layers}")


class GRU(_Recurrent):
    """Gated recurrent units over a sequence `[T, N, input]`; returns the outputs and the last states."""

    def forward(self, input: Tensor, hidden: Optional[Tensor] = None) -> tuple[Tensor, Tensor]:
        """The outputs, and every layer's last state."""
        output, states = self._core.recur(input, None if hidden is None else [hidden])
        return output, states[0]


class LSTM(_Recurrent):
    """Long short-term memory over a sequence `[T, N, input]`; returns the outputs and the last states."""

    def forward(
        self, input: Tensor, state: Optional[tuple[Tensor, Tensor]] = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The outputs, and every layer's last hidden state and cell."""
        output, states = self._core.recur(input, None if state is None else list(state))
        return output, (states[0], states[1])


class _Cell(Layer):
    def __init__(self, input_size: int, hidden_size: int, generator: Optional[Generator] = None) -> None:
        rng = generator or default_generator()
        core = Core.recurrent(
            type(self).__name__, input_size, hidden_size, 1, True, False, 0.0, False, rng
        )
        super().__init__(core, f"{input_size}, {hidden_size}")


class GRUCell(_Cell):
    """One step of a `GRU`."""

    def forward(self, input: Tensor, hidden: Optional[Tensor] = None) -> Tensor:
        """The next state."""
        return self._core.recur(input, None if hidden is None else [hidden])[0]


class LSTMCell(_Cell):
    """One step of an `LSTM`."""

    def forward(
        self, input: Tensor, state: Optional[tuple[Tensor, Tensor]] = None
    ) -> tuple[Tensor, Tensor]:
        """The next hidden state and cell."""
        hidden, cell = self._core.recur(input, None if state is None else list(state))[1]
        return hidden, cell
