//! What is looked at, for all views.

use crate::answer::Refusal;
use crate::live::{Live, Message};
use crate::{Result, channel};
use axum::http::StatusCode;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Mutex;
use wengert_models::run::RunFolder;
use wengert_tensor::{Device, on_device};

/// Computations that may wait for the one that runs.
const MOST_WAITING: usize = 8;

/// What is looked at: the folders of runs. A view that keeps more keeps it by itself.
#[derive(Debug)]
pub struct Study {
    runs: Vec<RunFolder>,
    /// What the first run tells while it goes on.
    live: Option<channel::Subscriber<Message>>,
    device: Device,
    computing: Mutex<()>,
    waiting: AtomicUsize,
}

impl Study {
    /// The runs in these folders; views compute on `device`.
    ///
    /// # Errors
    /// When a folder is not that of a run.
    pub fn new(runs: &[PathBuf], device: Device) -> Result<Study> {
        let runs = runs.iter().map(|path| RunFolder::open(path)).collect::<std::result::Result<_, _>>()?;
        Ok(Study { runs, live: None, device, computing: Mutex::new(()), waiting: AtomicUsize::new(0) })
    }

    /// The same, with a run that goes on: the first one. `live` tells of it.
    pub fn watching(self, live: &Live) -> Study {
        Study { live: Some(live.subscriber()), ..self }
    }

    /// What the first run tells while it goes on.
    pub(crate) fn live(&self) -> Option<&channel::Subscriber<Message>> {
        self.live.as_ref()
    }

    /// The folders of the runs.
    pub fn runs(&self) -> &[RunFolder] {
        &self.runs
    }

    /// The device that views compute on.
    pub(crate) fn device(&self) -> Device {
        self.device
    }

    /// The run that a request names by its position in [`Study::runs`].
    pub(crate) fn run(&self, index: &str) -> std::result::Result<&RunFolder, Refusal> {
        let run = index.parse::<usize>().ok().and_then(|index| self.runs.get(index));
        run.ok_or_else(|| Refusal::missing(format!("there is no run {index}; there are {}", self.runs.len())))
    }

    /// Runs `work` on a thread where waiting does no harm: reading files.
    pub(crate) async fn read<T: Send + 'static>(
        work: impl FnOnce() -> std::result::Result<T, Refusal> + Send + 'static,
    ) -> std::result::Result<T, Refusal> {
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Refusal::broken("the request ended in a fault of the program"))?
    }

    /// Runs `work` of the engine on a thread of its own, one at a time, with the study's device.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> std::result::Result<T, Refusal> + Send + 'static,
    ) -> std::result::Result<T, Refusal> {
        let _waiting = Waiting::new(&self.waiting)?;
        let _turn = self.computing.lock().await;
        let device = self.device;
        Self::read(move || on_device(device, work)).await
    }
}

/// A place in the queue, given back when this is dropped: also where a client breaks off.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> std::result::Result<Self, Refusal> {
        let before = count.fetch_add(1, Ordering::SeqCst);
        let waiting = Waiting(count);
        if before > MOST_WAITING {
            let message = "the engine is busy with earlier requests; try again when they are done";
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message));
        }
        Ok(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
