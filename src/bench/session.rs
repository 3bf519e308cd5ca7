//! A workload on threads of its own, one step after the other.

use super::micro::Micro;
use super::protocol::Timed;
use super::training::{self, Entry};
use anyhow::{Context, Result};
use rayon::ThreadPool;
use std::time::Instant;

/// Takes one step, and returns its loss if it has one.
type Step = Box<dyn FnMut() -> Result<Option<f64>> + Send>;

/// A loaded workload.
pub struct Session {
    pool: ThreadPool,
    step: Step,
    /// Calls in one step.
    repeat: usize,
}

impl Session {
    /// The steps of a model with fresh weights, on noise as in training.
    pub fn training(entry: &Entry, batch: usize, threads: usize) -> Result<Session> {
        let pool = pool(threads)?;
        let (mut model, rng) = (pool.install(|| (entry.build)(batch)), training::noise_rng());
        Ok(Session { pool, step: Box::new(move || model.step(&rng).map(Some)), repeat: 1 })
    }

    /// Steps of `repeat` calls of an op.
    pub fn micro(micro: &Micro, repeat: usize, threads: usize) -> Result<Session> {
        let pool = pool(threads)?;
        let mut call = pool.install(|| micro.prepare());
        let step = Box::new(move || {
            (0..repeat).for_each(|_| call());
            Ok(None)
        });
        Ok(Session { pool, step, repeat })
    }

    /// Runs `body` on the session's threads.
    pub fn install<R: Send>(&self, body: impl FnOnce() -> R + Send) -> R {
        self.pool.install(body)
    }

    /// Takes steps; a time is that of one call.
    pub fn run(&mut self, steps: usize) -> Result<Timed> {
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

fn pool(threads: usize) -> Result<ThreadPool> {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
    builder.build().context("the threads could not be started; pass a smaller --threads")
}
