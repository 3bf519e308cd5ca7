//! What the views are told agrees with the engine and with the folders of runs.

mod common;

use common::{connect, get, post, run, serve};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::sync::Arc;
use wengert_models::event::Event;
use wengert_models::run::StepRecord;
use wengert_models::settings::Settings;
use wengert_models::{find, fresh};
use wengert_study::{Live, Server, Study};
use wengert_tensor::inspect::{History, Statistic};
use wengert_tensor::{Device, Generator, Tensor};

/// What the engine itself says of the total loss of a model on two images.
fn history(model: &str) -> History {
    let config = Settings::new(find(model).unwrap()).resolve().unwrap();
    let (training, batch) = fresh(&config, 2).unwrap();
    let loss =
        || -> wengert_models::Result<Tensor> { Ok(training.losses(&batch, &Generator::new(0))?.total) };
    History::record(loss).unwrap()
}

fn assert_is(told: &Value, statistic: &Statistic) {
    assert_eq!(told["text"], statistic.to_string());
    // The reader of JSON may be off by the last bit.
    let is_near = |told: f64, value: f64| (told - value).abs() <= 1e-15 * value.abs();
    assert!(is_near(told["norm"].as_f64().unwrap(), statistic.norm), "{told} and {statistic:?}");
    let first: Vec<f64> = told["first"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    assert_eq!(first.len(), statistic.first.len());
    assert!(
        first.iter().zip(&statistic.first).all(|(told, value)| is_near(*told, *value)),
        "{told} and {statistic:?}"
    );
}

#[test]
fn a_tape_is_what_the_engine_ran() {
    let server = serve(&[]);
    let address = server.address();
    let recorded = post(address, "/api/tape/model", r#"{"model": "vae"}"#).json();
    let expected = history("vae");
    let (nodes, backward) = (&recorded["sheet"]["nodes"], &recorded["sheet"]["backward"]);
    assert_eq!(nodes.as_array().unwrap().len(), expected.graph.nodes.len());
    for (index, value) in expected.values.iter().enumerate() {
        assert_is(&nodes[index]["value"], value);
    }
    let at = format!("/api/tape/tapes/{}", recorded["tape"]);
    for (index, step) in expected.backward.iter().enumerate() {
        assert_eq!(backward[index]["node"], step.node);
        assert_is(&backward[index]["cotangent"], &step.cotangent);
        let told = get(address, &format!("{at}/steps/{}", expected.graph.nodes.len() + index)).json();
        assert_eq!(told["reason"], expected.reason(index));
        assert_is(&told["cotangent"], &step.cotangent);
        for (gradient, told) in step.gradients.iter().zip(told["gradients"].as_array().unwrap()) {
            match gradient {
                Some(gradient) => assert_is(&told["value"], gradient),
                None => assert!(told["value"].is_null(), "what was not asked for is no zero"),
            }
        }
    }
    assert_eq!(get(address, &format!("{at}/steps/{}", expected.len())).status, 404);
    assert_eq!(get(address, &format!("{at}/list.dot")).text(), expected.graph.to_dot());
    let list: Value = get(address, &format!("{at}/list.json")).json();
    assert_eq!(list["nodes"].as_array().unwrap().len(), expected.graph.nodes.len());
}

#[test]
fn the_penalty_of_wgan_gp_is_a_sheet_of_its_own() {
    let server = serve(&[]);
    let address = server.address();
    let total = post(address, "/api/tape/model", r#"{"model": "wgan-gp"}"#).json();
    let name = total["losses"]["of_gradient"].as_str().unwrap();
    let sheet =
        post(address, "/api/tape/model", &format!(r#"{{"model": "wgan-gp", "loss": "{name}"}}"#)).json();
    let nodes = sheet["sheet"]["nodes"].as_array().unwrap();
    assert!(nodes.iter().any(|node| node["gradient_of"]["op"] == "leaky_relu"), "{nodes:#?}");
}

#[test]
fn every_model_has_a_tape() {
    let server = serve(&[]);
    let address = server.address();
    let families = get(address, "/api/tape/models").json();
    let models = families.as_array().unwrap().iter().flat_map(|family| family["models"].as_array().unwrap());
    let mut count = 0;
    for model in models {
        let answer = post(address, "/api/tape/model", &format!(r#"{{"model": {model}}}"#));
        assert_eq!(answer.status, 200, "{model}: {}", answer.text());
        count += 1;
    }
    assert_eq!(count, wengert_models::models().count());
}

#[test]
fn an_error_in_a_snippet_has_a_place() {
    let server = serve(&[]);
    let answer =
        post(server.address(), "/api/tape/snippet", r#"{"text": "x = param(normal(3))\ny = tan(x)"}"#);
    assert_eq!(answer.status, 400);
    let error = answer.json()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("line 2, column 5: ") && error.ends_with("\n  y = tan(x)\n      ^"), "{error}");
}

#[test]
fn steps_come_as_columns() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&[run(root.path(), "one", 5), run(root.path(), "two", 2)]);
    let address = server.address();
    let all = get(address, "/api/training/runs/0/steps/0").json();
    assert_eq!(all["steps"], serde_json::json!([1, 2, 3, 4, 5]));
    assert_eq!(all["losses"]["total"], serde_json::json!([1.25, 2.25, 3.25, 4.25, 5.25]));
    assert_eq!(get(address, "/api/training/runs/0/steps/3").json()["steps"], serde_json::json!([4, 5]));
    assert_eq!(get(address, "/api/training/runs/1/steps/0").json()["steps"], serde_json::json!([1, 2]));
    assert_eq!(get(address, "/api/training/runs/0/epochs").json(), serde_json::json!([]));
    let pictures = get(address, "/api/training/runs/0/pictures").json();
    assert_eq!(pictures["samples"], serde_json::json!([1, 2]));
}

#[test]
fn a_run_that_goes_on_is_told_of_and_never_waits() {
    let root = tempfile::tempdir().unwrap();
    let live = Live::default();
    let study = Study::new(&[run(root.path(), "run", 0)], Device::Cpu).unwrap().watching(&live);
    let server = Server::start(Arc::new(study), 0).unwrap();
    let address = server.address();
    let listen = || {
        let mut stream = connect(address);
        let request = format!("GET /api/training/live HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).unwrap();
        }
        reader
    };
    let (reader, _stalled) = (listen(), listen());
    let losses = [("total".to_owned(), 1.5)].into();
    let mut record = StepRecord { step: 0, images_per_second: 10.0, losses };
    for step in 1..=100_000 {
        record.step = step;
        live.tell(&Event::Step { epoch: 1, batch: step, batches: 9, loss: 1.5, record: &record });
    }
    live.end();
    let events: Vec<Value> = reader
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .collect();
    let last = events.iter().rev().find(|event| event["steps"].is_array()).unwrap();
    let steps = last["steps"].as_array().unwrap();
    assert_eq!(steps.last().unwrap()["step"], 100_000, "the newest is never the one that goes");
    let dropped: u64 = events.iter().filter_map(|event| event["dropped"].as_u64()).sum();
    assert!(dropped > 0, "more was told than there is room for");
}
