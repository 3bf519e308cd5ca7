//! What the server answers, and what it does not.

mod common;

use common::{connect, get, post, read, run, send, serve};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

#[test]
fn the_page_is_in_the_program() {
    let server = serve(&[]);
    let address = server.address();
    assert!(address.ip().is_loopback());
    let page = get(address, "/");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<!doctype html>"));
    for header in [
        "content-security-policy: default-src 'self';",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cross-origin-resource-policy: same-origin",
        "cache-control: no-cache",
    ] {
        assert!(page.head.contains(header), "{header} in {}", page.head);
    }
    let tag = page.head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let again =
        format!("GET / HTTP/1.1\r\nHost: {address}\r\nIf-None-Match: {tag}\r\nConnection: close\r\n\r\n");
    assert_eq!(send(address, again.as_bytes()).status, 304);
    let study = get(address, "/api/study").json();
    let views: Vec<&str> =
        study["views"].as_array().unwrap().iter().filter_map(|view| view["name"].as_str()).collect();
    assert!(views.contains(&"tape") && !views.contains(&"training"), "no run, no training: {views:?}");
    for view in views {
        assert_eq!(get(address, &format!("/js/views/{view}.js")).status, 200);
    }
}

#[test]
fn only_the_page_itself_is_answered() {
    let server = serve(&[]);
    let address = server.address();
    let port = address.port();
    let status = |headers: &str| {
        send(address, format!("GET /api/study HTTP/1.1\r\nConnection: close\r\n{headers}\r\n").as_bytes())
            .status
    };
    assert_eq!(status(&format!("Host: 127.0.0.1:{port}\r\n")), 200);
    assert_eq!(status(&format!("Host: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n")), 200);
    for wrong in [
        "".to_owned(),
        "Host: evil.example\r\n".into(),
        format!("Host: evil.example:{port}\r\n"),
        "Host: 127.0.0.1\r\n".into(),
        format!("Host: 127.0.0.1:{port}.evil.example\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nOrigin: http://evil.example\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nOrigin: null\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nOrigin: https://127.0.0.1:{port}\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nSec-Fetch-Site: cross-site\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nSec-Fetch-Site: same-site\r\n"),
    ] {
        assert_eq!(status(&wrong), 403, "{wrong:?}");
    }
    let method = |method: &str| {
        send(
            address,
            format!("{method} / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
        )
        .status
    };
    assert_eq!(["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"].map(method), [405; 5]);
    let plain = "POST /api/tape/snippet HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n";
    assert_eq!(send(address, format!("{plain}Host: {address}\r\n\r\n{{}}").as_bytes()).status, 415);
}

#[test]
fn no_path_leads_into_the_file_system() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(&[run(root.path(), "run", 3)]);
    let address = server.address();
    for path in [
        "/../../etc/passwd",
        "/js/../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/js/",
        "/js/main.js%00.html",
        "/api",
        "/api/training/runs/0/pictures/samples/..%2f..%2fconfig.toml",
        "/api/training/runs/0/pictures/..%2fcheckpoints/1",
        "/api/training/runs/..%2f0/epochs",
        "/api/training/runs/1/epochs",
        "/api/training/runs/-1/epochs",
        "/api/training/runs/99999999999999999999/epochs",
        "/api/training/runs/0/steps/-1",
        "/api/training/runs/0/steps/NaN",
        "/api/tape/tapes/0/steps/0",
        "/api/tape/tapes/1/passwd",
        "/api/training/live",
    ] {
        let answer = get(address, path);
        assert!((400..=404).contains(&answer.status), "{path}: {answer:?}");
        assert!(answer.json()["error"].is_string(), "{path}");
    }
    // A file that is no picture is none, and a link is followed no further than a picture would be.
    assert_eq!(get(address, "/api/training/runs/0/pictures/samples/1").status, 200);
    assert_eq!(get(address, "/api/training/runs/0/pictures/samples/2").status, 404);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/passwd", root.path().join("run/samples/epoch_003.png")).unwrap();
        assert_eq!(get(address, "/api/training/runs/0/pictures/samples/3").status, 404);
    }
}

