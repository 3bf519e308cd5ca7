"""Initial weights, data and noise of every workload, drawn with numpy: the state both sides of a comparison start from.

A state is a flat dictionary, as it stands in a safetensors file: `param.<name>`, `data.images`, `data.labels` and
`noise.<kind>.<step>` for the three steps that are compared before anything is timed. Names and layouts are PyTorch's.
"""

from collections.abc import Iterator
from itertools import pairwise
from math import prod

import numpy as np

Arrays = dict[str, np.ndarray]

AGREEMENT_STEPS = 3
IMAGE = (1, 28, 28)
PIXELS = 784
LATENT = 100
VAE_LATENT = 20
CLASSES = 10
HIDDEN = 128


def _linear(name: str, inputs: int, outputs: int) -> Iterator[tuple[str, tuple[int, ...], int]]:
    yield f"{name}.weight", (outputs, inputs), inputs
    yield f"{name}.bias", (outputs,), inputs


def _convolution(name: str, shape: tuple[int, ...], bias: bool = False) -> Iterator[tuple[str, tuple[int, ...], int]]:
    """A kernel [out, in, 4, 4], or [in, out, 4, 4] of a transposed convolution, which is named `g.…`."""
    fan_in = prod(shape[1:])
    yield f"{name}.weight", shape, fan_in
    if bias:
        yield f"{name}.bias", (shape[1] if name.startswith("g.") else shape[0],), fan_in


def _norm(name: str, channels: int) -> Iterator[tuple[str, tuple[int, ...], int]]:
    yield f"{name}.weight", (channels,), 0
    yield f"{name}.bias", (channels,), 0


def _convolutional_gan(critic_norm: bool) -> Iterator[tuple[str, tuple[int, ...], int]]:
    yield from _linear("g.fc", LATENT, 128 * 7 * 7)
    yield from _norm("g.bn1", 128)
    yield from _convolution("g.conv1", (128, 64, 4, 4))
    yield from _norm("g.bn2", 64)
    yield from _convolution("g.conv2", (64, 1, 4, 4), bias=True)
    yield from _convolution("d.conv1", (64, 1, 4, 4), bias=True)
    yield from _convolution("d.conv2", (128, 64, 4, 4), bias=not critic_norm)
    if critic_norm:
        yield from _norm("d.bn2", 128)
    yield from _linear("d.fc", 128 * 7 * 7, 1)


def _layers(workload: str) -> Iterator[tuple[str, tuple[int, ...], int]]:
    """Name, shape and fan-in (0 for batch norm) of each parameter."""
    match workload:
        case "mlp":
            yield from _linear("fc1", PIXELS, 512)
            yield from _linear("fc2", 512, 256)
            yield from _linear("fc3", 256, CLASSES)
        case "vae":
            yield from _linear("fc1", PIXELS, 400)
            yield from _linear("fc21", 400, VAE_LATENT)
            yield from _linear("fc22", 400, VAE_LATENT)
            yield from _linear("fc3", VAE_LATENT, 400)
            yield from _linear("fc4", 400, PIXELS)
        case "gan":
            widths = (LATENT, 256, 512, 1024)
            for index, (inputs, outputs) in enumerate(pairwise(widths), start=1):
                yield from _linear(f"g.fc{index}", inputs, outputs)
                yield from _norm(f"g.bn{index}", outputs)
            yield from _linear("g.fc4", 1024, PIXELS)
            yield from _linear("d.fc1", PIXELS, 512)
            yield from _linear("d.fc2", 512, 256)
            yield from _linear("d.fc3", 256, 1)
        case "dcgan":
            yield from _convolutional_gan(critic_norm=True)
        case "wgan-gp":
            yield from _convolutional_gan(critic_norm=False)
        case "gru":
            for gate_inputs, side in ((28, "ih"), (HIDDEN, "hh")):
                yield f"gru.weight_{side}_l0", (3 * HIDDEN, gate_inputs), HIDDEN
                yield f"gru.bias_{side}_l0", (3 * HIDDEN,), HIDDEN
            yield from _linear("fc", HIDDEN, CLASSES)
        case _:
            raise ValueError(f"no workload `{workload}`; there are {', '.join(WORKLOADS)} and the micro ones")


WORKLOADS = ("mlp", "vae", "gan", "dcgan", "wgan-gp", "gru")

IMAGE_SHAPE: dict[str, tuple[int, ...]] = {
    "mlp": (PIXELS,),
    "vae": (PIXELS,),
    "gan": (PIXELS,),
    "dcgan": IMAGE,
    "wgan-gp": IMAGE,
    "gru": (28, 28),
}

NOISE: dict[str, dict[str, tuple[int, ...]]] = {
    "mlp": {},
    "vae": {"eps": (VAE_LATENT,)},
    "gan": {"z1": (LATENT,), "z2": (LATENT,)},
    "dcgan": {"z1": (LATENT,), "z2": (LATENT,)},
    "wgan-gp": {"z1": (LATENT,), "e": (1, 1, 1)},
    "gru": {},
}
"""What a step draws, as shapes of one image's share: `e` is uniform on [0, 1), the rest standard normal."""


def make_state(workload: str, batch: int, seed: int = 0) -> Arrays:
    """A state with PyTorch's default initialisation: uniform within 1/sqrt(fan-in), batch norm at one and zero."""
    random = np.random.default_rng(seed)
    state: Arrays = {}
    for name, shape, fan_in in _layers(workload):
        if fan_in:
            bound = fan_in**-0.5
            value = random.uniform(-bound, bound, shape)
        else:
            value = np.full(shape, 1.0 if name.endswith("weight") else 0.0)
        state[f"param.{name}"] = value.astype(np.float32)

    lowest = -1.0 if workload in ("gan", "dcgan", "wgan-gp") else 0.0
    images = random.uniform(lowest, 1.0, (batch, *IMAGE_SHAPE[workload]))
    state["data.images"] = images.astype(np.float32)
    state["data.labels"] = random.integers(0, CLASSES, batch)

    for step in range(AGREEMENT_STEPS):
        for kind, shape in NOISE[workload].items():
            draw = random.uniform if kind == "e" else random.standard_normal
            value = draw(size=(batch, *shape))
            state[f"noise.{kind}.{step}"] = value.astype(np.float32)
    return state


def parameters(state: Arrays) -> Arrays:
    return {name.removeprefix("param."): array for name, array in state.items() if name.startswith("param.")}


def images(state: Arrays, workload: str) -> np.ndarray:
    """The images in the shape that the workload's network takes, whatever shape they were written in."""
    return state["data.images"].reshape(-1, *IMAGE_SHAPE[workload])


def labels(state: Arrays) -> np.ndarray:
    """The classes of the images, none where the workload has no use for them."""
    return state.get("data.labels", np.zeros(0, np.int64))


def noise(state: Arrays, workload: str, step: int) -> Arrays:
    """What the given agreement step draws, by kind."""
    return {kind: state[f"noise.{kind}.{step}"].reshape(-1, *shape) for kind, shape in NOISE[workload].items()}
