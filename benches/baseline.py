"""What the PyTorch and JAX baselines share: arguments, the serve loop, timing and records.

What is timed is one training step from the start of its random draws to the end of its parameter update, wall clock,
each step by itself. Data are in memory, compilation and warm-up come before, the collector of cyclic garbage is off.
"""

import argparse
import gc
import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from safetensors.numpy import load_file, save_file

import states
from states import Arrays

ROUND_SECONDS = 0.5
WARM_UP_SECONDS = 1.0
TOLERANCES = (1e-4, 1e-2, 3e-2)


class Place(NamedTuple):
    """Where a workload is computed."""

    threads: int
    device: str = "cpu"
    """`cpu` or `cuda:0`."""


class Runner(Protocol):
    """A loaded workload."""

    note: str | None
    """What could not be done as asked, for the reader of the record."""

    def agree(self) -> tuple[list[float], Arrays]:
        """Losses and gradients (`grad.<step>.<name>`) of three steps on the state's noise; then all is as loaded."""

    def step(self) -> Any:
        """One step, finished on its device too. The result is the loss, as whatever `float` takes."""


class Contender(Protocol):
    """A framework in one of its modes."""

    impl: str

    def load(self, workload: str, batch: int, place: Place, state: Arrays) -> Runner: ...

    def load_micro(self, name: str, place: Place, repeat: int) -> Runner: ...


def sizes(shape: str) -> tuple[int, ...]:
    """`128x784` in numbers."""
    return tuple(int(size) for size in shape.split("x"))


def elements(count: str) -> int:
    """`64K` and `16M` in numbers: binary thousands and millions."""
    return int(count[:-1]) << {"K": 10, "M": 20}[count[-1]]


def square(count: str) -> int:
    """The side of the square matrix of that many elements."""
    return math.isqrt(elements(count))


class Micro:
    """A micro workload: `repeat` calls of `call` and one of `finish` are a step, and nothing is to be compared."""

    def __init__(
        self,
        call: Callable[[], Any],
        repeat: int,
        note: str | None = None,
        finish: Callable[[], None] = lambda: None,
    ) -> None:
        self.call, self.repeat, self.note, self.finish = call, repeat, note, finish

    def agree(self) -> tuple[list[float], Arrays]:
        return [], {}

    def step(self) -> float:
        for _ in range(self.repeat):
            self.call()
        self.finish()
        return 0.0


def run(runner: Runner, steps: int) -> tuple[list[float], float]:
    """The milliseconds of each of `steps` steps (of one call, where the step repeats it), and the last loss."""
    per_step = getattr(runner, "repeat", 1) * 1e6
    milliseconds = []
    loss: Any = float("nan")
    for _ in range(steps):
        begin = time.perf_counter_ns()
        loss = runner.step()
        milliseconds.append((time.perf_counter_ns() - begin) / per_step)
    return milliseconds, float(loss)


def load(contender: Contender, workload: str, batch: int, place: Place, state: Arrays | None, repeat: int) -> Runner:
    """A training workload by its name, or else a micro one."""
    if workload in states.WORKLOADS:
        runner = contender.load(workload, batch, place, state or states.make_state(workload, batch))
    else:
        runner = contender.load_micro(workload, place, repeat)
    gc.collect()
    gc.freeze()
    return runner


def peak_rss_mb() -> float:
    """The peak resident memory of this process, in MiB: of its own, not that of the parent it was forked from."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no VmHWM")


def place(command: dict[str, Any]) -> Place:
    """Where the caller of `serve` wants something computed."""
    return Place(command["threads"], command.get("device", "cpu"))


def serve(contender: Contender) -> None:
    """Answers one JSON object a line (the protocol is in README.md) until `finish` or the end of input."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print must not stand between the answers
    runner: Runner | None = None
    for line in sys.stdin:
        finished = False
        try:
            command = json.loads(line)
            match command["command"]:
                case "load":
                    runner = None  # its memory goes before the next one comes
                    state = load_file(command["state"]) if command.get("state") else None
                    runner = load(contender, command["workload"], command["batch"], place(command), state, 1)
                    answer = {"losses": [], "gradients": None, "note": runner.note}
                    if state is not None:
                        answer["losses"], gradients = runner.agree()
                        answer["gradients"] = command["gradients"]
                        save_file(gradients, command["gradients"])
                case "micro":
                    runner = None
                    runner = load(contender, command["name"], 1, place(command), None, command.get("repeat", 1))
                    answer = {"losses": [], "gradients": None, "note": runner.note}
                case "run":
                    if runner is None:
                        raise ValueError("nothing is loaded: send `load` or `micro` first")
                    milliseconds, loss = run(runner, command["steps"])
                    answer = {"ms": milliseconds, "loss": loss}
                case "finish":
                    answer = {"peak_rss_mb": peak_rss_mb()}
                    finished = True
                case other:
                    raise ValueError(f"no command `{other}`; there are load, micro, run and finish")
        except Exception as error:  # the caller decides what an error is worth; the process goes on
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
        if finished:
            return


