//! `wengert bench`: records, choices, and races against a contender that is not what it seems.

use super::*;

/// The lines of a small race over one workload.
fn race(workload: &str, more: &[&str]) -> Vec<serde_json::Value> {
    let arguments = ["bench", workload, "--batch=4", "--rounds=1", "--steps=2", "--json"];
    objects(&succeed(&[&arguments[..], more].concat()))
}

#[test]
fn a_record_has_every_field() {
    let records = race("mlp", &["--threads=1"]);
    let [record] = &records[..] else { panic!("{records:?}") };
    for (key, value) in
        [("workload", "mlp"), ("impl", "wengert"), ("device", "cpu"), ("dtype", "f32"), ("precision", "f32")]
    {
        assert_eq!(record[key], value, "{key}");
    }
    assert_eq!((&record["threads"], &record["batch"]), (&1.into(), &4.into()));
    let number = |key: &str| record[key].as_f64().unwrap_or_else(|| panic!("{key} in {record}"));
    let (p10, median, p90) =
        (number("ms_per_step_p10"), number("ms_per_step_median"), number("ms_per_step_p90"));
    assert!(0.0 < p10 && p10 <= median && median <= p90, "{record}");
    assert!((number("images_per_s") * median / 4e3 - 1.0).abs() < 1e-9, "{record}");
    // An untrained network cannot tell ten classes apart, and learns four images fast.
    assert!((number("loss_first") - 10f64.ln()).abs() < 0.3, "{record}");
    assert!(number("loss_last") < number("loss_first"), "{record}");
    if cfg!(target_os = "linux") {
        assert!((1.0..1000.0).contains(&number("peak_rss_mb")), "{record}");
    }
}

#[test]
fn every_kind_of_workload_runs() {
    for workload in ["vae", "gru", "startup", "chain 1000", "softmax 128x10"] {
        let records = race(workload, &[]);
        assert_eq!((records.len(), &records[0]["workload"]), (1, &workload.into()));
    }
    let table = succeed(&["bench", "reduce sum 64K", "--rounds=1", "--steps=1"]);
    assert!(table.lines().nth(1).is_some_and(|row| row.contains("ns/element")), "{table}");
    let list = succeed(&["bench", "--list"]);
    for name in ["wgan-gp ", "conv-transpose 128x64x14x14 1 k4 s2 p1 input-grad ", "limit stream "] {
        assert!(list.lines().any(|line| line.starts_with(name)), "{name} in {list}");
    }
}

// A trace is of the whole process, so this has one of its own.
#[test]
fn a_profile_has_every_op_of_its_steps() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("trace.json");
    let file = format!("--profile={}", path.display());
    let profile = succeed(&["bench", "mlp", "--batch=4", "--threads=1", "--steps=2", &file]);
    for part in ["adam_step ", "linear_relu ", "mlp, batch 4, 1 thread: 2 steps", "GFLOP/s in registers"] {
        assert!(profile.contains(part), "{part} in {profile}");
    }
    let trace: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let updates = trace.as_array().unwrap().iter().filter(|event| event["name"] == "adam_step");
    assert_eq!(updates.count(), 2);
}

#[test]
fn a_state_is_exported() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.safetensors");
    succeed(&["bench", "wgan-gp", "--batch=2", "--export", path.to_str().unwrap()]);
    let tensors = safetensors::load(&path).unwrap().tensors;
    for (name, shape) in [
        ("param.d.conv2.bias", &[128][..]),
        ("param.g.conv1.weight", &[128, 64, 4, 4]),
        ("data.images", &[2, 1, 28, 28]),
        ("data.labels", &[2]),
        ("noise.z1.0", &[2, 100]),
        ("noise.e.2", &[2, 1, 1, 1]),
    ] {
        assert_eq!(tensors[name].dims(), shape, "{name}");
    }
}

#[test]
fn wrong_requests_are_refused() {
    refuse(&["bench", "mpl"], &["`mpl`", "did you mean `mlp`", "wgan-gp"]);
    refuse(&["bench", "mlp", "--rounds=0"], &["--rounds is 0", "from 1"]);
    refuse(&["bench", "mlp", "--threads=100000"], &["--threads is 100000"]);
    refuse(&["bench", "--profile"], &["--profile takes one workload"]);
    refuse(&["bench", "startup", "--profile"], &["whole process", "`vae`"]);
    refuse(&["bench", "mlp", "--profile=/nowhere/trace.json"], &["/nowhere/trace.json"]);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "old").unwrap();
    // Refused at once: everything would be timed for minutes.
    for (place, part) in
        [(folder.path(), "this is a folder"), (&file.join("a.md"), "nothing can be written there")]
    {
        refuse(&["bench", "--save", place.to_str().unwrap()], &["--save", place.to_str().unwrap(), part]);
    }
    refuse(&["bench", "gemm", "--export=state"], &["--export", "one training workload"]);
    refuse(
        &["bench", "--against=torch", "--baselines=/nowhere"],
        &["/nowhere/torch_baseline.py was not found"],
    );
    assert_eq!(output(&["bench", "--against=tensorflow"]).status.code(), Some(2));
    assert_eq!(output(&["bench", "--precision=f16"]).status.code(), Some(2));
}

