//! This program as a contender: it serves the protocol.

use super::protocol::{Finished, Loaded, Refusal, Request};
use super::session::Session;
use super::training::ENTRIES;
use super::{micro, process, state};
use anyhow::{Context, Result, anyhow, bail};
use serde::Serialize;
use std::io::{BufRead, Write};
use wengert_tensor::inspect::trace;

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
        Request::Load { workload, batch, place, trial } => {
            *session = None;
            let entry = ENTRIES.iter().find(|entry| entry.name == workload);
            let entry = entry.with_context(|| format!("there is no training workload `{workload}`"))?;
            let new = Session::training(entry, batch, place)?;
            // Weights, data and noise of the state came from the seeds that this process has too.
            let losses = match trial {
                Some(files) => new.install(|| state::trial(&mut *(entry.build)(batch), &files.gradients))?,
                None => Vec::new(),
            };
            *session = Some(new);
            to_json(&Loaded { losses, note: None })
        }
        Request::Micro { name, place, repeat } => {
            *session = None;
            let micro = micro::find(&name).with_context(|| format!("there is no micro workload `{name}`"))?;
            if repeat == 0 {
                bail!("a step needs at least one call");
            }
            *session = Some(Session::micro(&micro, repeat, place)?);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::protocol::{Timed, parse};

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
{"command":"load","workload":"vae","batch":2,"threads":1,"device":"gpu"}
"#,
        );
        let refusals = answers.iter().map(|line| parse::<Timed>(line).unwrap_err().to_string());
        for (refusal, part) in refusals.zip(["nothing is loaded", "`vea`", "`add`", "fly", "'gpu'"]) {
            assert!(refusal.contains(part), "{refusal}");
        }
    }
}
