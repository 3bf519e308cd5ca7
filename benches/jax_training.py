"""The bench's training workloads in JAX: whole steps under `jax.jit`, the training state donated.

A step splits the key, draws, differentiates and updates in one call of compiled code, and ends when its loss has come.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

import jax_networks as networks
import states
from jax_networks import Parameters, Statistics
from states import Arrays

Noise = dict[str, Array]
Network = Callable[[Parameters, Statistics, Array], tuple[Array, Statistics]]
Loss = Callable[[Parameters], tuple[Array, Statistics]]


class State(NamedTuple):
    """What training changes."""

    parameters: Parameters
    first: Parameters
    second: Parameters
    steps: Array
    statistics: Statistics


class Adam(NamedTuple):
    """Kingma and Ba's, with PyTorch's default epsilon."""

    rate: float
    betas: tuple[float, float]

    def minimise(self, state: State, prefix: str, loss: Loss) -> tuple[State, Array, Parameters]:
        """Updates the parameters whose names begin with `prefix`; also gives the loss and the gradients."""
        own = {name: value for name, value in state.parameters.items() if name.startswith(prefix)}
        differentiate = jax.value_and_grad(lambda own: loss(state.parameters | own), has_aux=True)
        (value, statistics), gradients = differentiate(own)
        updated = self.apply(state, gradients)._replace(statistics=statistics)
        return updated, value, gradients

    def apply(self, state: State, gradients: Parameters) -> State:
        """The state with the parameters of these gradients updated."""
        (decay1, decay2), (parameters, first, second) = self.betas, ({}, {}, {})
        correction1, correction2 = 1 - decay1**state.steps, 1 - decay2**state.steps
        for name, gradient in gradients.items():
            first[name] = decay1 * state.first[name] + (1 - decay1) * gradient
            second[name] = decay2 * state.second[name] + (1 - decay2) * gradient**2
            denominator = jnp.sqrt(second[name]) / jnp.sqrt(correction2) + 1e-8
            parameters[name] = state.parameters[name] - (self.rate / correction1) * first[name] / denominator
        return state._replace(
            parameters=state.parameters | parameters, first=state.first | first, second=state.second | second
        )


Update = Callable[[State, Array, Array, Noise], tuple[State, Array, Parameters]]
"""A step on given images, labels and noise, with the gradients it used."""


def cross_entropy(logits: Array, labels: Array) -> Array:
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1))


def classify(network: Callable[[Parameters, Array], Array]) -> Update:
    """`mlp` and `gru`."""

    def update(state: State, images: Array, labels: Array, noise: Noise) -> tuple[State, Array, Parameters]:
        def loss(parameters: Parameters) -> tuple[Array, Statistics]:
            return cross_entropy(network(parameters, images), labels), state.statistics

        return Adam(1e-3, (0.9, 0.999)).minimise(state, "", loss)

    return update


def vae(state: State, images: Array, labels: Array, noise: Noise) -> tuple[State, Array, Parameters]:
    def loss(parameters: Parameters) -> tuple[Array, Statistics]:
        logits, mu, logvar = networks.vae(parameters, images, noise["eps"])
        reconstruction = jnp.sum(jax.nn.softplus(logits) - images * logits)
        divergence = -0.5 * jnp.sum(1 + logvar - mu**2 - jnp.exp(logvar))
        return (reconstruction + divergence) / len(images), state.statistics

    return Adam(1e-3, (0.9, 0.999)).minimise(state, "", loss)


def gan(generator: Network, discriminator: Network) -> Update:
    """`gan` and `dcgan`: a step of the discriminator and one of the generator, non-saturating."""
    adam = Adam(2e-4, (0.5, 0.999))

    def update(state: State, images: Array, labels: Array, noise: Noise) -> tuple[State, Array, Parameters]:
        fake, statistics = generator(state.parameters, state.statistics, noise["z1"])

        def discriminator_loss(parameters: Parameters) -> tuple[Array, Statistics]:
            on_real, after_real = discriminator(parameters, statistics, images)
            on_fake, after_fake = discriminator(parameters, after_real, fake)
            return jnp.mean(jax.nn.softplus(-on_real)) + jnp.mean(jax.nn.softplus(on_fake)), after_fake

        state, loss_d, gradients_d = adam.minimise(state, "d.", discriminator_loss)

        def generator_loss(parameters: Parameters) -> tuple[Array, Statistics]:
            fake, after_generator = generator(parameters, state.statistics, noise["z2"])
            on_fake, after_fake = discriminator(parameters, after_generator, fake)
            return jnp.mean(jax.nn.softplus(-on_fake)), after_fake

        state, loss_g, gradients_g = adam.minimise(state, "g.", generator_loss)
        return state, loss_d + loss_g, gradients_d | gradients_g

    return update


def wgan_gp(state: State, images: Array, labels: Array, noise: Noise) -> tuple[State, Array, Parameters]:
    """The critic's step with its gradient penalty."""
    fake, statistics = networks.convolutional_generator(state.parameters, state.statistics, noise["z1"])
    mixed = noise["e"] * images + (1 - noise["e"]) * fake

    def loss(parameters: Parameters) -> tuple[Array, Statistics]:
        def critic(x: Array) -> Array:
            return networks.convolutional_discriminator(parameters, statistics, x)[0]

        gradient = jax.grad(lambda x: jnp.sum(critic(x)))(mixed)
        norm = jnp.sqrt(jnp.sum(gradient**2, axis=(1, 2, 3)))
        distance = jnp.mean(critic(fake)) - jnp.mean(critic(images))
        return distance + 10 * jnp.mean((norm - 1) ** 2), statistics

    return Adam(1e-4, (0.0, 0.9)).minimise(state, "d.", loss)


