"""The zoo's table: trains the models of zoo.toml, keeps what `wengert eval` says of each in docs/zoo/NAME.json beside
its pictures, and writes docs/zoo.md from all of them. Started by scripts/zoo.sh, which says how it is used."""

import argparse
import hashlib
import json
import os
import pathlib
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tomllib
import types

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs/zoo"
PAGE = ROOT / "docs/zoo.md"
PICTURES = ["samples", "reconstructions"]  # the folders of a run


def arguments(known):
    parser = argparse.ArgumentParser(prog="scripts/zoo.sh", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="only these entries of zoo.toml (default: all)")
    parser.add_argument("--program", help=argparse.SUPPRESS)
    parser.add_argument("--budget", choices=["quick", "full"], default="quick")
    parser.add_argument("--seeds", type=int, help="runs of each model (default: the entry's, else 1 for quick, 5 for full)")
    parser.add_argument("--threads", type=int, default=0, help="threads of a run, 0 for all cores (default: 0)")
    parser.add_argument("--runs", type=pathlib.Path, default=ROOT / "target/zoo", help="folder of the runs")
    parser.add_argument("--table", action="store_true", help="only rewrite docs/zoo.md")
    options = parser.parse_args()
    unknown = [name for name in options.models if name not in known]
    if unknown:
        parser.error(f"scripts/zoo.toml has no entry {', '.join(unknown)} (it has {', '.join(known)})")
    return options


def call(command):
    """The lines of a command's standard output and the processor time it took, in seconds; its messages go to ours.

    Processor time, because it is the same whatever else the machine does."""
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        lines = process.stdout.read().splitlines()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"`{shlex.join(map(str, command))}` ended with exit code {process.returncode}")
    return lines, round(usage.ru_utime + usage.ru_stime)


def run(name, entry, seed, options):
    """Trains and judges one model with one seed. A run that was interrupted goes on where it stopped."""
    flags = entry[options.budget]
    folder = options.runs / f"{name}-{hashlib.sha256(flags.encode()).hexdigest()[:8]}-seed-{seed}"
    threads = ["--threads", options.threads]
    if (folder / "checkpoints/last.safetensors").exists():
        train = [options.program, "train", "--resume", folder, *threads, "--quiet"]
    else:
        shutil.rmtree(folder, ignore_errors=True)
        train = [options.program, "train", entry.get("model", name), *shlex.split(flags), *threads]
        train += ["--seed", seed, "--out", folder, "--quiet"]
    _, train_seconds = call(train)
    # What an interrupted run took before is in the file that this writes, so that no second is lost.
    spent = folder / "processor_seconds"
    train_seconds += int(spent.read_text()) if spent.exists() else 0
    spent.write_text(str(train_seconds))
    # The last epoch and not the best, which the test images would have chosen.
    judge = [options.program, "eval", folder / "checkpoints/last.safetensors", "--json", *threads]
    judged, eval_seconds = call([*judge, *shlex.split(entry.get("eval", ""))])
    if seed == 0:
        for kind in PICTURES:
            picture = max(folder.glob(f"{kind}/*.png"), default=None)
            if picture:
                shutil.copyfile(picture, RESULTS / f"{name}-{kind}.png")
        if entry.get("traverse"):
            call([options.program, "traverse", folder, "--out", RESULTS / f"{name}-traversals.png"])
    return {
        "epochs": len((folder / "metrics.jsonl").read_text().splitlines()),
        "train_seconds": train_seconds,
        "eval_seconds": eval_seconds,
        "figures": dict(numbers(json.loads(judged[-1]))),
    }


def numbers(value, prefix=""):
    """The numbers of a JSON object, those of nested ones under joined names."""
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from numbers(inner, f"{prefix}{key}_")
        elif isinstance(inner, (int, float)) and not isinstance(inner, bool):
            yield prefix + key, inner


def values_of(kept, key):
    return [one["figures"][key] for one in kept["runs"].values() if key in one["figures"]]


def middle(kept):
    """The median of every figure over the runs of a model."""
    keys = sorted({key for one in kept["runs"].values() for key in one["figures"]})
    return {key: statistics.median(values_of(kept, key)) for key in keys}


def spread(kept, key):
    """A figure as its median and, where there are several runs, its interquartile range."""
    values = values_of(kept, key)
    if not values:
        return "–"
    text = f"{statistics.median(values):.4g}"
    if len(values) > 1:
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
        text += f" [{low:.4g}, {high:.4g}]"
    return text


def verdict(entry, kept, everyone):
    """Whether the gate holds, or what is missing to tell."""
    if not kept:
        return "not run yet"
    if "gate" not in entry:
        return ""
    names = {name.replace("-", "_"): types.SimpleNamespace(**middle(other)) for name, other in everyone.items()}
    # `runs("figure")` gives the figure of each seed, for gates that count seeds.
    names |= {"runs": lambda key: values_of(kept, key), "sum": sum}
    try:
        return "**met**" if eval(entry["gate"], {"__builtins__": {}}, {**names, **middle(kept)}) else "not met"
    except (NameError, AttributeError) as missing:
        return f"open: {missing}"


HEAD = """# The zoo

Every model with its command, what it reached here, what was published, and whether a gate that was set before the run
is met. Written by `scripts/zoo.sh` out of `scripts/zoo.toml` (what to run) and the files of `docs/zoo` (what came out);
nothing is filled in by hand. With several seeds, medians with the interquartile range in brackets; no run is dropped.
Minutes are processor time of the whole training with its evaluations and pictures, summed over the cores; where two runs
shared the machine they are up to twice what one alone takes.

FID is measured on the features of a LeNet that this engine trained on the same data set (`wengert eval` says which),
always beside its floor, the FID between training and test images. It is another number than FID on Inception features:
only its order and its ratios can be held against published ones.

Every model is judged after its last epoch: no epoch is chosen by the test images. One entry is older than that rule and was
judged at the epoch of its lowest test loss, which `epoch` names and which flatters it a little: iwae.
Commands are those that the figures come from; `scripts/zoo.toml` may ask for longer runs by now.
Kernel distances (`kid`) are missing where an entry has not been judged again since their blocks are drawn at random.
"""


