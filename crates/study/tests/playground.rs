//! The playground as a page uses it, and as it should not be used.

mod common;

use common::{Answer, connect, get, post, serve};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const SESSIONS: &str = "/api/playground/sessions";

/// Small networks, so that steps take no time.
fn small() -> Value {
    json!({ "width": 8, "discriminator_width": 8, "rules": { "batch": 16 } })
}

fn begin(address: SocketAddr, settings: &Value) -> (u64, Value) {
    let begun = post(address, SESSIONS, &settings.to_string());
    assert_eq!(begun.status, 200, "{}", begun.text());
    let begun = begun.json();
    (begun["session"].as_u64().unwrap(), begun)
}

fn tell(address: SocketAddr, session: u64, command: &Value) -> Answer {
    post(address, &format!("{SESSIONS}/{session}/commands"), &command.to_string())
}

/// A page that looks at a session.
struct Page {
    lines: BufReader<TcpStream>,
}

impl Page {
    fn open(address: SocketAddr, session: u64) -> Page {
        let mut stream = connect(address);
        let request = format!("GET {SESSIONS}/{session}/frames HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        Page { lines: BufReader::new(stream) }
    }

    /// The next event, `batch` or `end`, with its data.
    fn event(&mut self) -> (String, Value) {
        let mut event = String::new();
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "the events ended");
            if let Some(name) = line.strip_prefix("event: ") {
                event = name.trim().to_owned();
            } else if let Some(data) = line.strip_prefix("data: ") {
                return (event, serde_json::from_str(data).unwrap());
            }
        }
    }

    /// The first frame at rest after so many steps.
    fn after(&mut self, step: u64) -> Value {
        loop {
            let (event, frame) = self.event();
            assert_eq!(event, "batch");
            if frame["step"] == step && frame["running"] == false {
                return frame;
            }
        }
    }
}

/// Waits for the server, which hears of closed pages and ended threads a moment later.
fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(10), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_same_commands_give_the_same_numbers() {
    let server = serve(&[]);
    let address = server.address();
    let play = |seed: u64| {
        let mut settings = small();
        settings["seed"] = seed.into();
        let (session, _) = begin(address, &settings);
        let mut page = Page::open(address, session);
        assert_eq!(page.after(0)["losses"], json!({}));
        assert_eq!(tell(address, session, &json!({ "command": "steps", "count": 40 })).status, 200);
        page.after(40);
        let rules = json!({ "loss": "wasserstein-gp", "critic_steps": 2, "batch": 16, "optimizer": "sgd" });
        tell(address, session, &json!({ "command": "change", "rules": rules }));
        tell(address, session, &json!({ "command": "step-discriminator" }));
        tell(address, session, &json!({ "command": "step-generator" }));
        tell(address, session, &json!({ "command": "steps", "count": 20 }));
        let frame = page.after(60);
        assert_eq!(frame["moves"], json!([40 + 1 + 2 * 20, 40 + 1 + 20]));
        frame
    };
    let first = play(3);
    assert_eq!(first["samples"].as_array().unwrap().len(), 1000);
    assert_eq!(first["heat"]["cells"].as_array().unwrap().len(), 1600);
    assert_eq!(first, play(3));
    assert_ne!(first["samples"], play(4)["samples"]);
}

#[test]
fn a_session_runs_pauses_and_ends_when_told() {
    let server = serve(&[]);
    let address = server.address();
    let (session, begun) = begin(address, &small());
    assert_eq!(
        (begun["data"].as_array().unwrap().len(), begun["modes"].as_array().unwrap().len()),
        (1000, 16)
    );
    let mut page = Page::open(address, session);
    tell(address, session, &json!({ "command": "speed", "steps_per_second": 100 }));
    tell(address, session, &json!({ "command": "run" }));
    while page.event().1["step"].as_u64().unwrap() < 3 {}
    tell(address, session, &json!({ "command": "pause" }));
    while page.event().1["running"] == true {}
    tell(address, session, &json!({ "command": "end" }));
    assert_eq!(page.event().0, "end");
    until("a session that is over is gone", || {
        tell(address, session, &json!({ "command": "run" })).status == 404
    });
    assert_eq!(get(address, &format!("{SESSIONS}/{session}/frames")).status, 404);
}

#[test]
fn a_variational_autoencoder_trains_on_drawn_points() {
    let server = serve(&[]);
    let address = server.address();
    let settings = json!({
        "model": "vae", "distribution": "drawn", "points": [[0.5, 0.5], [-0.5, 0.25]], "width": 8,
    });
    let (session, begun) = begin(address, &settings);
    assert!(begun["modes"].is_null());
    let mut page = Page::open(address, session);
    tell(address, session, &json!({ "command": "steps", "count": 5 }));
    let frame = page.after(5);
    assert!(frame["heat"].is_null() && frame["losses"]["divergence"].is_number());
    assert_eq!(frame["means"].as_array().unwrap().len(), 400);
}

