#!/usr/bin/env python3
"""Writes tests/goldens/<family>.safetensors: what PyTorch computes for every case of the op case table.

    pip install torch==2.15.0 numpy
    cargo run -p wengert-testkit --example export_cases -- target/cases
    python scripts/goldens.py target/cases [FAMILY...]

Everything is computed in f64 on the CPU. With p the projection below, a case y = f(x0, x1, ...) yields

- `<id>/value`: y,
- `<id>/gradient<i>`: g_i, the derivative of sum(y * p) by x_i, for each differentiated input,
- `<id>/second<i>`: the derivative of sum_j sum(g_j * p_j) by x_i, for smooth cases; p_j is p started j + 1 later.

The metadata holds each case's fingerprint (of its inputs, its expression and what is differentiated), by which the tests
notice a golden that is out of date.
"""

import json
import pathlib
import sys

import torch
import torch.nn.functional as F

import safetensors_io

TORCH_VERSION = "2.15.0"
GOLDENS = pathlib.Path(__file__).resolve().parent.parent / "tests" / "goldens"


def projection(like, start=0):
    """Fixed weights in -1..1 for the elements of a tensor; testkit's `projection` computes the same ones."""
    index = torch.arange(start, start + like.numel(), dtype=torch.int64)
    weights = ((index * 7919 + 104_729) % 2003).double() / 1001.0 - 1.0
    return weights.reshape(like.shape)


def gradients(output, inputs, create_graph):
    """Derivatives of a scalar by each input, zeros where it does not depend on one."""
    if not output.requires_grad:
        return [torch.zeros_like(x) for x in inputs]
    found = torch.autograd.grad(output, inputs, create_graph=create_graph, allow_unused=True)
    # PyTorch has a zero without memory too; numpy cannot hold it.
    zero = [g is None or g._is_zerotensor() for g in found]
    return [torch.zeros_like(x) if z else g for x, g, z in zip(inputs, found, zero, strict=True)]


def evaluate(case, arrays):
    """The golden tensors of one case."""
    names = {f"x{i}": torch.from_numpy(arrays[f"{case['id']}/x{i}"]) for i in range(case["inputs"])}
    differentiated = [names[f"x{i}"].requires_grad_() for i in case["differentiated"]]
    value = eval(case["torch"], {"torch": torch, "F": F}, dict(names))
    golden = {f"{case['id']}/value": value}
    if differentiated:
        first = gradients((value * projection(value)).sum(), differentiated, create_graph=case["smooth"])
        for i, gradient in zip(case["differentiated"], first, strict=True):
            golden[f"{case['id']}/gradient{i}"] = gradient
        if case["smooth"]:
            projected = sum((g * projection(g, i + 1)).sum() for i, g in zip(case["differentiated"], first, strict=True))
            second = gradients(projected, differentiated, create_graph=False)
            for i, gradient in zip(case["differentiated"], second, strict=True):
                golden[f"{case['id']}/second{i}"] = gradient
    return {name: tensor.detach().contiguous().numpy() for name, tensor in golden.items()}


def main():
    if torch.__version__.split("+")[0] != TORCH_VERSION:
        sys.exit(f"torch {torch.__version__} found, {TORCH_VERSION} needed: pip install torch=={TORCH_VERSION}")
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder, wanted = pathlib.Path(sys.argv[1]), sys.argv[2:]
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with open(folder / "cases.json") as file:
        families = json.load(file)
    failures = []
    for family, cases in families.items():
        if wanted and family not in wanted:
            continue
        arrays, _ = safetensors_io.read(folder / f"{family}.safetensors")
        goldens, fingerprints = {}, {"torch": TORCH_VERSION}
        for case in cases:
            if case["torch"] is None:
                continue
            try:
                goldens |= evaluate(case, arrays)
                fingerprints[case["id"]] = case["fingerprint"]
            except Exception as error:  # one wrong expression must not hide the others
                failures.append(f"{case['id']}: {case['torch']}: {type(error).__name__}: {error}")
        if goldens:
            GOLDENS.mkdir(parents=True, exist_ok=True)
            path = GOLDENS / f"{family}.safetensors"
            safetensors_io.write(path, goldens, fingerprints)
            print(f"{path.name}: {len(fingerprints) - 1} cases, {path.stat().st_size:,} bytes")
    if failures:
        sys.exit("\n".join(["these cases failed:", *failures]))


if __name__ == "__main__":
    main()
