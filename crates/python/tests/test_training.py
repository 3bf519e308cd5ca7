"""The zoo: the package trains as the program does."""

import os
import signal
import subprocess
import sys

import pytest

import wengert

SETTINGS = {"data.limit": 640, "data.test_limit": 200}


def train(out, mnist, **options):
    named = {"epochs": 2, "batch_size": 64, "seed": 3, "latent": 5, **options}
    return wengert.train("vae", data=mnist, out=out, settings=SETTINGS, **named)


def test_the_checkpoint_has_the_very_bytes_of_the_programs(program, mnist, tmp_path, capsys):
    run = train(tmp_path / "python", mnist, learning_rate=2e-3)
    shown = capsys.readouterr().out
    assert "epoch 2  train" in shown and run.outcome == "finished" and run.epochs == 2
    command = [program, "train", "vae", "--data", mnist, "--out", tmp_path / "program", "--device", "cpu"]
    command += ["--epochs", "2", "--batch", "64", "--seed", "3", "--latent", "5", "--learning-rate", "0.002"]
    command += [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]
    subprocess.run(command, check=True, capture_output=True)
    for name in ("last", "best"):
        ours, theirs = (tmp_path / who / "checkpoints" / f"{name}.safetensors" for who in ("python", "program"))
        assert ours.read_bytes() == theirs.read_bytes(), name
    subprocess.run([program, "sample", tmp_path / "python", "--count", "9", "--seed", "4", "--out", tmp_path / "s.npz"], check=True)
    assert wengert.load(tmp_path / "s.npz")["images"].tolist() == run.sample(9, seed=4).images.tolist()


def test_a_run_is_observed_stopped_and_resumed_to_the_same_bytes(mnist, tmp_path):
    told = []
    whole = train(tmp_path / "whole", mnist, observer=lambda kind, contents: told.append((kind, contents)), threads=1)
    assert [kind for kind, _ in told[:2]] == ["start", "step"] and told[0][1]["steps_per_epoch"] == 10
    assert [contents["epoch"] for kind, contents in told if kind == "epoch"] == [1, 2]
    assert [record["test_loss"] for record in whole.metrics] == [c["test_loss"] for k, c in told if k == "epoch"]

    class Enough(Exception):
        pass

    def stop_at_step_seven(kind, contents):
        if kind == "step" and contents["batch"] == 7:
            raise Enough

    with pytest.raises(Enough):
        train(tmp_path / "parts", mnist, observer=stop_at_step_seven)
    stopped = wengert.Run.load(tmp_path / "parts" / "checkpoints" / "last.safetensors")
    assert 7 <= stopped.steps < 20
    wengert.train(resume=tmp_path / "parts", observer=None)
    last = [tmp_path / who / "checkpoints" / "last.safetensors" for who in ("whole", "parts")]
    assert last[0].read_bytes() == last[1].read_bytes()


def test_ctrl_c_ends_a_run_with_a_checkpoint(mnist, tmp_path):
    run = tmp_path / "run"
    script = f"""
import wengert
told = lambda kind, contents: print(kind, flush=True)
wengert.train("vae", data={str(mnist)!r}, out={str(run)!r}, settings={SETTINGS!r}, epochs=10000, observer=told)
"""
    # Tests that run in the background of a shell pass on that interrupts are ignored.
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        while process.stdout.readline() != "step\n":
            assert process.poll() is None, process.stderr.read()
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode != 0 and error.rstrip().endswith("KeyboardInterrupt"), error
    assert wengert.Run.load(run).steps >= 1


def test_a_run_is_claimed_before_its_checkpoint_is_read(mnist, tmp_path):
    fcntl = pytest.importorskip("fcntl")
    run = tmp_path / "run"
    train(run, mnist, steps=1, observer=None)
    # Another process trains there, and is about to write this file anew.
    (run / "checkpoints" / "last.safetensors").write_bytes(b"")
    claim = os.open(run, os.O_RDONLY)
    try:
        fcntl.flock(claim, fcntl.LOCK_EX)
        with pytest.raises(ValueError, match="another process trains"):
            wengert.train(resume=run)
    finally:
        os.close(claim)
    with pytest.raises(ValueError, match="safetensors"):
        wengert.train(resume=run)


def test_a_trained_model_is_used(mnist, tmp_path):
    run = train(tmp_path / "run", mnist, steps=5, observer=None)
    assert run.outcome == "step limit" and run.steps == 5 and "vae" in repr(run)
    run = wengert.Run.load(run.path)
    assert (run.model, run.image_shape, run.code_size, run.classes) == ("vae", (1, 28, 28), 5, None)
    assert run.config["vae"]["latent"] == 5 and run.config["seed"] == 3
    images, labels = wengert.load_data("mnist", "test", mnist)
    assert images.shape == (10000, 1, 28, 28) and labels.shape == (10000,)
    codes = run.encode(images[:10])
    assert codes.shape == (10, 5)
    assert run.decode(codes).tolist() == run.reconstruct(images[:10]).tolist()
    assert "fc1.weight" in run.state_dict() and run.parameter_count > 0
    with pytest.raises(ValueError):
        run.decode(wengert.ones(2, 7))
    with pytest.raises(ValueError):
        run.sample(0)


def test_mistakes_are_told_before_anything_is_written(mnist, tmp_path):
    out = tmp_path / "run"
    for model, options, message in [
        ("vay", {}, "vae"),
        ("vae", {"latent": 0}, "from 1 to 4096"),
        ("vae", {"latnt": 2}, "did you mean"),
        ("vae", {"epochs": -1}, "0 or more"),
        ("vae", {"batch_size": "many"}, "whole number"),
        ("vae", {"data": "emnist"}, "neither a data set"),
        ("vae", {"device": "gpu"}, "device"),
    ]:
        with pytest.raises(ValueError, match=message):
            wengert.train(model, out=out, **{"data": str(mnist), **options})
    with pytest.raises(TypeError):
        wengert.train(latent=2)
    assert not out.exists()
    with pytest.raises(ValueError, match="no such run folder"):
        wengert.Run.load(out)


def test_the_zoo_is_listed():
    names = wengert.models.names()
    assert len(names) > 50 and {"vae", "dcgan"} <= set(names)
    assert wengert.models.options("vae")["latent"] == 20
    assert all(model.description and model.family for model in wengert.models.models())
