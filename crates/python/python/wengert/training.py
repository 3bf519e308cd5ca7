"""Training models of the zoo, and what is trained.

`train` is the loop of the program `wengert train`: the same settings give the same bytes."""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Mapping, NamedTuple, Optional, Union

from . import _wengert
from ._wengert import Tensor

Path = Union[str, "os.PathLike[str]"]


class Samples(NamedTuple):
    """Images drawn from a model, f32 `[count, C, H, W]` in 0..1, with their codes and, where it takes them, labels."""

    images: Tensor
    codes: Tensor
    labels: Optional[Tensor]


class Run:
    """A trained model, in evaluation mode."""

    def __init__(self, core: _wengert.Run, outcome: Optional[str] = None) -> None:
        self._core = core
        self.outcome = outcome
        """How `train` ended: `finished` or `step limit`; `None` of a run that was loaded."""

    @staticmethod
    def load(path: Path) -> "Run":
        """The best checkpoint of a run folder, or a checkpoint file."""
        return Run(_wengert.Run(path))

    @property
    def path(self) -> str:
        """The run folder, or the checkpoint file."""
        return str(self._core.path)

    @property
    def model(self) -> str:
        """The name of the model."""
        return self._core.model

    @property
    def config(self) -> dict[str, Any]:
        """The configuration, by section."""
        return json.loads(self._core.config)

    @property
    def epochs(self) -> int:
        """Epochs that the checkpoint has behind it."""
        return self._core.state[0]

    @property
    def steps(self) -> int:
        """Steps that the checkpoint has behind it."""
        return self._core.state[1]

    @property
    def best_loss(self) -> float:
        """The lowest test loss so far; infinite before the first."""
        return self._core.state[2]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The records of the epochs, as they stand in `metrics.jsonl`."""
        return [json.loads(record) for record in self._core.records]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return self._core.image_shape

    @property
    def code_size(self) -> int:
        """How many numbers make the code of an image; 0 for a model that makes no images."""
        return self._core.code_size

    @property
    def classes(self) -> Optional[int]:
        """How many classes the model is conditioned on."""
        return self._core.classes

    @property
    def parameter_count(self) -> int:
        """Trained numbers."""
        return self._core.parameter_count

    def state_dict(self) -> dict[str, Tensor]:
        """The weights and buffers by name."""
        return self._core.state_dict()

    def sample(self, count: int = 64, seed: int = 0) -> Samples:
        """Draws images, those of `wengert sample` with this seed."""
        return Samples(*self._core.sample(count, seed))

    def encode(self, images: Tensor, labels: Optional[Tensor] = None) -> Tensor:
        """The codes of images `[N, C, H, W]`."""
        return self._core.encode(images, labels)

    def decode(self, codes: Tensor, labels: Optional[Tensor] = None) -> Tensor:
        """The images of codes `[N, code size]`."""
        return self._core.decode(codes, labels)

    def reconstruct(self, images: Tensor, labels: Optional[Tensor] = None) -> Tensor:
        """Images as the model gives them back."""
        return self._core.reconstruct(images, labels)

    def __repr__(self) -> str:
        return f"Run({self.path!r}: {self.model}, {self.epochs} epochs, {self.steps} steps)"


Observer = Callable[[str, dict[str, Any]], Any]


def train(
    model: Optional[str] = None,
    *,
    epochs: Optional[int] = None,
    steps: Optional[int] = None,
    batch_size: Optional[int] = None,
    seed: Optional[int] = None,
    threads: Optional[int] = None,
    device: Optional[str] = None,
    data: Optional[Path] = None,
    out: Optional[Path] = None,
    force: bool = False,
    resume: Optional[Path] = None,
    settings: Mapping[str, Any] = {},
    observer: Union[Observer, None, bool] = True,
    **options: Any,
) -> Run:
    """Trains a model of the zoo as `wengert train` does, or goes on with a run.

    `options` are the model's own (`wengert.models.options("vae")`), such as `latent=2`; `settings` any other keys of a run's
    `config.toml`, such as `{"data.limit": 1000}`. `data` is the name of a data set, or the folder where it lies; `out` the
    run folder, by default the first free `runs/MODEL-N`. Without a `device` it computes on the processor.

    `observer(kind, contents)` is told each `start`, `step`, `gradients`, `epoch`, `alarm` and `saved`; by default a line is printed an
    epoch, with `None` nothing is. An exception of it, or an interruption of the kernel, lets the run save a checkpoint, from
    which `resume` goes on to the same bytes, before the exception is raised."""
    named = {
        "train.epochs": ("epochs", epochs),
        "train.steps": ("steps", steps),
        "train.batch": ("batch_size", batch_size),
        "seed": ("seed", seed),
        "train.threads": ("threads", threads),
        "train.device": ("device", device),
    }
    if options and model is None:
        raise TypeError("a model's own options need the model's name: train('vae', resume=…, …)")
    laid = [(key, value, "settings") for key, value in settings.items()]
    laid += [(key, value, origin) for key, (origin, value) in named.items() if value is not None]
    laid += [(f"{model}.{key}", value, key) for key, value in options.items()]
    if resume is not None and out is not None:
        raise TypeError("a run goes on in its own folder; leave out `out`, or begin a new run")
    if observer is True:
        observer = print_epochs
    listener = (lambda kind, contents: observer(kind, json.loads(contents))) if observer else None
    folder, outcome = _wengert.train(
        model,
        [(key, _text(value), origin) for key, value, origin in laid],
        None if data is None else os.fspath(data),
        out,
        force,
        resume,
        listener,
    )
    return Run(_wengert.Run(folder), outcome)


def print_epochs(kind: str, contents: dict[str, Any]) -> None:
    """Prints what a run tells, a line an epoch."""
    if kind == "start":
        print(
            f"{contents['model']}: {contents['parameters']:,} parameters, {contents['train_images']:,} training images, "
            f"in {contents['folder']}"
        )
    elif kind == "epoch":
        test = contents["test_loss"]
        shown = "" if test is None else f"  test {test:.2f}"
        print(f"epoch {contents['epoch']}  train {contents['train_loss']:.2f}{shown}  {contents['seconds']:.1f} s")
    elif kind == "alarm":
        print(f"look out: {contents['message']}")


def _text(value: Any) -> str:
    """A setting as it stands in a file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)
