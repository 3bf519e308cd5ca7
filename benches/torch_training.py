"""The bench's training workloads in PyTorch, as one writes PyTorch: modules, autograd, `torch.optim.Adam`.

The compiled mode passes each loss function, networks included, through `torch.compile`, which compiles its backward
pass as well. Random draws are made outside, so that the compared steps run the same compiled code as the timed ones.
The graphed mode captures a whole step, its random draws included, as a CUDA graph; the compared steps are a graph of
the same code that reads its noise.
"""

from collections.abc import Callable, Iterable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import baseline
import states
import torch_micro
from states import Arrays

Noise = dict[str, Tensor]

WARM_UP_STEPS = 3
"""Steps before a capture, in which libraries choose their algorithms and optimisers make their state."""


class Mlp(nn.Module):
    """784-512-256-10."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(states.PIXELS, 512)
        self.fc2 = nn.Linear(512, 256)
        self.fc3 = nn.Linear(256, states.CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class Vae(nn.Module):
    """784-400-(20, 20)-400-784."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(states.PIXELS, 400)
        self.fc21 = nn.Linear(400, states.VAE_LATENT)
        self.fc22 = nn.Linear(400, states.VAE_LATENT)
        self.fc3 = nn.Linear(states.VAE_LATENT, 400)
        self.fc4 = nn.Linear(400, states.PIXELS)

    def forward(self, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden = F.relu(self.fc1(x))
        mu, logvar = self.fc21(hidden), self.fc22(hidden)
        z = mu + torch.exp(0.5 * logvar) * eps
        return self.fc4(F.relu(self.fc3(z))), mu, logvar


class Gru(nn.Module):
    """A GRU of 128 over the rows of an image and a linear layer on its last state."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(28, states.HIDDEN, batch_first=True)
        self.fc = nn.Linear(states.HIDDEN, states.CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        _, last = self.gru(x)
        return self.fc(last[0])


class Generator(nn.Module):
    """100-256-512-1024-784 with batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.bn1 = nn.Linear(states.LATENT, 256), nn.BatchNorm1d(256)
        self.fc2, self.bn2 = nn.Linear(256, 512), nn.BatchNorm1d(512)
        self.fc3, self.bn3 = nn.Linear(512, 1024), nn.BatchNorm1d(1024)
        self.fc4 = nn.Linear(1024, states.PIXELS)

    def forward(self, z: Tensor) -> Tensor:
        x = F.leaky_relu(self.bn1(self.fc1(z)), 0.2)
        x = F.leaky_relu(self.bn2(self.fc2(x)), 0.2)
        x = F.leaky_relu(self.bn3(self.fc3(x)), 0.2)
        return torch.tanh(self.fc4(x))


class Discriminator(nn.Module):
    """784-512-256-1."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(states.PIXELS, 512)
        self.fc2 = nn.Linear(512, 256)
        self.fc3 = nn.Linear(256, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.fc1(x), 0.2)
        return self.fc3(F.leaky_relu(self.fc2(x), 0.2))


class ConvolutionalGenerator(nn.Module):
    """100 to 128×7×7 to 64×14×14 to 1×28×28."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.bn1 = nn.Linear(states.LATENT, 128 * 7 * 7), nn.BatchNorm2d(128)
        self.conv1 = nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.conv2 = nn.ConvTranspose2d(64, 1, 4, 2, 1)

    def forward(self, z: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.fc(z).view(-1, 128, 7, 7)))
        x = F.relu(self.bn2(self.conv1(x)))
        return torch.tanh(self.conv2(x))


class ConvolutionalDiscriminator(nn.Module):
    """1×28×28 to 64×14×14 to 128×7×7 to 1; the critic of WGAN-GP is without batch norm."""

    def __init__(self, norm: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 4, 2, 1)
        self.conv2 = nn.Conv2d(64, 128, 4, 2, 1, bias=not norm)
        self.bn2 = nn.BatchNorm2d(128) if norm else nn.Identity()
        self.fc = nn.Linear(128 * 7 * 7, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.conv1(x), 0.2)
        x = F.leaky_relu(self.bn2(self.conv2(x)), 0.2)
        return self.fc(x.flatten(1))


