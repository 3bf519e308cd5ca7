"""Layers and losses as functions: the methods of `Tensor` under the names of `torch.nn.functional`."""

from __future__ import annotations

from typing import Optional

from .._creation import default_generator
from .._wengert import Generator, Tensor

adaptive_avg_pool2d = Tensor.adaptive_avg_pool2d
avg_pool2d = Tensor.avg_pool2d
batch_norm = Tensor.batch_norm
binary_cross_entropy = Tensor.binary_cross_entropy
binary_cross_entropy_with_logits = Tensor.binary_cross_entropy_with_logits
conv1d = Tensor.conv1d
conv2d = Tensor.conv2d
conv_transpose1d = Tensor.conv_transpose1d
conv_transpose2d = Tensor.conv_transpose2d
cosine_similarity = Tensor.cosine_similarity
cross_entropy = Tensor.cross_entropy
elu = Tensor.elu
fold = Tensor.fold
gaussian_kl = Tensor.gaussian_kl
gelu = Tensor.gelu
group_norm = Tensor.group_norm
hardtanh = Tensor.hardtanh
interpolate = Tensor.interpolate
kl_div = Tensor.kl_div
l1_loss = Tensor.l1_loss
layer_norm = Tensor.layer_norm
leaky_relu = Tensor.leaky_relu
linear = Tensor.linear
log_softmax = Tensor.log_softmax
logsigmoid = Tensor.log_sigmoid
max_pool1d = Tensor.max_pool1d
max_pool2d = Tensor.max_pool2d
mse_loss = Tensor.mse_loss
nll_loss = Tensor.nll_loss
one_hot = Tensor.one_hot
pad = Tensor.pad
pixel_shuffle = Tensor.pixel_shuffle
pixel_unshuffle = Tensor.pixel_unshuffle
relu = Tensor.relu
reparameterise = Tensor.reparameterise
selu = Tensor.selu
sigmoid = Tensor.sigmoid
silu = Tensor.silu
smooth_l1_loss = Tensor.smooth_l1_loss
softmax = Tensor.softmax
softplus = Tensor.softplus
tanh = Tensor.tanh
unfold = Tensor.unfold


def dropout(
    input: Tensor, p: float = 0.5, training: bool = True, generator: Optional[Generator] = None
) -> Tensor:
    """Zeroes each element with probability `p` and scales the others by 1/(1 − p)."""
    return input.dropout(p, training, generator=generator or default_generator())


def embedding(index: Tensor, weight: Tensor, padding_idx: Optional[int] = None) -> Tensor:
    """Rows of a table."""
    return weight.embedding(index, padding_idx)