#[test]
fn hostile_bodies_get_an_error_and_nothing_else() {
    let server = serve(&[]);
    let address = server.address();
    for (path, body) in [
        ("/api/tape/model", "{"),
        ("/api/tape/model", "[1, 2"),
        ("/api/tape/model", "null"),
        ("/api/tape/model", "\"\\ud800\""),
        ("/api/tape/model", r#"{"model": "no-such-model"}"#),
        ("/api/tape/model", r#"{"model": "gan", "batch": 1}"#),
        ("/api/tape/model", r#"{"model": "vae", "batch": 100000}"#),
        ("/api/tape/model", r#"{"model": "vae", "batch": -1}"#),
        ("/api/tape/model", r#"{"model": "vae", "batch": NaN}"#),
        ("/api/tape/model", r#"{"model": "vae", "batch": 1e999}"#),
        ("/api/tape/model", r#"{"model": "vae", "loss": "../../etc/passwd"}"#),
        ("/api/tape/model", r#"{"model": "vae", "extra": 1}"#),
        ("/api/tape/snippet", r#"{"text": 3}"#),
        ("/api/tape/snippet", r#"{"text": "x = param(normal(1e18))"}"#),
        ("/api/tape/snippet", r#"{"text": ""}"#),
    ] {
        let answer = post(address, path, body);
        assert!((400..500).contains(&answer.status), "{body}: {answer:?}");
        assert!(answer.json()["error"].as_str().is_some_and(|error| !error.is_empty()), "{body}");
    }
    let nested = "[".repeat(100_000);
    assert_eq!(post(address, "/api/tape/model", &nested).status, 400);
    // One that is too long, by its head or by its bytes.
    assert_eq!(post(address, "/api/tape/snippet", &"x".repeat((1 << 20) + 1)).status, 413);
    let head = format!(
        "POST /api/tape/snippet HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nConnection: close\r\n"
    );
    let endless = format!(
        "{head}Transfer-Encoding: chunked\r\n\r\n{}",
        format!("10000\r\n{}\r\n", "x".repeat(0x10000)).repeat(40)
    );
    assert_eq!(send(address, endless.as_bytes()).status, 413);
    for (length, statuses) in [("2000000", [413, 413]), ("18446744073709551615", [413, 431])] {
        let mut stream = connect(address);
        stream.write_all(format!("{head}Content-Length: {length}\r\n\r\n").as_bytes()).unwrap();
        let status = read(&mut stream).status;
        assert!(statuses.contains(&status), "{length}: {status}");
    }
    assert_eq!(get(address, "/").status, 200, "the server is still there");
}

#[test]
fn heads_are_bounded_in_size_and_time() {
    let server = serve(&[]);
    let address = server.address();
    let long = format!("GET / HTTP/1.1\r\nHost: {address}\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    assert!(matches!(send(address, long.as_bytes()).status, 0 | 400 | 431));
    assert!(matches!(send(address, b"\x16\x03\x01\x02\x00\x01\x00nonsense\r\n\r\n").status, 0 | 400));
    let begun = Instant::now();
    let mut slow = connect(address);
    slow.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest);
    let waited = begun.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_secs(19)).contains(&waited), "{waited:?}");
}

#[test]
fn thousands_of_connections_take_no_more_than_their_share() {
    let server = serve(&[]);
    let address = server.address();
    let (mut held, mut refused) = (Vec::new(), 0);
    for _ in 0..2000 {
        let Ok(mut stream) = std::net::TcpStream::connect(address) else { continue };
        stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let mut first = [0; 12];
        if matches!(stream.read(&mut first), Ok(12) if first == *b"HTTP/1.1 503") {
            refused += 1;
        } else if held.len() < 200 {
            held.push(stream);
        }
    }
    assert!(refused > 1000, "{refused} refused");
    drop(held);
    let begun = Instant::now();
    while get(address, "/").status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(15), "the server does not recover");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_server_that_is_dropped_is_gone() {
    let server = serve(&[]);
    let address = server.address();
    let mut open = connect(address);
    drop(server);
    assert_eq!(open.read(&mut [0]).unwrap_or(0), 0);
    assert!(std::net::TcpStream::connect(address).is_err());
}