class Mode:
    """Eager, eager with fused Adam, compiled, or graphed."""

    device = torch.device("cpu")

    def __init__(self, fused: bool, compiled: bool, graphed: bool, tf32: bool, note: str | None) -> None:
        self.fused, self.compiled, self.graphed = fused or compiled or graphed, compiled, graphed
        self.tf32, self.note = tf32, note

    @property
    def impl(self) -> str:
        if self.graphed:
            name = "torch-graph"
        else:
            name = "torch-compile" if self.compiled else "torch-fused" if self.fused else "torch"
        return name + "-tf32" if self.tf32 else name

    def compile(self, loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
        return torch.compile(loss, dynamic=False) if self.compiled else loss

    def adam(self, parameters: Iterable[nn.Parameter], rate: float, betas: tuple[float, float]) -> torch.optim.Adam:
        fused = True if self.fused else None
        return torch.optim.Adam(parameters, lr=rate, betas=betas, fused=fused, capturable=self.graphed)

    def put(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.device)


def minimise(optimizer: torch.optim.Optimizer, loss: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """One update."""
    optimizer.zero_grad(set_to_none=True)
    value = loss(*inputs)
    value.backward()
    optimizer.step()
    return value.detach()


class Graph:
    """A captured step. Its loss, and the gradients that the parameters hold, are written anew by every replay."""

    def __init__(self, networks: nn.Module, step: Callable[[], Tensor]) -> None:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_STEPS):
                step()
        torch.cuda.current_stream().wait_stream(stream)
        networks.zero_grad(set_to_none=True)  # so that gradients come to lie in the graph's memory
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.loss = step()

    def replay(self) -> Tensor:
        self.graph.replay()
        return self.loss


class Training:
    """A workload at its initial state. Subclasses have the networks, the losses and `update`."""

    def __init__(self, networks: nn.Module, workload: str, state: Arrays, mode: Mode) -> None:
        self.networks, self.mode, self.note = networks.to(mode.device), mode, mode.note
        self.graph: Graph | None = None
        self.images = mode.put(states.images(state, workload))
        self.labels = mode.put(states.labels(state))
        self.agreement_noise = [
            {kind: mode.put(array) for kind, array in states.noise(state, workload, step).items()}
            for step in range(states.AGREEMENT_STEPS)
        ]
        initial = {name: torch.from_numpy(array) for name, array in states.parameters(state).items()}
        buffers = {name: buffer.clone() for name, buffer in networks.named_buffers()}
        self.initial = initial | buffers
        self.networks.load_state_dict(self.initial)
        self.optimizers = self.make_optimizers()

    def reset(self) -> None:
        """Initial weights and running statistics, and optimisers that have seen nothing: all where it lies, as graphs
        know only places. A new Adam's state is zero everywhere."""
        self.networks.load_state_dict(self.initial)
        for optimizer in self.optimizers:
            for state in optimizer.state.values():
                for tensor in state.values():
                    tensor.zero_()

    def make_optimizers(self) -> list[torch.optim.Optimizer]:
        raise NotImplementedError

    def draw(self) -> Noise:
        """What a step draws."""
        return {}

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, device=self.mode.device)

    def update(self, noise: Noise) -> Tensor:
        """One training step."""
        raise NotImplementedError

    def capture(self, step: Callable[[], Tensor]) -> Graph:
        """A graph of a step, which goes on from the initial state."""
        graph = Graph(self.networks, step)
        self.reset()
        return graph

    def step(self) -> Tensor:
        if self.mode.graphed and self.graph is None:
            self.graph = self.capture(lambda: self.update(self.draw()))
        loss = self.graph.replay() if self.graph else self.update(self.draw())
        torch_micro.synchronize(self.mode.device)
        return loss

    def agree(self) -> tuple[list[float], Arrays]:
        losses, gradients = [], {}
        update = self.graphed_update() if self.mode.graphed else self.update
        for step, noise in enumerate(self.agreement_noise):
            losses.append(update(noise).item())
            for name, parameter in self.networks.named_parameters():
                if parameter.grad is not None:
                    gradients[f"grad.{step}.{name}"] = np.ascontiguousarray(parameter.grad.cpu().numpy()).copy()
        self.reset()
        return losses, gradients

    def graphed_update(self) -> Callable[[Noise], Tensor]:
        """`update` as a graph, whose noise is copied to where the graph reads it."""
        places = {kind: tensor.clone() for kind, tensor in self.agreement_noise[0].items()}
        graph = self.capture(lambda: self.update(places))

        def update(noise: Noise) -> Tensor:
            for kind, place in places.items():
                place.copy_(noise[kind])
            return graph.replay()

        return update


