#!/usr/bin/env python3
"""The bench's workloads in PyTorch: eager, eager with fused Adam, compiled, or captured as CUDA graphs.

    python benches/torch_baseline.py vae mlp --threads 2 --batch 128 --rounds 5 --json [--fused | --compile]
    python benches/torch_baseline.py vae mlp --device cuda --json [--fused | --compile | --graph] [--tf32]

README.md says what is timed and how to install PyTorch without its GPU wheels.
"""

import baseline
import mkl


def main() -> None:
    arguments = baseline.parser("The bench's workloads in PyTorch.")
    group = arguments.add_mutually_exclusive_group()
    group.add_argument("--fused", action="store_true", help="Adam(fused=True)")
    group.add_argument("--compile", action="store_true", help="torch.compile, and Adam(fused=True)")
    group.add_argument("--graph", action="store_true", help="whole steps as CUDA graphs, and Adam(fused=True)")
    arguments.add_argument("--tf32", action="store_true", help="TF32 in products and convolutions on a GPU")
    arguments.add_argument("--stock-mkl", action="store_true", help="leave MKL with AVX2 on processors not by Intel")
    options = arguments.parse_args()
    note = None if options.stock_mkl else mkl.unlock_avx512()
    from torch_training import Torch  # loads PyTorch and with it MKL, which must come second

    baseline.main(Torch(options.fused, options.compile, options.graph, options.tf32, note), options)


if __name__ == "__main__":
    main()