#[test]
fn sessions_are_few_and_those_that_nobody_looks_at_make_room() {
    let server = serve(&[]);
    let address = server.address();
    let mut pages: Vec<Page> = (0..4)
        .map(|_| {
            let mut page = Page::open(address, begin(address, &small()).0);
            page.after(0);
            page
        })
        .collect();
    let refused = post(address, SESSIONS, &small().to_string());
    assert_eq!(refused.status, 503);
    assert!(refused.text().contains("4 playgrounds are open"), "{}", refused.text());
    pages.remove(1);
    until("a closed page makes room", || post(address, SESSIONS, &small().to_string()).status == 200);
}

#[test]
fn hostile_requests_get_an_error_and_nothing_else_happens() {
    let server = serve(&[]);
    let address = server.address();
    for body in [
        "",
        "{",
        "null",
        "[1]",
        "{\"seed\": NaN}",
        "{\"seed\": -1}",
        "{\"seed\": 1e999}",
        "{\"seed\": 9007199254740992}",
        "{\"width\": 100000000}",
        "{\"codes\": 0}",
        "{\"model\": \"gpt\"}",
        "{\"rules\": {\"learning_rate\": NaN}}",
        "{\"rules\": {\"learning_rate\": 1e400}}",
        "{\"rules\": {\"batch\": 1000000000}}",
        "{\"rules\": {\"critic_steps\": -1}}",
        "{\"rules\": {\"loss\": \"../../etc/passwd\"}}",
        "{\"unknown\": 1}",
        "{\"distribution\": \"drawn\"}",
        "{\"distribution\": \"drawn\", \"points\": [[1, 2, 3]]}",
        "{\"distribution\": \"drawn\", \"points\": [[null, 0]]}",
        "{\"distribution\": \"drawn\", \"points\": [[1e30, 0]]}",
    ] {
        let answer = post(address, SESSIONS, body);
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        assert!(answer.json()["error"].as_str().unwrap().len() > 10, "{body}");
    }
    let many = json!({ "distribution": "drawn", "points": vec![[0.5, 0.5]; 2001] });
    assert!(post(address, SESSIONS, &many.to_string()).text().contains("at most 2000"));
    assert_eq!(post(address, SESSIONS, &"[".repeat(1 << 19)).status, 400);
    assert_eq!(post(address, SESSIONS, &"x".repeat(2 << 20)).status, 413);

    let (session, _) = begin(address, &small());
    for command in [
        "{}",
        "{\"command\": \"explode\"}",
        "{\"command\": \"steps\"}",
        "{\"command\": \"steps\", \"count\": 0}",
        "{\"command\": \"steps\", \"count\": 1000001}",
        "{\"command\": \"steps\", \"count\": -5}",
        "{\"command\": \"speed\", \"steps_per_second\": 0}",
        "{\"command\": \"speed\", \"steps_per_second\": NaN}",
        "{\"command\": \"speed\", \"steps_per_second\": 1e9}",
        "{\"command\": \"change\", \"rules\": {\"batch\": 1}}",
        "{\"command\": \"change\", \"rules\": {\"discriminator_learning_rate\": -0.5}}",
    ] {
        let answer = post(address, &format!("{SESSIONS}/{session}/commands"), command);
        assert_eq!(answer.status, 400, "{command}: {}", answer.text());
    }
    for wrong in ["0", "999", "-1", "x", "1%2f..%2f2"] {
        assert_eq!(get(address, &format!("{SESSIONS}/{wrong}/frames")).status, 404, "{wrong}");
        assert_eq!(
            post(address, &format!("{SESSIONS}/{wrong}/commands"), "{\"command\": \"run\"}").status,
            404
        );
    }
    let frame = Page::open(address, session).after(0);
    assert_eq!((&frame["moves"], &frame["fault"]), (&json!([0, 0]), &Value::Null));
}

#[test]
fn a_game_that_breaks_says_so_and_stops() {
    let server = serve(&[]);
    let address = server.address();
    let mut settings = small();
    settings["rules"] = json!({
        "loss": "least-squares", "optimizer": "sgd", "learning_rate": 1, "discriminator_learning_rate": 1,
        "critic_steps": 50,
    });
    let (session, _) = begin(address, &settings);
    let mut page = Page::open(address, session);
    page.after(0);
    tell(address, session, &json!({ "command": "run" }));
    let fault = loop {
        let (_, frame) = page.event();
        if let Some(fault) = frame["fault"].as_str() {
            assert_eq!(frame["running"], false);
            break fault.to_owned();
        }
    };
    assert!(fault.contains("loss is"), "{fault}");
    tell(address, session, &json!({ "command": "pause" }));
    page.event();
}
