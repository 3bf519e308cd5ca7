//! `wengert explore` and `wengert sample --code`: a code of the page is the same image, to the bit, on the command line.

use super::codes::brief;
use super::*;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Child;

/// The page of a run, which ends with this.
struct Page {
    program: Child,
    host: String,
}

impl Page {
    fn open(runs: &[&str]) -> Page {
        let mut command = wengert(&[&["explore", "--no-open", "--port=0"], runs].concat());
        let mut program = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(program.stdout.take().expect("a pipe")).read_line(&mut line).expect("an address");
        let address =
            line.trim().strip_prefix("http://").and_then(|address| address.strip_suffix("/#latent"));
        let host = address.unwrap_or_else(|| panic!("{line}")).to_owned();
        Page { program, host }
    }

    /// The status and the body of an answer.
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let head = format!(
            "{method} /api/latent/{path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            self.host,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let status = String::from_utf8_lossy(&answer[9..12]).parse().expect("a status");
        (status, answer.split_off(end + 4))
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.ask("POST", path, &body.to_string());
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&answer));
        serde_json::from_slice(&answer).expect("JSON")
    }

    /// What came of work.
    fn work(&self, path: &str, body: &Value) -> Result<Value, String> {
        let number = self.post(path, body)["work"].clone();
        let begun = Instant::now();
        loop {
            let (status, answer) = self.ask("GET", &format!("work/{number}"), "");
            assert_eq!(status, 200);
            let mut told: Value = serde_json::from_slice(&answer).expect("JSON");
            if let Some(error) = told.get("error") {
                return Err(error.as_str().expect("words").to_owned());
            }
            if told.get("result").is_some() {
                return Ok(told["result"].take());
            }
            assert!(begun.elapsed() < Duration::from_secs(300), "{told}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A refused request: its status is that of a client's mistake, and its message says all of the parts.
    fn refuse(&self, path: &str, body: &str, parts: &[&str]) {
        let (status, answer) = self.ask("POST", path, body);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!([400, 404].contains(&status), "{path} {body}: {status} {answer}");
        assert!(parts.iter().all(|part| answer.contains(part)), "{path} {body}: {answer}");
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn a_code_of_the_page_is_the_same_image_here() {
    let root = TempDir::new().unwrap();
    let vae = brief(root.path(), "vae", &["--set=vae.hidden=16", "--latent=3"]);
    let cvae = brief(root.path(), "cvae", &["--set=cvae.hidden=16", "--latent=3"]);
    let page = Page::open(&[&vae, &cvae]);
    for (index, run, label) in [(0, &vae, json!(null)), (1, &cvae, json!(7))] {
        let about: Value = serde_json::from_slice(&page.ask("GET", &format!("runs/{index}"), "").1).unwrap();
        let code = page.post(&format!("runs/{index}/draw"), &json!({ "seed": 5 }))["code"].clone();
        let wanted = json!({ "code": code, "label": label });
        let (status, picture) = page.ask("POST", &format!("runs/{index}/picture.png"), &wanted.to_string());
        assert_eq!(status, 200);
        let numbers: Vec<String> = code.as_array().unwrap().iter().map(Value::to_string).collect();
        let digest = about["checkpoint"].as_str().unwrap();
        let of_label = label.as_u64().map(|label| format!("&label={label}")).unwrap_or_default();
        let file = json!({ "checkpoint": digest, "label": label, "code": code }).to_string();
        let address = format!(
            "http://{}/#latent?run=0&checkpoint={digest}{of_label}&z={}",
            page.host,
            numbers.join(",")
        );
        for saved in [file, address] {
            let path = root.path().join("code.json");
            fs::write(&path, saved).unwrap();
            let out = root.path().join("image.png");
            let (path, out) = (path.to_str().unwrap(), out.to_str().unwrap());
            succeed(&["sample", run, "--code", path, "--out", out]);
            assert_eq!(fs::read(out).unwrap(), picture);
        }
        let other = if index == 0 { &cvae } else { &vae };
        let path = root.path().join("code.json");
        refuse(
            &["sample", other, "--code", path.to_str().unwrap()],
            &["code.json", "saved with the checkpoint"],
        );
        let decoded = page.post(&format!("runs/{index}/decode"), &wanted);
        assert_eq!(decoded["image"].as_array().unwrap().len(), 784);
    }
    let path = root.path().join("wrong.json");
    for (text, part) in [
        ("", "no saved code"),
        ("{\"code\": [NaN]}", "no saved code"),
        ("http://127.0.0.1/?z=1", "checkpoint"),
    ] {
        fs::write(&path, text).unwrap();
        refuse(&["sample", &vae, "--code", path.to_str().unwrap()], &["wrong.json", part]);
    }
    refuse(&["sample", &vae, "--code", "/nowhere"], &["/nowhere"]);
}

#[test]
fn codes_are_found_mapped_and_joined() {
    let root = TempDir::new().unwrap();
    let vae = brief(root.path(), "vae", &["--set=vae.hidden=16", "--latent=3"]);
    let gan = brief(root.path(), "gan", &["--set=gan.width=4"]);
    let page = Page::open(&[&vae, &gan]);
    let test = page.post("runs/0/test", &json!({ "index": 0 }));
    assert_eq!((&test["label"], &test["name"], &test["count"]), (&json!(7), &json!("7"), &json!(100)));
    let image = &test["image"];
    let encoded = page.post("runs/0/encode", &json!({ "image": image }));
    let decoded = page.post("runs/0/decode", &json!({ "code": encoded["code"] }));
    assert_eq!(encoded["image"], decoded["image"], "the reconstruction is the image of the code");
    for run in [0, 1] {
        let found = page
            .work(&format!("runs/{run}/work/invert"), &json!({ "image": image, "steps": 40, "seed": 1 }))
            .unwrap();
        let way = found["way"].as_array().unwrap();
        assert!(found["distance"].as_f64() < way[0].as_f64(), "{way:?}");
        let decoded = page.post(&format!("runs/{run}/decode"), &json!({ "code": found["code"] }));
        assert_eq!(decoded["image"], found["image"]);
        assert_eq!(decoded["score"].is_number(), run == 1, "a GAN has a discriminator");
    }
    let near = page.work("runs/0/work/neighbours", &json!({ "image": image })).unwrap();
    let distances: Vec<f64> =
        near.as_array().unwrap().iter().map(|one| one["distance"].as_f64().unwrap()).collect();
    assert!(distances.len() == 6 && distances.is_sorted(), "{distances:?}");
    for kind in ["manifold", "pca", "t-sne"] {
        let map = page.work("runs/0/work/map", &json!({ "kind": kind, "label": null })).unwrap();
        let (list, count) = if kind == "manifold" { ("images", 225) } else { ("points", 100) };
        assert_eq!(map[list].as_array().unwrap().len(), count, "{kind}");
    }
    let directions = page.work("runs/0/work/directions", &json!({})).unwrap();
    assert_eq!(directions["principal"]["directions"].as_array().unwrap().len(), 3);
    assert_eq!(directions["closed_form"]["directions"].as_array().unwrap().len(), 3);
    let directions = page.work("runs/1/work/directions", &json!({})).unwrap();
    assert!(directions["principal"].is_null() && directions["closed_form"].is_object());
    let difference = page.work("runs/0/work/difference", &json!({ "from": 1, "to": 7 })).unwrap();
    assert_eq!(difference["direction"].as_array().unwrap().len(), 3);
    assert!(
        page.work("runs/0/work/difference", &json!({ "from": 1, "to": 70 }))
            .unwrap_err()
            .contains("class 70")
    );
    assert!(page.work("runs/0/work/precision", &json!({ "seed": 0 })).unwrap_err().contains("LeNet"));
    let ends = json!({ "from": [1, 0, 0], "to": [0, 1, 0], "steps": 3 });
    let way = page.post("runs/0/way", &ends);
    assert_eq!(way["straight"]["codes"][1], json!([0.5, 0.5, 0.0]));
    assert!((way["circle"]["codes"][1][0].as_f64().unwrap() - 0.5f64.sqrt()).abs() < 1e-6);
    let frames = json!({ "codes": way["circle"]["codes"] }).to_string();
    assert!(page.ask("POST", "runs/0/way.gif", &frames).1.starts_with(b"GIF89a"));
    let truncated = page.post("runs/1/draw", &json!({ "seed": 1, "truncation": 0.5 }));
    assert!(truncated["code"].as_array().unwrap().iter().all(|number| number.as_f64().unwrap().abs() <= 0.5));
}

#[test]
fn what_is_no_code_changes_nothing() {
    let root = TempDir::new().unwrap();
    let vae = brief(root.path(), "vae", &["--set=vae.hidden=16", "--latent=3"]);
    let page = Page::open(&[&vae]);
    let decode = "runs/0/decode";
    page.refuse(decode, "{", &["body of the request"]);
    page.refuse(decode, "[]", &["body of the request"]);
    page.refuse(decode, r#"{"code": [NaN, 1, 2]}"#, &["body of the request"]);
    page.refuse(decode, r#"{"code": [null, 1, 2]}"#, &["body of the request"]);
    page.refuse(decode, r#"{"code": [1e39, 1, 2]}"#, &["number 0 of the code", "not finite"]);
    page.refuse(decode, r#"{"code": [1e400, 1, 2]}"#, &["body of the request"]);
    page.refuse(decode, r#"{"code": [1, 2]}"#, &["2 numbers", "have 3"]);
    page.refuse(decode, r#"{"code": [1, 2, 3], "label": 1}"#, &["takes none"]);
    page.refuse(decode, r#"{"code": [1, 2, 3], "path": "/"}"#, &["unknown field"]);
    page.refuse("runs/1/decode", r#"{"code": [1, 2, 3]}"#, &["no run 1"]);
    page.refuse("runs/..%2f/decode", r#"{"code": [1, 2, 3]}"#, &["no run"]);
    page.refuse("runs/0/encode", r#"{"image": [1, 2]}"#, &["2 values", "784"]);
    page.refuse("runs/0/encode", r#"{"image": [256]}"#, &["body of the request"]);
    page.refuse("runs/0/test", r#"{"index": 100}"#, &["no test image 100", "99"]);
    page.refuse("runs/0/draw", r#"{"seed": -1}"#, &["body of the request"]);
    page.refuse("runs/0/draw", r#"{"seed": 1, "truncation": 0}"#, &["0.05 to 10"]);
    page.refuse("runs/0/way", r#"{"from": [1, 2, 3], "to": [1, 2, 3], "steps": 100000000}"#, &["2 to 32"]);
    page.refuse("runs/0/way.gif", r#"{"codes": []}"#, &["2 to 512"]);
    page.refuse("runs/0/work/nothing", "{}", &["nothing at"]);
    page.refuse("work/7/end", "{}", &["no work 7"]);
    assert_eq!(page.post(decode, &json!({ "code": [0, 0, 0] }))["image"].as_array().unwrap().len(), 784);
}

#[test]
fn a_model_without_codes_says_so() {
    let root = TempDir::new().unwrap();
    let run = brief(root.path(), "mdn", &[]);
    let page = Page::open(&[&run]);
    let about: Value = serde_json::from_slice(&page.ask("GET", "runs/0", "").1).unwrap();
    assert_eq!((&about["size"], &about["can"]["decode"]), (&json!(0), &json!(false)));
    page.refuse("runs/0/draw", r#"{"seed": 1}"#, &["makes no images of codes"]);
    page.refuse("runs/0/decode", r#"{"code": []}"#, &["makes no images of codes"]);
    refuse(&["explore", "/nowhere"], &["/nowhere", "no such folder"]);
    assert_eq!(output(&["explore"]).status.code(), Some(2));
}
