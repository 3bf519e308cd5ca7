//! This program as a contender: it serves the protocol.

use super::protocol::{Finished, Loaded, Refusal, Request, Timed};
use super::training::{self, ENTRIES, Entry};
use super::{micro, process, state};
use anyhow::{Context, Result, anyhow, bail};
use rayon::ThreadPool;
use serde::Serialize;
use std::io::{BufRead, Write};
use std::time::Instant;
use wengert_tensor::inspect::trace;

/// Takes one step, and returns its loss if it has one.
type Step = Box<dyn FnMut() -> Result<Option<f64>> + Send>;

/// A loaded workload.
struct Session {
    pool: ThreadPool,
    step: Step,
    /// Calls in one step.
    repeat: usize,
}

/// Answers questions until the last one, or until nobody asks any more.
pub fn serve(questions: impl BufRead, mut answers: impl Write) -> Result<()> {
    let mut session = None;
    for line in questions.lines() {
        let request = serde_json::from_str(&line?);
        let finished = matches!(request, Ok(Request::Finish));
        if finished {
            // The caller may end this process as soon as it has the last answer.
            trace::stop()?;
        }
        let answer = request.map_err(Into::into).and_then(|request| answer(&mut session, request));
        let answer = answer.or_else(|error| to_json(&Refusal { error: format!("{error:#}") }))?;
        writeln!(answers, "{answer}")?;
        answers.flush()?;
        if finished {
            break;
        }
    }
    Ok(())
}

fn answer(session: &mut Option<Session>, request: Request) -> Result<String> {
    match request {
        Request::Load { workload, batch, threads, trial } => {
            *session = None;
            let entry = ENTRIES.iter().find(|entry| entry.name == workload);
            let entry = entry.with_context(|| format!("there is no training workload `{workload}`"))?;
            let pool = pool(threads)?;
            // Weights, data and noise of the state came from the seeds that this process has too.
            let losses = match trial {
                Some(files) => pool.install(|| state::trial(&mut *(entry.build)(batch), &files.gradients))?,
                None => Vec::new(),
            };
            let step = pool.install(|| training_step(entry, batch));
            *session = Some(Session { pool, step, repeat: 1 });
            to_json(&Loaded { losses, note: None })
        }
        Request::Micro { name, threads, repeat } => {
            *session = None;
            let micro = micro::find(&name).with_context(|| format!("there is no micro workload `{name}`"))?;
            if repeat == 0 {
                bail!("a step needs at least one call");
            }
            let pool = pool(threads)?;
            let mut call = pool.install(|| micro.prepare());
            let step = Box::new(move || {
                (0..repeat).for_each(|_| call());
                Ok(None)
            });
            *session = Some(Session { pool, step, repeat });
            to_json(&Loaded::default())
        }
        Request::Run { steps } => {
            let session = session.as_mut().ok_or_else(|| anyhow!("nothing is loaded"))?;
            to_json(&session.run(steps)?)
        }
        Request::Finish => to_json(&Finished { peak_rss_mb: process::peak_rss_mb() }),
    }
}

fn to_json(answer: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(answer)?)
}

fn pool(threads: usize) -> Result<ThreadPool> {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
    builder.build().context("the threads could not be started; pass a smaller --threads")
}

/// The steps of a model with fresh weights, on noise as in training.
fn training_step(entry: &Entry, batch: usize) -> Step {
    let (mut training, rng) = ((entry.build)(batch), training::noise_rng());
    Box::new(move || training.step(&rng).map(Some))
}

impl Session {
    fn run(&mut self, steps: usize) -> Result<Timed> {
        let Self { pool, step, repeat } = self;
        pool.install(|| {
            let (mut ms, mut loss) = (Vec::with_capacity(steps), None);
            for _ in 0..steps {
                let start = Instant::now();
                loss = step()?;
                ms.push(start.elapsed().as_secs_f64() * 1e3 / *repeat as f64);
            }
            Ok(Timed { ms, loss })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::protocol::parse;

    fn answers(questions: &str) -> Vec<String> {
        let mut answers = Vec::new();
        serve(questions.as_bytes(), &mut answers).unwrap();
        String::from_utf8(answers).unwrap().lines().map(str::to_string).collect()
    }

    #[test]
    fn a_workload_is_loaded_run_and_finished() {
        let answers = answers(
            r#"{"command":"load","workload":"gru","batch":2,"threads":1}
{"command":"run","steps":3}
{"command":"micro","name":"chain 1000","threads":1,"repeat":2}
{"command":"run","steps":2}
{"command":"finish"}
{"command":"run","steps":2}
"#,
        );
        assert_eq!(answers.len(), 5, "nothing is answered after the end: {answers:?}");
        assert_eq!(parse::<Loaded>(&answers[0]).unwrap(), Loaded::default());
        let timed: Timed = parse(&answers[1]).unwrap();
        // Ten classes that an untrained network cannot tell apart cost ln 10.
        assert!(timed.ms.len() == 3 && (timed.loss.unwrap() - 10f64.ln()).abs() < 0.5, "{timed:?}");
        assert_eq!(parse::<Timed>(&answers[3]).unwrap().ms.len(), 2);
        let peak = parse::<Finished>(&answers[4]).unwrap().peak_rss_mb;
        assert!(peak.is_none_or(|peak| peak > 1.0), "{peak:?}");
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let answers = answers(
            r#"{"command":"run","steps":3}
{"command":"load","workload":"vea","batch":2,"threads":1}
{"command":"micro","name":"add","threads":1}
{"command":"fly"}
"#,
        );
        let refusals = answers.iter().map(|line| parse::<Timed>(line).unwrap_err().to_string());
        for (refusal, part) in refusals.zip(["nothing is loaded", "`vea`", "`add`", "fly"]) {
            assert!(refusal.contains(part), "{refusal}");
        }
    }
}
