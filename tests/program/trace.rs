//! What the environment makes the program record.

use super::*;

/// A few steps of training, with a variable set.
fn train_with(variable: &str, value: &str) -> Output {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("run");
    let arguments = [&["train", "vae", "--epochs=1", "--out", out.to_str().unwrap()], &SMALL[..]].concat();
    wengert(&arguments).env(variable, value).output().expect("the program starts")
}

#[test]
fn a_trace_of_training_shows_every_layer() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("trace.json");
    let output = train_with("WENGERT_TRACE", path.to_str().unwrap());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let events: Vec<serde_json::Value> = serde_json::from_slice(&bytes(&path)).expect("JSON");
    let count = |name: &str, category: &str| {
        events.iter().filter(|event| event["name"] == name && event["cat"] == category).count()
    };
    assert!(count("linear_relu", "forward") > 0 && count("matmul", "backward") > 0);
    assert!(count("adam_step", "update") > 0 && count("backward", "phase") > 0);
    for layer in ["fc1", "fc21", "fc22", "fc3", "fc4"] {
        assert!(count(layer, "layer") > 0, "{layer}");
    }
}

#[test]
fn debugging_prints_totals_ops_and_values() {
    let printed = |level: &str| {
        let output = train_with("WENGERT_DEBUG", level);
        assert!(output.status.success());
        String::from_utf8(output.stderr).expect("text")
    };
    let totals = printed("1");
    assert!(totals.lines().next().unwrap().starts_with("op  "), "{totals}");
    assert!(totals.lines().last().unwrap().starts_with("all  "), "{totals}");
    let ops = printed("2");
    assert!(
        ops.lines().any(|line| line.contains(" ms  forward   linear_relu ") && line.ends_with("fc1")),
        "{ops}"
    );
    let values = printed("3");
    assert!(values.contains("  (f32[64, 784], f32[64, 784], f32[64]) -> f32[64, 64]  0.0000 … "), "{values}");
}

#[test]
fn what_cannot_be_recorded_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("missing/trace.json");
    for (variable, value, part) in [
        ("WENGERT_TRACE", path.to_str().unwrap(), "missing/trace.json"),
        ("WENGERT_DEBUG", "4", "0, 1, 2 or 3"),
    ] {
        let output = wengert(&["models"]).env(variable, value).output().expect("the program starts");
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.starts_with("error: ") && message.contains(part), "{message}");
    }
}
