//! A process that runs workloads, as its caller sees it.

use super::protocol::{Finished, Loaded, Request, Timed, parse};
use anyhow::{Context, Result, anyhow};
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running contender. It is stopped when it is dropped.
#[derive(Debug)]
pub struct Contender {
    name: String,
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Its standard error: a pipe that nobody reads would fill up and block it.
    complaints: File,
}

impl Contender {
    /// Starts a contender; `name` is for messages.
    pub fn start(name: &str, mut command: Command) -> Result<Contender> {
        let complaints = tempfile::tempfile().context("a temporary file could not be made")?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(complaints.try_clone()?)
            .spawn()
            .with_context(|| format!("{name}: {} could not be started", command.get_program().display()))?;
        let questions = child.stdin.take().expect("standard input is a pipe");
        let answers = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
        Ok(Contender { name: name.to_string(), child, questions, answers, complaints })
    }

    /// Asks for a workload: a [`Request::Load`] or a [`Request::Micro`].
    pub fn load(&mut self, request: &Request) -> Result<Loaded> {
        self.ask(request)
    }

    /// Asks for steps, at least one.
    pub fn run(&mut self, steps: usize) -> Result<Timed> {
        let timed: Timed = self.ask(&Request::Run { steps })?;
        if timed.ms.len() == steps && timed.ms.iter().all(|ms| ms.is_finite() && *ms >= 0.0) {
            return Ok(timed);
        }
        let (name, count) = (&self.name, timed.ms.len());
        Err(anyhow!("{name} was asked for {steps} steps and answered with {count} times: {:?}", timed.ms))
    }

    /// Ends the contender.
    pub fn finish(mut self) -> Result<Finished> {
        self.ask(&Request::Finish)
    }

    fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T> {
        let mut question = serde_json::to_string(request)?;
        question.push('\n');
        let mut answer = String::new();
        let asked = self.questions.write_all(question.as_bytes()).and_then(|()| self.questions.flush());
        let read = asked.and_then(|()| self.answers.read_line(&mut answer));
        if !matches!(read, Ok(1..)) {
            return Err(anyhow!("{} ended before it answered{}", self.name, self.last_complaint()));
        }
        parse(&answer).map_err(|error| match error.is::<serde_json::Error>() {
            true => {
                anyhow!("{} answered {:?}, which is not what was asked for", self.name, answer.trim_end())
            }
            false => error,
        })
    }

    /// The last line that it wrote to standard error, which in Python names the error.
    fn last_complaint(&self) -> String {
        let mut bytes = Vec::new();
        let mut complaints = &self.complaints;
        let read = complaints.rewind().and_then(|()| complaints.read_to_end(&mut bytes));
        let text = String::from_utf8_lossy(&bytes);
        match (read, text.lines().rev().find(|line| !line.trim().is_empty())) {
            (Ok(_), Some(line)) => format!(": {}", line.trim()),
            _ => String::new(),
        }
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill, and waiting only clears it away.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::bench::protocol::{Place, Refusal};
    use wengert_tensor::Device;

    /// A contender that answers each question by the next line of `answers`, then ends with a complaint.
    fn fake(answers: &[&str]) -> Contender {
        let mut command = Command::new("sh");
        let script =
            "for answer; do read -r question; echo \"$answer\"; done; read -r question; echo gone >&2";
        command.args(["-c", script, "sh"]).args(answers);
        Contender::start("fake", command).unwrap()
    }

    #[test]
    fn a_contender_answers_in_turn() {
        let mut contender = fake(&[
            r#"{"losses":[3.5,2.5,1.5]}"#,
            r#"{"ms":[1.5,2.5],"loss":0.5}"#,
            r#"{"error":"too many"}"#,
            r#"{"peak_rss_mb":12.5}"#,
        ]);
        let place = Place { threads: 1, device: Device::Cpu };
        let load = Request::Micro { name: "add".into(), place, repeat: 1 };
        assert_eq!(contender.load(&load).unwrap().losses, [3.5, 2.5, 1.5]);
        assert_eq!(contender.run(2).unwrap(), Timed { ms: vec![1.5, 2.5], loss: Some(0.5) });
        assert!(contender.run(2).unwrap_err().is::<Refusal>());
        assert_eq!(contender.finish().unwrap().peak_rss_mb, Some(12.5));
    }

    #[test]
    fn wrong_answers_and_early_ends_are_errors() {
        let message = |contender: &mut Contender| contender.run(2).unwrap_err().to_string();
        let short = message(&mut fake(&[r#"{"ms":[1.5]}"#]));
        assert!(short.contains("asked for 2 steps and answered with 1"), "{short}");
        let garbage = message(&mut fake(&["hello"]));
        assert!(garbage.contains("\"hello\", which is not what was asked for"), "{garbage}");
        let gone = message(&mut fake(&[]));
        assert_eq!(gone, "fake ended before it answered: gone");
        let missing = Contender::start("fake", Command::new("/nowhere/program")).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/program could not be started"), "{missing}");
    }
}
