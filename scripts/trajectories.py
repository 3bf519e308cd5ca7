#!/usr/bin/env python3
"""Writes tests/goldens/trajectory_{vae,dcgan,wgan_gp}.safetensors: ten training steps of three small models in PyTorch.

    pip install torch==2.15.0 numpy
    python scripts/trajectories.py

All in f64 on the CPU. A file holds everything that is random, so that the Rust test draws nothing:

- `initial/<name>` and `final/<name>`: parameters and buffers by their PyTorch names, before and after,
- `data/...`, `noise/...`: what each step is fed, the first axis being the step,
- `losses/<name>`: one number a step,
- `gradient/<name>` (WGAN-GP only): the gradient of the first critic loss, penalty included, by each parameter.
"""

import pathlib
import sys

import torch
import torch.nn.functional as F
from torch import nn

import safetensors_io

TORCH_VERSION = "2.15.0"
GOLDENS = pathlib.Path(__file__).resolve().parent.parent / "tests" / "goldens"
STEPS = 10
BATCH = 4


def state(prefix, module):
    """Parameters and buffers under `prefix`, copied."""
    return {f"{prefix}/{name}": value.clone() for name, value in module.state_dict().items()}


def save(name, tensors):
    path = GOLDENS / f"trajectory_{name}.safetensors"
    arrays = {key: value.detach().contiguous().numpy() for key, value in tensors.items()}
    safetensors_io.write(path, arrays, {"torch": TORCH_VERSION})
    print(f"{path.name}: {path.stat().st_size:,} bytes")


class VAE(nn.Module):
    """The shape of PyTorch's example, small: 36-24-(4, 4)-24-36."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(36, 24)
        self.fc21 = nn.Linear(24, 4)
        self.fc22 = nn.Linear(24, 4)
        self.fc3 = nn.Linear(4, 24)
        self.fc4 = nn.Linear(24, 36)

    def forward(self, x, noise):
        hidden = F.relu(self.fc1(x))
        mu, logvar = self.fc21(hidden), self.fc22(hidden)
        z = mu + torch.exp(0.5 * logvar) * noise
        return self.fc4(F.relu(self.fc3(z))), mu, logvar


def vae():
    """Bernoulli likelihood, Gaussian KL, summed over the batch; Adam 1e-3."""
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    golden = state("initial", model)
    x = torch.rand(STEPS, BATCH, 36)
    noise = torch.randn(STEPS, BATCH, 4)
    reconstructions, kls = [], []
    for step in range(STEPS):
        logits, mu, logvar = model(x[step], noise[step])
        reconstruction = F.binary_cross_entropy_with_logits(logits, x[step], reduction="sum")
        kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
        optimizer.zero_grad()
        (reconstruction + kl).backward()
        optimizer.step()
        reconstructions.append(reconstruction)
        kls.append(kl)
    losses = {"losses/reconstruction": torch.stack(reconstructions), "losses/kl": torch.stack(kls)}
    save("vae", golden | {"data/x": x, "noise/z": noise} | losses | state("final", model))


def dcgan():
    """Generator 6x1x1 to 1x16x16 and its mirror; Adam 2e-4 (0.5, 0.999); both steps use the same fakes."""
    generator = nn.Sequential(
        nn.ConvTranspose2d(6, 8, 4, 1, 0, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 4, 4, 2, 1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.ConvTranspose2d(4, 1, 4, 2, 1, bias=False),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(1, 4, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2),
        nn.Conv2d(4, 8, 4, 2, 1, bias=False),
        nn.BatchNorm2d(8),
        nn.LeakyReLU(0.2),
        nn.Conv2d(8, 1, 4, 1, 0, bias=False),
    )
    settings = {"lr": 2e-4, "betas": (0.5, 0.999)}
    generator_optimizer = torch.optim.Adam(generator.parameters(), **settings)
    discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), **settings)
    golden = state("initial/generator", generator) | state("initial/discriminator", discriminator)
    real = torch.rand(STEPS, BATCH, 1, 16, 16) * 2 - 1
    noise = torch.randn(STEPS, BATCH, 6, 1, 1)
    ones, zeros = torch.ones(BATCH), torch.zeros(BATCH)
    discriminator_losses, generator_losses = [], []
    for step in range(STEPS):
        fake = generator(noise[step])
        real_loss = F.binary_cross_entropy_with_logits(discriminator(real[step]).flatten(), ones)
        fake_loss = F.binary_cross_entropy_with_logits(discriminator(fake.detach()).flatten(), zeros)
        discriminator_optimizer.zero_grad()
        (real_loss + fake_loss).backward()
        discriminator_optimizer.step()

        generator_loss = F.binary_cross_entropy_with_logits(discriminator(fake).flatten(), ones)
        generator_optimizer.zero_grad()
        generator_loss.backward()
        generator_optimizer.step()
        discriminator_losses.append(real_loss + fake_loss)
        generator_losses.append(generator_loss)
    golden |= {
        "data/real": real,
        "noise/z": noise,
        "losses/discriminator": torch.stack(discriminator_losses),
        "losses/generator": torch.stack(generator_losses),
    }
    save("dcgan", golden | state("final/generator", generator) | state("final/discriminator", discriminator))


def wgan_gp():
    """Critic steps with the gradient penalty (weight 10) through conv, leaky ReLU, layer norm and linear."""
    critic = nn.Sequential(
        nn.Conv2d(1, 4, 3, 2, 1),
        nn.LeakyReLU(0.2),
        nn.LayerNorm([4, 4, 4]),
        nn.Conv2d(4, 6, 3, 2, 1),
        nn.LeakyReLU(0.2),
        nn.LayerNorm([6, 2, 2]),
        nn.Flatten(),
        nn.Linear(24, 1),
    )
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-4, betas=(0.0, 0.9))
    golden = state("initial", critic)
    real = torch.rand(STEPS, BATCH, 1, 8, 8) * 2 - 1
    fake = torch.rand(STEPS, BATCH, 1, 8, 8) * 2 - 1
    mix = torch.rand(STEPS, BATCH, 1, 1, 1)
    losses, penalties = [], []
    for step in range(STEPS):
        between = (mix[step] * real[step] + (1 - mix[step]) * fake[step]).requires_grad_()
        (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        penalty = ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
        loss = critic(fake[step]).mean() - critic(real[step]).mean() + 10 * penalty
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            golden |= {f"gradient/{name}": value.grad.clone() for name, value in critic.named_parameters()}
        optimizer.step()
        losses.append(loss)
        penalties.append(penalty)
    golden |= {"data/real": real, "data/fake": fake, "noise/mix": mix}
    golden |= {"losses/critic": torch.stack(losses), "losses/penalty": torch.stack(penalties)}
    save("wgan_gp", golden | state("final", critic))


def main():
    if torch.__version__.split("+")[0] != TORCH_VERSION:
        sys.exit(f"torch {torch.__version__} found, {TORCH_VERSION} needed: pip install torch=={TORCH_VERSION}")
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    GOLDENS.mkdir(parents=True, exist_ok=True)
    for seed, trajectory in enumerate([vae, dcgan, wgan_gp]):
        torch.manual_seed(seed)
        trajectory()


if __name__ == "__main__":
    main()
