"""The models of the zoo by name."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from . import _wengert


class Model(NamedTuple):
    """A model that can be trained."""

    name: str
    family: str
    description: str
    paper: str


def models() -> list[Model]:
    """All models."""
    return [Model(*entry) for entry in _wengert.models()]


def names() -> list[str]:
    """The names of all models."""
    return [model.name for model in models()]


def options(model: str) -> dict[str, Any]:
    """The options of a model with their defaults, which `wengert.train` takes by name."""
    return json.loads(_wengert.model_options(model))
