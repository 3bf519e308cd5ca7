//! Tracing. One test: a trace is of the whole process.

use std::collections::HashMap;
use std::thread;

use serde_json::Value;
use wengert_tensor::inspect::trace::{Options, Tracing};
use wengert_tensor::{DType, Tensor, scope};

fn work() {
    let weight = Tensor::ones([4, 3], DType::F32).requires_grad_(true);
    let hidden = {
        let _scope = scope::enter("encoder");
        let _scope = scope::enter("fc1");
        Tensor::ones([2, 3], DType::F32).linear(&weight, None).t()
    };
    let _scope = scope::enter("loss");
    hidden.square().mean_all().backward().unwrap();
}

fn number(event: &Value, key: &str) -> f64 {
    event[key].as_f64().unwrap_or_else(|| panic!("{key} of {event}"))
}

#[test]
fn a_trace_shows_what_ran_where() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.json");
    let options = Options { file: Some(path.clone()), ..Options::default() };

    let missing = Options { file: Some(folder.path().join("missing/trace.json")), ..options.clone() };
    let message = Tracing::start(&missing).unwrap_err().to_string();
    assert!(message.contains("missing/trace.json"), "{message}");

    Tracing::start(&options).unwrap().finish().unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "[]\n");

    let tracing = Tracing::start(&options).unwrap();
    assert!(Tracing::start(&options).unwrap_err().to_string().contains("already"));
    work();
    work();
    thread::Builder::new().name("other".into()).spawn(work).unwrap().join().unwrap();
    tracing.finish().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    work();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "a trace that is finished records nothing");

    let events: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let (complete, names): (Vec<&Value>, Vec<&Value>) = events.iter().partition(|event| event["ph"] == "X");
    assert_eq!(names.len(), 2);
    assert!(names.iter().any(|name| name["args"]["name"] == "other"));

    let mut threads: HashMap<i64, Vec<&Value>> = HashMap::new();
    for event in &complete {
        assert!(number(event, "dur") > 0.0 && number(event, "ts") >= 0.0, "{event}");
        threads.entry(event["tid"].as_i64().unwrap()).or_default().push(event);
    }
    assert_eq!(threads.len(), 2);
    for events in threads.values_mut() {
        assert_nested(events);
    }

    let of = |name: &str, phase: &str| -> Vec<&Value> {
        complete.iter().copied().filter(|event| event["name"] == name && event["cat"] == phase).collect()
    };
    for product in of("linear", "forward") {
        let arguments = &product["args"];
        assert_eq!(arguments["inputs"], serde_json::json!(["f32[2, 3]", "f32[4, 3]"]));
        assert_eq!((&arguments["output"], &arguments["layer"]), (&"f32[2, 4]".into(), &"encoder.fc1".into()));
        assert_eq!(
            (number(arguments, "flops"), number(arguments, "bytes")),
            (48.0, 4.0 * (6.0 + 12.0 + 8.0))
        );
        let rate = number(arguments, "flops") / (number(product, "dur") * 1e3);
        assert!((number(arguments, "GFLOP/s") - rate).abs() <= 1e-3 + 1e-2 * rate);
    }
    assert_eq!(of("linear", "forward").len(), 3);
    assert_eq!(of("matmul", "backward").len(), 3);
    assert_eq!(of("backward", "phase").len(), 3);
    // Of the layer itself, forward and backward, three times.
    assert_eq!(of("encoder.fc1", "layer").len(), 6);
    assert_eq!(of("encoder", "layer").len(), 6);
}

/// Each event lies inside or outside every other one.
fn assert_nested(events: &mut [&Value]) {
    let bounds = |event: &Value| (number(event, "ts"), number(event, "ts") + number(event, "dur"));
    events.sort_by(|a, b| {
        let ((a_start, a_end), (b_start, b_end)) = (bounds(a), bounds(b));
        a_start.total_cmp(&b_start).then(b_end.total_cmp(&a_end))
    });
    let mut open: Vec<f64> = Vec::new();
    for event in events {
        let (start, end) = bounds(event);
        // Times are in microseconds, to the nanosecond.
        open.retain(|&open_end| open_end > start + 5e-4);
        if let Some(&innermost) = open.last() {
            assert!(end <= innermost + 5e-4, "{event} overlaps what it does not lie in");
        }
        open.push(end);
    }
}