def measure(runner: Runner, rounds: int) -> tuple[list[float], float]:
    """Milliseconds of the steps of `rounds` rounds of about half a second, after a warm-up; and the last loss."""
    begin = time.perf_counter()
    warm_up: list[float] = []
    while len(warm_up) < 3 or time.perf_counter() - begin < WARM_UP_SECONDS:
        warm_up += run(runner, 1)[0]
    step_ms = min(warm_up) * getattr(runner, "repeat", 1)
    steps = max(1, round(ROUND_SECONDS * 1e3 / step_ms))
    milliseconds: list[float] = []
    loss = float("nan")
    for _ in range(rounds):
        ms, loss = run(runner, steps)
        milliseconds += ms
    return milliseconds, loss


def record(contender: Contender, workload: str, options: argparse.Namespace) -> dict[str, Any]:
    """One workload's record, as `wengert bench --json` prints it."""
    state = load_file(options.state) if options.state else None
    where = Place(options.threads, "cuda:0" if options.device == "cuda" else options.device)
    runner = load(contender, workload, options.batch, where, state, options.repeat)
    losses, gradients = runner.agree()
    answers = {"loss": np.array(losses)} | gradients
    if options.answers:
        save_file(answers, options.answers)
    if options.check:
        check(answers, load_file(options.check))
    milliseconds, last = measure(runner, options.rounds)
    p10, median, p90 = np.percentile(milliseconds, [10, 50, 90]).tolist()
    training = workload in states.WORKLOADS
    return {
        "workload": workload,
        "impl": contender.impl,
        "device": where.device,
        "threads": options.threads,
        "batch": options.batch if training else None,
        "dtype": "f32",
        "precision": "f32",
        "ms_per_step_median": median,
        "ms_per_step_p10": p10,
        "ms_per_step_p90": p90,
        "images_per_s": options.batch / median * 1e3 if training else None,
        "loss_first": losses[0] if training else None,
        "loss_last": last if training else None,
        "peak_rss_mb": peak_rss_mb(),
    } | ({"note": runner.note} if runner.note else {})


def check(ours: Arrays, theirs: Arrays) -> None:
    """Exits where two sets of answers differ by more than the tolerance, relative to each array's largest number.

    The tolerance grows after the first step: Adam moves a weight whose gradient is all rounding by a whole rate. Biases
    in front of a batch norm have such gradients everywhere, so no array's largest number counts as smaller than 1e-3
    of that of its step.
    """
    if ours.keys() != theirs.keys():
        sys.exit(f"different gradients: {sorted(ours.keys() ^ theirs.keys())}")
    worst = dict.fromkeys(range(states.AGREEMENT_STEPS), 0.0)
    for step in worst:
        names = [name for name in ours if name.startswith(f"grad.{step}.")]
        largest = {name: float(np.abs(theirs[name]).max()) for name in names}
        scales = {name: max(value, 1e-3 * max(largest.values())) for name, value in largest.items()}
        pairs = [(name, ours[name], theirs[name], scales[name]) for name in names]
        losses = ours["loss"][step], theirs["loss"][step]
        for name, our, their, scale in [*pairs, (f"loss.{step}", *losses, abs(losses[1]))]:
            difference = float(np.abs(our - their).max()) / scale
            worst[step] = max(worst[step], difference)
            if not difference <= TOLERANCES[step]:
                sys.exit(f"{name} differs by {difference:.1e} of its largest number, {scale:.3g}")
    print("agreed within", ", ".join(f"{value:.1e}" for value in worst.values()), file=sys.stderr)


def parser(description: str) -> argparse.ArgumentParser:
    """The arguments common to the programs."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("workload", nargs="*", help=f"{', '.join(states.WORKLOADS)} or a micro one (in quotes)")
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--device", default="cpu", metavar="NAME", help="cpu, cuda or cuda:N")
    arguments.add_argument("--batch", type=int, default=128)
    arguments.add_argument("--rounds", type=int, default=5, help="rounds of half a second")
    arguments.add_argument("--repeat", type=int, default=1, help="calls in a step of a micro workload")
    arguments.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments.add_argument("--state", metavar="FILE", help="start from this state (one workload)")
    arguments.add_argument("--export", metavar="FILE", help="write a state there and do nothing else (one workload)")
    arguments.add_argument("--answers", metavar="FILE", help="write the first three losses and gradients there")
    arguments.add_argument("--check", metavar="FILE", help="compare them with those that another program wrote")
    arguments.add_argument("--serve", action="store_true", help="obey `wengert bench --against` on standard input")
    return arguments


def main(contender: Contender, options: argparse.Namespace) -> None:
    """Serves, exports, or measures the workloads asked for, all of the training ones by default."""
    if options.serve:
        serve(contender)
        return
    workloads = options.workload or states.WORKLOADS
    if (options.state or options.export or options.answers or options.check) and len(workloads) != 1:
        sys.exit("--state, --export, --answers and --check are for one workload")
    if options.export:
        save_file(states.make_state(workloads[0], options.batch), options.export)
        return
    for workload in workloads:
        result = record(contender, workload, options)
        if options.json:
            print(json.dumps(result), flush=True)
        else:
            spread = f"{result['ms_per_step_p10']:.3f} to {result['ms_per_step_p90']:.3f}"
            print(f"{workload}: {result['ms_per_step_median']:.3f} ms a step ({spread}), {contender.impl}", flush=True)
