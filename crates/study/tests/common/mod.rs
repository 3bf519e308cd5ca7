//! A server on a free port, and a client that says exactly what it is told to.

#![allow(dead_code, reason = "each file of tests uses a part of it")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use wengert_study::{Server, Study};
use wengert_tensor::Device;

/// A page on runs in these folders.
pub fn serve(runs: &[PathBuf]) -> Server {
    Server::start(Arc::new(Study::new(runs, Device::Cpu).unwrap()), 0).unwrap()
}

/// A folder that looks like that of a run.
pub fn run(root: &Path, name: &str, steps: u64) -> PathBuf {
    let folder = root.join(name);
    std::fs::create_dir_all(folder.join("samples")).unwrap();
    std::fs::write(folder.join("config.toml"), "").unwrap();
    let line =
        |step| format!("{{\"step\":{step},\"images_per_second\":1000.0,\"kl\":0.5,\"total\":{step}.25}}\n");
    std::fs::write(folder.join("steps.jsonl"), (1..=steps).map(line).collect::<String>()).unwrap();
    std::fs::write(folder.join("samples/epoch_001.png"), b"\x89PNG\r\n\x1a\n and so on").unwrap();
    std::fs::write(folder.join("samples/epoch_002.png"), b"no picture").unwrap();
    folder
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A connection.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Sends bytes as they are and reads until the other side closes.
pub fn send(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = connect(address);
    // A server that refuses early may close before it has read all.
    let _ = stream.write_all(request);
    read(&mut stream)
}

/// Reads an answer until the other side closes.
pub fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = bytes.split_at(end.map_or(bytes.len(), |end| end + 4));
    let head = String::from_utf8_lossy(head).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head, body: body.to_vec() }
}

/// `GET` with the headers that a browser sends.
pub fn get(address: SocketAddr, path: &str) -> Answer {
    send(address, format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())
}

/// `POST` of JSON.
pub fn post(address: SocketAddr, path: &str, body: &str) -> Answer {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    send(address, format!("{head}{body}").as_bytes())
}
