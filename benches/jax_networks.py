"""The bench's networks in JAX: functions of a dictionary of parameters, by PyTorch's names.

Images are [batch, height, width, channels] and kernels [height, width, in, out]: in these layouts XLA's convolutions on
the CPU are fast. `to_jax` brings PyTorch's parameters into them, `to_torch` the gradients back.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

import states

Parameters = dict[str, Array]
Statistics = dict[str, Array]
"""Running means and variances, `<layer>.mean` and `<layer>.variance`."""

LAYOUT = ("NHWC", "HWIO", "NHWC")
MOMENTUM = 0.1
EPSILON = 1e-5


def to_jax(name: str, array: np.ndarray) -> np.ndarray:
    """Of a parameter in PyTorch's layout."""
    match name:
        case "g.conv1.weight" | "g.conv2.weight" | "d.conv1.weight" | "d.conv2.weight":
            return array.transpose(2, 3, 1, 0)
        case "g.fc.weight" | "g.fc.bias":
            return array.reshape(128, 49, -1).swapaxes(0, 1).reshape(array.shape)
        case "d.fc.weight":
            return array.reshape(128, 49).T.reshape(array.shape)
        case _:
            return array


def to_torch(name: str, array: np.ndarray) -> np.ndarray:
    """The inverse of `to_jax`."""
    match name:
        case "g.conv1.weight" | "g.conv2.weight" | "d.conv1.weight" | "d.conv2.weight":
            result = array.transpose(3, 2, 0, 1)
        case "g.fc.weight" | "g.fc.bias":
            result = array.reshape(49, 128, -1).swapaxes(0, 1).reshape(array.shape)
        case "d.fc.weight":
            result = array.reshape(49, 128).T.reshape(array.shape)
        case _:
            result = array
    return np.ascontiguousarray(result)


def initial_statistics(parameters: Parameters) -> Statistics:
    """Means of zero and variances of one for every batch norm."""
    norms = [name.removesuffix(".weight") for name in parameters if "bn" in name and name.endswith(".weight")]
    means = {f"{name}.mean": jnp.zeros_like(parameters[f"{name}.weight"]) for name in norms}
    return means | {f"{name}.variance": jnp.ones_like(parameters[f"{name}.weight"]) for name in norms}


def linear(parameters: Parameters, name: str, x: Array) -> Array:
    return x @ parameters[f"{name}.weight"].T + parameters[f"{name}.bias"]


def plain_convolution(x: Array, kernel: Array) -> Array:
    """Kernel 4, stride 2, padding 1."""
    return lax.conv_general_dilated(x, kernel, (2, 2), ((1, 1), (1, 1)), dimension_numbers=LAYOUT)


def kernel_gradient(x: Array, cotangent: Array, kernel: Array) -> Array:
    """Of `plain_convolution`, which is linear in the kernel."""
    (gradient,) = jax.linear_transpose(lambda kernel: plain_convolution(x, kernel), kernel)(cotangent)
    return gradient


@jax.custom_vjp
def convolve(x: Array, kernel: Array) -> Array:
    """`plain_convolution` with gradients that stay fast when they are differentiated again: see `transposed`."""
    return plain_convolution(x, kernel)


@jax.custom_vjp
def transposed(y: Array, kernel: Array) -> Array:
    """The transpose of `convolve`, from its output's shape to its input's.

    JAX's own rule makes the kernel's gradient a convolution dilated on both sides, for which XLA has no fast code on
    the CPU; a gradient penalty meets it too. With the roles of input and cotangent exchanged it is the kernel gradient
    of the plain convolution.
    """
    flipped = lax.rev(kernel, (0, 1)).swapaxes(2, 3)
    padding = ((2, 2), (2, 2))
    return lax.conv_general_dilated(y, flipped, (1, 1), padding, lhs_dilation=(2, 2), dimension_numbers=LAYOUT)


def keep(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], tuple[Array, tuple[Array, Array]]]:
    return lambda x, kernel: (function(x, kernel), (x, kernel))


def convolve_backward(saved: tuple[Array, Array], cotangent: Array) -> tuple[Array, Array]:
    x, kernel = saved
    return transposed(cotangent, kernel), kernel_gradient(x, cotangent, kernel)


def transposed_backward(saved: tuple[Array, Array], cotangent: Array) -> tuple[Array, Array]:
    y, kernel = saved
    return convolve(cotangent, kernel), kernel_gradient(cotangent, y, kernel)


convolve.defvjp(keep(convolve), convolve_backward)
transposed.defvjp(keep(transposed), transposed_backward)


def convolution(parameters: Parameters, name: str, x: Array) -> Array:
    return biased(parameters, name, convolve(x, parameters[f"{name}.weight"]))


