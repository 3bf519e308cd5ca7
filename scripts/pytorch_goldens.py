#!/usr/bin/env python3
"""Writes tests/goldens/pytorch/{state,vae}.pt, state dictionaries as torch.save writes them, and twins as safetensors.

    pip install torch==2.15.0 numpy
    python scripts/pytorch_goldens.py

The first has every element type that can be read, tensors that are views of one storage, a parameter, and the
attributes that a module gives its dictionary. The second is that of a variational autoencoder with layers of 2 and a code of 1. In the twins, f16 and bf16
stand as the f32 that they become.
"""

import pathlib
import sys

import torch

import safetensors_io

TORCH_VERSION = "2.15.0"
FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "goldens" / "pytorch"


def state():
    """The state of a small module, and beside it what no module of the zoo has."""
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    entries = module.state_dict()
    whole = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8
    short = torch.tensor([0.0, -0.0, 1.0, -1.5, 65504.0, 2.0**-24, 2.0**-15, float("inf")])
    entries.update(
        {
            "parameter": torch.nn.Parameter(torch.tensor([0.25, -4.0])),
            "view.transposed": whole.t(),
            "view.part": whole[1:3, ::2],
            "view.row": whole[2],
            "type.double": torch.linspace(-1, 1, 5, dtype=torch.float64),
            "type.half": short.half(),
            "type.bfloat16": short.bfloat16(),
            "type.long": torch.tensor([-(2**62), -1, 0, 2**62]),
            "type.byte": torch.tensor([0, 127, 255], dtype=torch.uint8),
            "type.bool": torch.tensor([[True, False], [False, True]]),
            "empty": torch.zeros(0, 3),
            "scalar": torch.tensor(2.5),
        }
    )
    return entries


def vae():
    """The layers of PyTorch's example, small."""
    sizes = {"fc1": (784, 2), "fc21": (2, 1), "fc22": (2, 1), "fc3": (1, 2), "fc4": (2, 784)}
    return torch.nn.ModuleDict({name: torch.nn.Linear(*size) for name, size in sizes.items()}).state_dict()


def save(name, entries):
    """Writes a state dictionary and its twin."""
    torch.save(entries, FOLDER / f"{name}.pt")
    widened = {torch.float16: torch.float32, torch.bfloat16: torch.float32}
    arrays = {
        name: tensor.detach().to(widened.get(tensor.dtype, tensor.dtype)).contiguous().numpy()
        for name, tensor in entries.items()
    }
    safetensors_io.write(FOLDER / f"{name}.safetensors", arrays, {"torch": TORCH_VERSION})


def main():
    if torch.__version__.split("+")[0] != TORCH_VERSION:
        sys.exit(f"the goldens come from torch {TORCH_VERSION}, this is {torch.__version__}")
    FOLDER.mkdir(exist_ok=True)
    torch.manual_seed(0)
    save("state", state())
    save("vae", vae())


if __name__ == "__main__":
    main()
