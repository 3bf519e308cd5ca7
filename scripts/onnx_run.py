"""Runs ONNX files beside what the engine made of the same inputs: the checker of the onnx package, then onnxruntime.

    python scripts/onnx_run.py FOLDER

FOLDER holds, for each NAME.onnx, a NAME.npz with the inputs by name and the expected output as `output`. A line is
printed for each file. The largest difference may be 1e-5 of the largest number, and of 1 where that is smaller.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 1e-5


def difference(path):
    """The largest difference from the engine, relative to the largest number of the output."""
    onnx.checker.check_model(onnx.load(path), full_check=True)
    arrays = dict(np.load(path.with_suffix(".npz")))
    expected = arrays.pop("output")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    wanted = {port.name for port in session.get_inputs()}
    (found,) = session.run(None, {name: array for name, array in arrays.items() if name in wanted})
    if found.shape != expected.shape:
        raise ValueError(f"shape {found.shape}, and {expected.shape} was expected")
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    return float(np.abs(found - expected).max(initial=0.0)) / scale


def main(folder):
    failed = 0
    paths = sorted(Path(folder).glob("*.onnx"))
    for path in paths:
        try:
            largest = difference(path)
            verdict = "agrees" if largest <= TOLERANCE else "DIFFERS"
            print(f"{path.stem}: {verdict}, by {largest:.1e}")
        except Exception as error:  # One file that fails does not hide the others.
            verdict = "FAILS"
            print(f"{path.stem}: FAILS, {str(error).strip().splitlines()[0]}")
        failed += verdict != "agrees"
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