/// A folder with a shell script in the place of Python: it says that it has version 9.9, takes a second for each step,
/// knows one micro workload, and answers every trial with the same losses and the state for gradients.
#[cfg(unix)]
fn impostor() -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    const SCRIPT: &str = r#"#!/bin/sh
[ "$1" = -c ] && { echo 9.9; exit; }
file() { echo "$line" | sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }
while read -r line; do
    case "$line" in
        *'"load"'*) cp "$(file state)" "$(file gradients)"; echo '{"losses":[9,9,9]}';;
        *'"chain 1000"'*) echo '{"losses":[],"note":"it sleeps"}';;
        *'"micro"'*) echo '{"error":"never heard of it"}';;
        *'"run"'*) echo '{"ms":[1000]}';;
        *'"finish"'*) echo '{"peak_rss_mb":1}';;
    esac
done
"#;
    let folder = TempDir::new().unwrap();
    let python = folder.path().join("python");
    fs::write(&python, SCRIPT).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("torch_baseline.py"), "").unwrap();
    folder
}

/// The flags of a race against the impostor, one step a turn.
#[cfg(unix)]
fn against<'a>(workload: &'a str, folder: &'a str, python: &'a str) -> [&'a str; 9] {
    [
        "bench",
        workload,
        "--against=torch",
        "--steps=1",
        "--rounds=2",
        "--baselines",
        folder,
        "--python",
        python,
    ]
}

#[cfg(unix)]
#[test]
fn contenders_race_in_turns() {
    let impostor = impostor();
    let (folder, python) = (impostor.path().to_str().unwrap(), impostor.path().join("python"));
    let saved = impostor.path().join("results/machine.md");
    let flags = against("chain 1000", folder, python.to_str().unwrap());
    let records = objects(&succeed(&[&flags[..], &["--json", "--save", saved.to_str().unwrap()]].concat()));
    assert_eq!(records.len(), 2);
    assert_eq!((&records[0]["impl"], &records[1]["impl"]), (&"wengert".into(), &"torch".into()));
    assert_eq!(records[1]["ms_per_step_median"], 1000.0);
    assert!(records[1]["ratio"].as_f64().unwrap() > 1.0, "{records:?}");
    let report = fs::read_to_string(saved).unwrap();
    for part in [
        "torch 9.9",
        "`wengert bench 'chain 1000' --against=torch",
        "| chain 1000 | wengert |",
        "torch: it sleeps",
    ] {
        assert!(report.contains(part), "{part} in {report}");
    }

    let table = succeed(&against("softmax 128x10", folder, python.to_str().unwrap()));
    assert!(table.contains("torch is left out: never heard of it"), "{table}");
}

#[cfg(unix)]
#[test]
fn nothing_is_timed_where_a_contender_disagrees() {
    let impostor = impostor();
    let (folder, python) = (impostor.path().to_str().unwrap(), impostor.path().join("python"));
    let flags = against("mlp", folder, python.to_str().unwrap());
    let output = output(&flags);
    let message = String::from_utf8_lossy(&output.stderr).to_string();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.contains("mlp: torch disagrees") && message.contains("the loss of step 1 is 9"),
        "{message}"
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).lines().count(),
        1,
        "the head of the table and no row"
    );

    refuse(&against("mlp", folder, "false"), &["false cannot import torch", "benches/README.md"]);
    refuse(&against("mlp", folder, "/nowhere/python"), &["/nowhere/python could not be started", "--python"]);
}

#[test]
fn parts_of_numbers_are_multiplied_without_amx_where_it_is_emulated() {
    let run = |precision: &str| {
        let flag = format!("--precision={precision}");
        // Few steps: Adam moves all weights of a unit that one rounding wakes, and from then on the runs part.
        let arguments = ["bench", "mlp", &flag, "--batch=64", "--rounds=1", "--steps=5", "--json"];
        let output = wengert(&arguments).env("WENGERT_AMX", "emulate").output().expect("the program starts");
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let record: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a record");
        assert_eq!(record["precision"], precision);
        record["loss_last"].as_f64().expect("a loss")
    };
    let (exact, rounded) = (run("f32"), run("bf16x3"));
    assert!(exact != rounded && (exact - rounded).abs() < 1e-3 * exact, "{exact} and {rounded}");
}
