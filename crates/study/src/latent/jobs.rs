//! Work that takes longer than a page waits: one piece of each kind at a time, ended by the next of its kind.

use crate::Study;
use crate::answer::Refusal;
use axum::http::StatusCode;
use serde_json::{Value, json as object};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wengert_tensor::{Device, on_device};

/// The newest work of each kind, whether it goes on or is done.
#[derive(Default)]
pub struct Jobs {
    newest: Mutex<(u64, HashMap<&'static str, Kind>)>,
}

struct Kind {
    job: Arc<Job>,
    /// Held by the work of this kind that computes, so that one which is superseded ends before the next begins.
    turn: Arc<tokio::sync::Mutex<()>>,
}

struct Job {
    number: u64,
    is_over: AtomicBool,
    told: Mutex<Told>,
}

/// What there is to say of work.
#[derive(Default)]
struct Told {
    stage: String,
    done: usize,
    of: usize,
    partial: Value,
    outcome: Option<Result<Value, String>>,
}

/// What work tells of itself.
pub struct Progress {
    job: Arc<Job>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Jobs {
    /// Ends the work of this kind and begins other work in its place, off the server's thread. Gives its number.
    pub fn begin(
        &self,
        kind: &'static str,
        device: Device,
        work: impl FnOnce(&Progress) -> Result<Value, Refusal> + Send + 'static,
    ) -> u64 {
        let (job, turn) = {
            let mut newest = lock(&self.newest);
            newest.0 += 1;
            let told =
                Told { stage: "waiting for earlier work of this kind to end".into(), ..Told::default() };
            let job =
                Arc::new(Job { number: newest.0, is_over: AtomicBool::new(false), told: Mutex::new(told) });
            let turn = match newest.1.get(kind) {
                None => Arc::default(),
                Some(before) => {
                    before.job.is_over.store(true, Ordering::Relaxed);
                    before.turn.clone()
                }
            };
            newest.1.insert(kind, Kind { job: job.clone(), turn: turn.clone() });
            (job, turn)
        };
        let number = job.number;
        tokio::spawn(async move {
            let _turn = turn.lock().await;
            let progress = Progress { job: job.clone() };
            if job.is_over.load(Ordering::Relaxed) {
                return;
            }
            let outcome = Study::read(move || on_device(device, || work(&progress))).await;
            lock(&job.told).outcome = Some(outcome.map_err(|refusal| refusal.to_string()));
        });
        number
    }

    /// How far work is.
    pub fn told(&self, number: &str) -> Result<Value, Refusal> {
        let job = self.find(number)?;
        let told = lock(&job.told);
        let mut value =
            object!({ "stage": told.stage, "done": told.done, "of": told.of, "partial": told.partial });
        match &told.outcome {
            Some(Ok(result)) => value["result"] = result.clone(),
            Some(Err(message)) => value["error"] = message.as_str().into(),
            None => {}
        }
        Ok(value)
    }

    /// Ends work.
    pub fn end(&self, number: &str) -> Result<(), Refusal> {
        self.find(number)?.is_over.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn find(&self, number: &str) -> Result<Arc<Job>, Refusal> {
        let newest = lock(&self.newest);
        let found = newest.1.values().find(|kind| kind.job.number.to_string() == number);
        found.map(|kind| kind.job.clone()).ok_or_else(|| {
            Refusal::missing(format!(
                "there is no work {number}; newer work of its kind may have taken its place"
            ))
        })
    }
}

impl Progress {
    /// Says what is being done.
    ///
    /// # Errors
    /// When the work is no longer wanted; it ends by handing this on.
    pub fn say(&self, stage: &str, done: usize, of: usize) -> Result<(), Refusal> {
        let mut told = lock(&self.job.told);
        (told.stage, told.done, told.of) = (stage.to_owned(), done, of);
        match self.job.is_over.load(Ordering::Relaxed) {
            true => Err(Refusal::new(StatusCode::GONE, "the work was ended")),
            false => Ok(()),
        }
    }

    /// Shows what there is so far.
    pub fn show(&self, partial: Value) {
        lock(&self.job.told).partial = partial;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn newer_work_ends_older_work_of_its_kind() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let jobs = Jobs::default();
            let (began, beginning) = channel();
            let endless = move |progress: &Progress| {
                began.send(()).unwrap();
                loop {
                    progress.say("turning", 1, 2)?;
                    std::thread::yield_now();
                }
            };
            let first = jobs.begin("turn", Device::Cpu, endless).to_string();
            while beginning.try_recv().is_err() {
                tokio::task::yield_now().await;
            }
            let other = jobs.begin("other", Device::Cpu, |_| Err(Refusal::wrong("no"))).to_string();
            let second = jobs.begin("turn", Device::Cpu, |_| Ok(5.into())).to_string();
            assert!(jobs.told(&first).is_err());
            let outcome = async |number: &str| loop {
                let told = jobs.told(number).unwrap();
                if told.get("result").or(told.get("error")).is_some() {
                    break told;
                }
                tokio::task::yield_now().await;
            };
            assert_eq!(outcome(&second).await["result"], 5);
            assert_eq!(outcome(&other).await["error"], "no");
            assert!(jobs.told("x").is_err() && jobs.end("99").is_err());
        });
    }
}
