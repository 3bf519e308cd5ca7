"""Tensors by name in files, by the files' endings."""

from __future__ import annotations

import os
from typing import Mapping, Union

from . import _wengert
from ._wengert import Tensor

Path = Union[str, "os.PathLike[str]"]


def save(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] = {}) -> None:
    """Writes tensors by name as `.safetensors`, with metadata, or as `.npz`; an old file is replaced whole or not at all."""
    match_ending(path, (".safetensors", ".npz"))
    if str(path).endswith(".npz"):
        if metadata:
            raise ValueError(f"{path}: an .npz holds no metadata; save as .safetensors")
        _wengert.save_npz(path, dict(tensors))
    else:
        _wengert.save_safetensors(path, dict(tensors), dict(metadata))


def load(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.safetensors`, an `.npz`, or a state dictionary of PyTorch (`.pt`, `.pth`), of which nothing is
    executed."""
    match_ending(path, (".safetensors", ".npz", ".pt", ".pth"))
    if str(path).endswith(".npz"):
        return _wengert.load_npz(path)
    if str(path).endswith(".safetensors"):
        return _wengert.load_safetensors(path)[0]
    return _wengert.load_pytorch(path)


def match_ending(path: Path, endings: tuple[str, ...]) -> None:
    """An exception unless a file's name says what it holds."""
    if not str(path).endswith(endings):
        raise ValueError(f"{path}: the name must end in {', '.join(endings)}")