def transposed_convolution(parameters: Parameters, name: str, x: Array) -> Array:
    return biased(parameters, name, transposed(x, parameters[f"{name}.weight"]))


def biased(parameters: Parameters, name: str, x: Array) -> Array:
    return x + parameters[f"{name}.bias"] if f"{name}.bias" in parameters else x


def batch_norm(parameters: Parameters, statistics: Statistics, name: str, x: Array) -> tuple[Array, Statistics]:
    """Over all axes but the last, in training mode; the running variance is the unbiased one, as in PyTorch."""
    axes = tuple(range(x.ndim - 1))
    count = x.size // x.shape[-1]
    mean, variance = jnp.mean(x, axes), jnp.var(x, axes)
    y = (x - mean) * (parameters[f"{name}.weight"] * lax.rsqrt(variance + EPSILON)) + parameters[f"{name}.bias"]
    seen = {f"{name}.mean": mean, f"{name}.variance": variance * (count / (count - 1))}
    return y, statistics | {key: (1 - MOMENTUM) * statistics[key] + MOMENTUM * new for key, new in seen.items()}


def mlp(parameters: Parameters, x: Array) -> Array:
    x = jax.nn.relu(linear(parameters, "fc1", x))
    x = jax.nn.relu(linear(parameters, "fc2", x))
    return linear(parameters, "fc3", x)


def vae(parameters: Parameters, x: Array, eps: Array) -> tuple[Array, Array, Array]:
    """Logits of the pixels, mean and logarithm of the variance of the latent."""
    hidden = jax.nn.relu(linear(parameters, "fc1", x))
    mu, logvar = linear(parameters, "fc21", hidden), linear(parameters, "fc22", hidden)
    z = mu + jnp.exp(0.5 * logvar) * eps
    return linear(parameters, "fc4", jax.nn.relu(linear(parameters, "fc3", z))), mu, logvar


def gru(parameters: Parameters, x: Array) -> Array:
    """PyTorch's GRU: one product for the inputs of all steps, then step by step. Logits from the last state."""
    inputs = x @ parameters["gru.weight_ih_l0"].T + parameters["gru.bias_ih_l0"]

    def step(hidden: Array, gates: Array) -> tuple[Array, None]:
        own = hidden @ parameters["gru.weight_hh_l0"].T + parameters["gru.bias_hh_l0"]
        (reset, update, new), (own_reset, own_update, own_new) = jnp.split(gates, 3, 1), jnp.split(own, 3, 1)
        reset, update = jax.nn.sigmoid(reset + own_reset), jax.nn.sigmoid(update + own_update)
        new = jnp.tanh(new + reset * own_new)
        return new + update * (hidden - new), None

    start = jnp.zeros((len(x), states.HIDDEN))
    last, _ = lax.scan(step, start, inputs.swapaxes(0, 1))
    return linear(parameters, "fc", last)


def generator(parameters: Parameters, statistics: Statistics, z: Array) -> tuple[Array, Statistics]:
    x = z
    for index in (1, 2, 3):
        x = linear(parameters, f"g.fc{index}", x)
        x, statistics = batch_norm(parameters, statistics, f"g.bn{index}", x)
        x = jax.nn.leaky_relu(x, 0.2)
    return jnp.tanh(linear(parameters, "g.fc4", x)), statistics


def discriminator(parameters: Parameters, statistics: Statistics, x: Array) -> tuple[Array, Statistics]:
    x = jax.nn.leaky_relu(linear(parameters, "d.fc1", x), 0.2)
    x = jax.nn.leaky_relu(linear(parameters, "d.fc2", x), 0.2)
    return linear(parameters, "d.fc3", x), statistics


def convolutional_generator(parameters: Parameters, statistics: Statistics, z: Array) -> tuple[Array, Statistics]:
    x = linear(parameters, "g.fc", z).reshape(-1, 7, 7, 128)
    x, statistics = batch_norm(parameters, statistics, "g.bn1", x)
    x = transposed_convolution(parameters, "g.conv1", jax.nn.relu(x))
    x, statistics = batch_norm(parameters, statistics, "g.bn2", x)
    return jnp.tanh(transposed_convolution(parameters, "g.conv2", jax.nn.relu(x))), statistics


def convolutional_discriminator(parameters: Parameters, statistics: Statistics, x: Array) -> tuple[Array, Statistics]:
    """With batch norm where the parameters have it: the critic of WGAN-GP does not."""
    x = jax.nn.leaky_relu(convolution(parameters, "d.conv1", x), 0.2)
    x = convolution(parameters, "d.conv2", x)
    if "d.bn2.weight" in parameters:
        x, statistics = batch_norm(parameters, statistics, "d.bn2", x)
    return linear(parameters, "d.fc", jax.nn.leaky_relu(x, 0.2).reshape(len(x), -1)), statistics
