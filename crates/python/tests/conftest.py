"""What the tests share."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def program():
    """The program `wengert`, as the rest of the checks have built it."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    found = os.environ.get("WENGERT_PROGRAM") or shutil.which("wengert", path=str(target / "debug"))
    if not found:
        pytest.skip("skipped: the program is not built; cargo build")
    return found


@pytest.fixture(scope="session")
def mnist():
    """The folder of MNIST in the repository."""
    return ROOT / "datasets" / "mnist"