UPDATES: dict[str, Update] = {
    "mlp": classify(networks.mlp),
    "vae": vae,
    "gan": gan(networks.generator, networks.discriminator),
    "dcgan": gan(networks.convolutional_generator, networks.convolutional_discriminator),
    "wgan-gp": wgan_gp,
    "gru": classify(networks.gru),
}


def draw(key: Array, workload: str, batch: int) -> Noise:
    """What a step draws: `e` uniform on [0, 1), the rest standard normal."""
    shapes = states.NOISE[workload]
    keys = jax.random.split(key, max(len(shapes), 1))
    return {
        kind: (jax.random.uniform if kind == "e" else jax.random.normal)(key, (batch, *shape))
        for key, (kind, shape) in zip(keys, shapes.items(), strict=False)
    }


class Training:
    """A workload at its initial state."""

    note: str | None = None

    def __init__(self, workload: str, initial: Arrays) -> None:
        self.workload, self.initial = workload, initial
        images = states.images(initial, workload)
        channels_last = np.moveaxis(images, 1, -1) if images.ndim == 4 else images
        self.images = jnp.array(channels_last)
        self.labels = jnp.array(states.labels(initial))
        self.update = UPDATES[workload]
        self.timed = jax.jit(self.whole_step, donate_argnums=(0, 1))
        self.reset()

    def reset(self) -> None:
        """Initial weights and running statistics, and moments of zero."""
        parameters = {
            name: jnp.array(networks.to_jax(name, array)) for name, array in states.parameters(self.initial).items()
        }
        first, second = ({name: jnp.zeros_like(value) for name, value in parameters.items()} for _ in range(2))
        self.state = State(parameters, first, second, jnp.zeros(()), networks.initial_statistics(parameters))
        self.key = jax.random.key(0)

    def counted(self, state: State, images: Array, labels: Array, noise: Noise) -> tuple[State, Array, Parameters]:
        return self.update(state._replace(steps=state.steps + 1), images, labels, noise)

    def whole_step(self, state: State, key: Array, images: Array, labels: Array) -> tuple[State, Array, Array]:
        key, own = jax.random.split(key)
        state, loss, _ = self.counted(state, images, labels, draw(own, self.workload, len(images)))
        return state, key, loss

    def step(self) -> Array:
        self.state, self.key, loss = self.timed(self.state, self.key, self.images, self.labels)
        return loss.block_until_ready()

    def agree(self) -> tuple[list[float], Arrays]:
        losses, answers = [], {}
        compared = jax.jit(self.counted, donate_argnums=0)
        for step in range(states.AGREEMENT_STEPS):
            noise = {kind: jnp.array(array) for kind, array in states.noise(self.initial, self.workload, step).items()}
            self.state, loss, gradients = compared(self.state, self.images, self.labels, noise)
            losses.append(float(loss))
            for name, gradient in gradients.items():
                answers[f"grad.{step}.{name}"] = networks.to_torch(name, np.asarray(gradient))
        self.reset()
        return losses, answers
