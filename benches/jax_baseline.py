#!/usr/bin/env python3
"""The bench's workloads in JAX, on the CPU: `jax.jit` of the whole step.

    python benches/jax_baseline.py vae mlp --threads 2 --batch 128 --rounds 5 --json

README.md says what is timed and how to install JAX.
"""

import os

import baseline
from states import Arrays


class Jax:
    """JAX as the bench sees it. XLA makes its pool of threads once, one for each processor the process may use."""

    impl = "jax"
    threads: int | None = None

    def start(self, place: baseline.Place) -> None:
        threads = place.threads
        if place.device != "cpu":
            raise ValueError(f"the JAX baseline is for the CPU; it does not run on {place.device}")
        if self.threads is None:
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
            self.threads = threads
        if self.threads != threads:
            raise ValueError(f"this process has {self.threads} threads for good: start another one for {threads}")

    def load(self, workload: str, batch: int, place: baseline.Place, state: Arrays) -> baseline.Runner:
        self.start(place)
        import jax_training  # loads JAX, which must come after `start`

        return jax_training.Training(workload, state)

    def load_micro(self, name: str, place: baseline.Place, repeat: int) -> baseline.Micro:
        self.start(place)
        import jax_micro

        return jax_micro.load(name, repeat)


if __name__ == "__main__":
    baseline.main(Jax(), baseline.parser("The bench's workloads in JAX.").parse_args())
