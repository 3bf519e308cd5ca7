//! A workload on threads of its own, one step after the other.

use super::micro::Micro;
use super::protocol::{Place, Timed};
use super::training::{self, Entry, Training};
use anyhow::{Context, Result, bail};
use rayon::ThreadPool;
use std::time::Instant;
use wengert_tensor::{Device, Generator, Tensor, on_device, step};

/// Takes one step, and returns its loss if it has one.
type Step = Box<dyn FnMut() -> Result<Option<f64>> + Send>;

/// A loaded workload.
pub struct Session {
    site: Site,
    step: Step,
    /// Calls in one step.
    repeat: usize,
}

impl Session {
    /// The steps of a model with fresh weights, on noise as in training.
    pub fn training(entry: &Entry, batch: usize, place: Place) -> Result<Session> {
        let site = Site::new(place)?;
        let mut steps = site.install(|| Steps { model: (entry.build)(batch), rng: training::noise_rng() });
        // On a GPU a step is launched as one graph, as training does it.
        let (mut step, mut taken) = (step::Step::new(site.device), 0);
        let take = move || {
            let losses = step.run(&mut steps, taken, 1)?;
            taken += 1;
            Ok(losses.first().map(|losses| losses.iter().sum()))
        };
        Ok(Session { site, step: Box::new(take), repeat: 1 })
    }

    /// Steps of `repeat` calls of an op.
    pub fn micro(micro: &Micro, repeat: usize, place: Place) -> Result<Session> {
        let site = Site::new(place)?;
        let mut call = site.install(|| micro.prepare());
        let step = Box::new(move || {
            (0..repeat).for_each(|_| call());
            Ok(None)
        });
        Ok(Session { site, step, repeat })
    }

    /// Runs `body` on the session's threads, with the session's device as the place of new tensors.
    pub fn install<R: Send>(&self, body: impl FnOnce() -> R + Send) -> R {
        self.site.install(body)
    }

    /// Takes steps; a time is that of one call. A step has ended when the device has nothing left to do.
    pub fn run(&mut self, steps: usize) -> Result<Timed> {
        let Self { site, step, repeat } = self;
        site.install(|| {
            let (mut ms, mut loss) = (Vec::with_capacity(steps), None);
            site.wait()?;
            for _ in 0..steps {
                let start = Instant::now();
                loss = step()?;
                site.wait()?;
                ms.push(start.elapsed().as_secs_f64() * 1e3 / *repeat as f64);
            }
            Ok(Timed { ms, loss })
        })
    }
}

/// A model's steps.
struct Steps {
    model: Box<dyn Training>,
    rng: Generator,
}

impl step::Work for Steps {
    type Error = anyhow::Error;

    fn run(&mut self, _step: u64) -> Result<Vec<Tensor>> {
        self.model.step(&self.rng)
    }
}

/// A [`Place`] that is ready.
struct Site {
    pool: ThreadPool,
    device: Device,
    /// The device, where it is a GPU.
    gpu: Option<wengert_cuda::Device>,
}

impl Site {
    fn new(place: Place) -> Result<Site> {
        let gpu = match place.device {
            Device::Cpu => None,
            Device::Cuda(ordinal) => Some(wengert_cuda::Device::get(ordinal)?),
            other => bail!("nothing can be timed on {other}"),
        };
        gpu.as_ref().map_or(Ok(()), wengert_cuda::Device::check)?;
        let builder = rayon::ThreadPoolBuilder::new().num_threads(place.threads);
        let pool = builder.build().context("the threads could not be started; pass a smaller --threads")?;
        Ok(Site { pool, device: place.device, gpu })
    }

    fn install<R: Send>(&self, body: impl FnOnce() -> R + Send) -> R {
        self.pool.install(|| on_device(self.device, body))
    }

    /// Waits until what was started has run.
    fn wait(&self) -> Result<()> {
        Ok(self.gpu.as_ref().map_or(Ok(()), wengert_cuda::Device::synchronize)?)
    }
}
