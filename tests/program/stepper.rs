//! `wengert graph --step`, driven by commands on standard input.

use super::*;
use std::io::Write;

/// What the stepper answers to lines of commands.
fn walk(arguments: &[&str], commands: &str) -> Output {
    let arguments = [&["graph"], arguments, &["--step"]].concat();
    let mut child = wengert(&arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().unwrap().write_all(commands.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn pages(arguments: &[&str], commands: &str) -> String {
    let output = walk(arguments, commands);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn without_commands_every_step_is_printed() {
    let text = pages(&["vae"], "");
    assert!(text.starts_with("total loss of vae: "), "{text}");
    let steps: Vec<&str> = text.lines().filter(|line| line.starts_with("step ")).collect();
    let total: usize = steps[0].split(' ').nth(3).unwrap().trim_end_matches(':').parse().unwrap();
    assert_eq!(steps.len(), total);
    let forward = steps.iter().filter(|line| line.contains(": forward ")).count();
    assert_eq!(forward, succeed(&["graph", "vae"]).lines().filter(|line| line.starts_with('%')).count());
    // Every parameter's gradient is complete at the end, and what has not run is never a number.
    for parameter in ["fc1.weight", "fc21.bias", "fc4.weight"] {
        assert!(text.contains(&format!("{parameter}, all of it")), "{parameter} in {text}");
    }
    assert_eq!(text.matches("dy  not run yet").count(), forward);
}

#[test]
fn commands_walk_on_and_back() {
    let text = pages(&["vae"], "n\nn 2\np\nb\n\n/reparam\ng 1\nq\nn\n");
    let steps: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("step ")?.split(' ').next()).collect();
    // 13 ops: the backward steps begin at 14; the step back of the sample is found behind step 15.
    assert_eq!(steps, ["1", "2", "4", "3", "14", "15", "23", "1"], "{text}");
    assert!(text.contains("%12 is the loss: the walk begins with ∂loss/∂loss = 1"), "{text}");
    let list = pages(&["vae"], "b\nn\nl\n");
    assert!(list.lines().any(|line| line.starts_with("> %11 = ") && line.ends_with("dy = 1")), "{list}");
    assert!(list.lines().any(|line| line.starts_with("  %10 = ") && line.ends_with("dy next")), "{list}");
    assert!(
        list.lines().any(|line| line.starts_with("  %3 = ") && line.ends_with("dy not run yet")),
        "{list}"
    );
}

#[test]
fn layers_collapse() {
    let text = pages(&["vae", "--collapse"], "b\n");
    assert!(text.contains("backward through the layer loss"), "{text}");
}

#[test]
fn a_penalty_is_differentiated_again() {
    let text = pages(&["wgan-gp", "--second", "--set=wgan-gp.width=8"], "");
    assert!(text.starts_with("penalty loss of wgan-gp: "), "{text}");
    assert!(text.contains("the gradient of conv2d, recorded to be differentiated again"), "{text}");
    assert!(text.contains("conv2d_input_grad") && text.contains("dw = dy correlated with g"), "{text}");
    refuse(&["graph", "vae", "--second"], &["no loss of `vae` holds a gradient", "wgan-gp"]);
    refuse(&["graph", "vae", "--loss=kll"], &["--loss is `kll`", "reconstruction", "did you mean `kl`"]);
}

#[test]
fn wrong_commands_name_their_line() {
    for (commands, parts) in [
        ("n\nwalk\n", ["line 2 of standard input", "`walk` is no command"]),
        ("g 27\n", ["line 1 of standard input", "the last one is 26"]),
        ("g 0\n", ["line 1", "whole number from 1"]),
        ("/conv9\n", ["line 1", "no op and no layer has `conv9`"]),
        ("p\n", ["line 1", "this is the first step"]),
        ("/\n", ["line 1", "as in `/linear`"]),
    ] {
        let output = walk(&["vae"], commands);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{commands}: {message}");
        assert!(message.starts_with("error: ") && message.lines().count() == 1, "{message}");
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
}