class Classifier(Training):
    """`mlp` and `gru`."""

    def __init__(self, network: nn.Module, workload: str, state: Arrays, mode: Mode) -> None:
        super().__init__(network, workload, state, mode)
        self.loss = mode.compile(lambda images, labels: F.cross_entropy(network(images), labels))

    def make_optimizers(self) -> list[torch.optim.Optimizer]:
        self.adam = self.mode.adam(self.networks.parameters(), 1e-3, (0.9, 0.999))
        return [self.adam]

    def update(self, noise: Noise) -> Tensor:
        return minimise(self.adam, self.loss, self.images, self.labels)


class VaeTraining(Training):
    """`vae`: binary cross-entropy and KL divergence, summed, divided by the batch."""

    def __init__(self, workload: str, state: Arrays, mode: Mode) -> None:
        network = Vae()
        super().__init__(network, workload, state, mode)

        def loss(images: Tensor, eps: Tensor) -> Tensor:
            logits, mu, logvar = network(images, eps)
            cross_entropy = F.binary_cross_entropy_with_logits(logits, images, reduction="sum")
            divergence = -0.5 * torch.sum(1 + logvar - mu.square() - logvar.exp())
            return (cross_entropy + divergence) / len(images)

        self.loss = mode.compile(loss)

    def make_optimizers(self) -> list[torch.optim.Optimizer]:
        self.adam = self.mode.adam(self.networks.parameters(), 1e-3, (0.9, 0.999))
        return [self.adam]

    def draw(self) -> Noise:
        return {"eps": self.normal(len(self.images), states.VAE_LATENT)}

    def update(self, noise: Noise) -> Tensor:
        return minimise(self.adam, self.loss, self.images, noise["eps"])


class GanTraining(Training):
    """`gan` and `dcgan`: a step of the discriminator and one of the generator, non-saturating."""

    def __init__(
        self, generator: nn.Module, discriminator: nn.Module, workload: str, state: Arrays, mode: Mode
    ) -> None:
        networks = nn.ModuleDict({"g": generator, "d": discriminator})
        super().__init__(networks, workload, state, mode)
        ones = torch.ones(len(self.images), 1, device=mode.device)
        zeros = torch.zeros_like(ones)

        def discriminator_loss(images: Tensor, z: Tensor) -> Tensor:
            with torch.no_grad():
                fake = generator(z)
            real_loss = F.binary_cross_entropy_with_logits(discriminator(images), ones)
            return real_loss + F.binary_cross_entropy_with_logits(discriminator(fake), zeros)

        def generator_loss(z: Tensor) -> Tensor:
            return F.binary_cross_entropy_with_logits(discriminator(generator(z)), ones)

        self.discriminator = discriminator
        self.discriminator_loss, self.generator_loss = mode.compile(discriminator_loss), mode.compile(generator_loss)

    def make_optimizers(self) -> list[torch.optim.Optimizer]:
        self.adam_d, self.adam_g = (
            self.mode.adam(self.networks[name].parameters(), 2e-4, (0.5, 0.999)) for name in ("d", "g")
        )
        return [self.adam_d, self.adam_g]

    def draw(self) -> Noise:
        return {kind: self.normal(len(self.images), states.LATENT) for kind in ("z1", "z2")}

    def update(self, noise: Noise) -> Tensor:
        loss = minimise(self.adam_d, self.discriminator_loss, self.images, noise["z1"])
        self.discriminator.requires_grad_(False)  # its gradients are not wanted here
        loss += minimise(self.adam_g, self.generator_loss, noise["z2"])
        self.discriminator.requires_grad_(True)
        return loss