def page(zoo, comparisons, everyone):
    states = {name: verdict(entry, everyone.get(name), everyone) for name, entry in zoo.items()}
    gates = [name for name, entry in zoo.items() if "gate" in entry]
    met = [name for name in gates if states[name] == "**met**"]
    missed = [f"[{name}](#{name})" for name in gates if states[name] == "not met"]
    waiting = [name for name in zoo if name not in everyone]
    lines = [HEAD, f"{len(met)} of {len(gates)} gates are met."]
    lines += [f"Not met: {', '.join(missed)}."] if missed else []
    lines += [f"Not run yet: {', '.join(waiting)}."] if waiting else []
    lines += ["", "| entry | data | epochs | minutes | figures | gate | |", "|---|---|---|---|---|---|---|"]
    for name, entry in zoo.items():
        row = ["–", "–", "–"]
        if kept := everyone.get(name):
            runs = list(kept["runs"].values())
            minutes = statistics.median(one["train_seconds"] for one in runs) / 60
            shown = ", ".join(f"{key} {spread(kept, key)}" for key in entry.get("figures", [])) or "–"
            row = [statistics.median(one["epochs"] for one in runs), f"{minutes:.1f}", shown]
        gate = f"`{entry['gate']}`" if "gate" in entry else ""
        cells = [f"[{name}](#{name})", entry.get("data", "mnist"), *row, gate, states[name]]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += ["", "# Side by side"]
    for comparison in comparisons:
        lines += side_by_side(comparison, everyone)
    lines += ["", "# Model by model"]
    for name, entry in zoo.items():
        lines += section(name, entry, everyone.get(name), states[name])
    return "\n".join(lines) + "\n"


def picture(name, kind):
    return f"![{kind} of {name}](zoo/{name}-{kind}.png)" if (RESULTS / f"{name}-{kind}.png").exists() else "–"


def side_by_side(comparison, everyone):
    names = comparison["entries"]
    lines = ["", f"## {comparison['title']}", "", comparison["text"], "", "| | " + " | ".join(names) + " |"]
    lines += ["|---|" + "---|" * len(names)]
    lines += [f"| {kind} | " + " | ".join(picture(name, kind) for name in names) + " |" for kind in comparison["pictures"]]
    for key in comparison.get("figures", []):
        lines.append(f"| {key} | " + " | ".join(spread(everyone.get(name, {"runs": {}}), key) for name in names) + " |")
    return lines


def section(name, entry, kept, state):
    lines = ["", f"## {name}", ""]
    flags = kept["flags"] if kept else entry["quick"]
    lines += [f"`wengert train {entry.get('model', name)} {flags}`".replace(" `", "`"), ""]
    lines += [f"Published: {entry['published']}", ""] if "published" in entry else []
    lines += [f"Tried: {entry['tried']}", ""] if "tried" in entry else []
    if not kept:
        return lines + ["Not run yet."]
    gate = f"Gate `{entry['gate']}`: {state}. " if "gate" in entry else ""
    lines += [f"{gate}Seeds {', '.join(kept['runs'])}, {kept['machine']}.", ""]
    lines += [", ".join(f"{key} {spread(kept, key)}" for key in middle(kept)) + "."]
    for kind in [*PICTURES, "traversals"]:
        if (RESULTS / f"{name}-{kind}.png").exists():
            lines += ["", f"{kind.capitalize()}:", "", picture(name, kind)]
    return lines


def machine():
    model = platform.processor() or platform.machine()
    if pathlib.Path("/proc/cpuinfo").exists():
        with open("/proc/cpuinfo") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
        model = f"{len(names)} cores of {names[0]}" if names else model
    return model


def write_page(zoo, comparisons):
    """Writes docs/zoo.md and gives back all results."""
    kept = {name: RESULTS / f"{name}.json" for name in zoo}
    everyone = {name: json.loads(file.read_text()) for name, file in kept.items() if file.exists()}
    PAGE.write_text(page(zoo, comparisons, everyone))
    return everyone


def main():
    zoo = tomllib.loads((ROOT / "scripts/zoo.toml").read_text())
    comparisons = zoo.pop("comparisons", [])
    options = arguments(list(zoo))
    RESULTS.mkdir(parents=True, exist_ok=True)
    failures = 0
    for name in [] if options.table else options.models or zoo:
        seeds = options.seeds or zoo[name].get("seeds") or {"quick": 1, "full": 5}[options.budget]
        kept = {"flags": zoo[name][options.budget], "budget": options.budget, "machine": machine(), "runs": {}}
        for seed in range(seeds):
            print(f"{name}, {options.budget} budget, seed {seed}", file=sys.stderr, flush=True)
            try:
                kept["runs"][str(seed)] = run(name, zoo[name], seed, options)
            except RuntimeError as error:
                failures += 1
                print(error, file=sys.stderr)
        if kept["runs"]:
            (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n")
        # After each model, so that an interruption loses one model only.
        everyone = write_page(zoo, comparisons)
        figures = ", ".join(f"{key} {spread(kept, key)}" for key in zoo[name].get("figures", []))
        gate = f"; {zoo[name]['gate']}: {verdict(zoo[name], everyone.get(name), everyone)}" if "gate" in zoo[name] else ""
        print(f"{name}: {figures}{gate}", flush=True)
    write_page(zoo, comparisons)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