class WassersteinTraining(Training):
    """`wgan-gp`: the critic's step with its gradient penalty."""

    def __init__(self, workload: str, state: Arrays, mode: Mode) -> None:
        generator, critic = ConvolutionalGenerator(), ConvolutionalDiscriminator(norm=False)
        networks = nn.ModuleDict({"g": generator, "d": critic})
        super().__init__(networks, workload, state, mode)
        generator.requires_grad_(False)

        def loss(images: Tensor, z: Tensor, e: Tensor) -> Tensor:
            with torch.no_grad():
                fake = generator(z)
            mixed = e * images + (1 - e) * fake
            gradient = by_input(mixed)
            penalty = (gradient.flatten(1).norm(dim=1) - 1).square().mean()
            return critic(fake).mean() - critic(images).mean() + 10 * penalty

        def by_input(x: Tensor) -> Tensor:
            if mode.compiled:  # of the two forms the one that torch.compile can differentiate again
                return torch.func.grad(lambda x: critic(x).sum())(x)
            x.requires_grad_()
            return torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]

        self.loss = mode.compile(loss)

    def make_optimizers(self) -> list[torch.optim.Optimizer]:
        self.adam = self.mode.adam(self.networks["d"].parameters(), 1e-4, (0.0, 0.9))
        return [self.adam]

    def draw(self) -> Noise:
        batch = len(self.images)
        return {"z1": self.normal(batch, states.LATENT), "e": torch.rand(batch, 1, 1, 1, device=self.mode.device)}

    def update(self, noise: Noise) -> Tensor:
        return minimise(self.adam, self.loss, self.images, noise["z1"], noise["e"])


class Torch(Mode):
    """PyTorch as the bench sees it."""

    def load(self, workload: str, batch: int, place: baseline.Place, state: Arrays) -> Training:
        self.start(place)
        match workload:
            case "mlp":
                return Classifier(Mlp(), workload, state, self)
            case "gru":
                return Classifier(Gru(), workload, state, self)
            case "vae":
                return VaeTraining(workload, state, self)
            case "gan":
                return GanTraining(Generator(), Discriminator(), workload, state, self)
            case "dcgan":
                networks = ConvolutionalGenerator(), ConvolutionalDiscriminator(norm=True)
                return GanTraining(*networks, workload, state, self)
            case "wgan-gp":
                return WassersteinTraining(workload, state, self)
            case _:
                raise ValueError(f"no workload `{workload}`")

    def load_micro(self, name: str, place: baseline.Place, repeat: int) -> baseline.Micro:
        self.start(place)
        if self.graphed:
            raise ValueError("torch-graph captures training steps; single ops are torch's")
        return torch_micro.load(name, repeat, self.fused, self.compiled, self.device)

    def start(self, place: baseline.Place) -> None:
        self.device = torch.device(place.device)
        if self.device.type == "cuda":
            self.start_cuda()
        elif self.graphed:
            raise ValueError(f"torch-graph captures CUDA graphs; there are none on {place.device}")
        elif self.tf32:
            raise ValueError(f"TF32 is arithmetic of GPUs; leave --tf32 out on {place.device}")
        torch.compiler.reset()  # compiled code has the number of threads in it
        torch.set_num_threads(place.threads)
        torch.set_float32_matmul_precision("high" if self.tf32 else "highest")
        torch.manual_seed(0)

    def start_cuda(self) -> None:
        if not torch.cuda.is_available():
            raise ValueError(f"PyTorch {torch.__version__} finds no CUDA device")
        self.note = None  # it is about MKL, which has no part in this
        torch.cuda.set_device(self.device)
        torch.backends.cuda.matmul.allow_tf32 = self.tf32
        torch.backends.cudnn.allow_tf32 = self.tf32
        torch.backends.cudnn.benchmark = True  # the shapes stay as they are
