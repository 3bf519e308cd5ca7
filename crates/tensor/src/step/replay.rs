//! A captured step.

use super::recording::{Moved, Recording, Source};
use crate::storage::Storage;
use crate::{Result, Tensor};
use std::sync::{Arc, Weak};
use wengert_cuda::replay::Rows;
use wengert_cuda::{Graph, Recorder};

/// The graph of a step, and what the host does for each replay.
pub(super) struct Replay {
    graph: Graph,
    rows: Arc<Rows>,
    sources: Vec<Source>,
    moves: Vec<(Moved, u64)>,
    changed: Vec<Weak<Storage>>,
    results: usize,
    /// Words of the replays that are planned, after a 0.
    planned: Vec<u64>,
    steps: usize,
}

impl Replay {
    /// Captures a step that was rehearsed as `before` says, with room for `steps` replays. The counters are left as they
    /// were before it, since it has yet to be done.
    pub fn capture<E: From<crate::Error>>(
        device: &wengert_cuda::Device,
        recorder: Recorder,
        before: &Recording,
        steps: usize,
        body: impl FnOnce() -> std::result::Result<Vec<Tensor>, E>,
    ) -> std::result::Result<Replay, E> {
        let rows = Rows::new(device, steps, before.words.max(1), before.results).map_err(crate::Error::from)?;
        let rows = Arc::new(rows);
        let recording = Recording::capture(before, rows.clone());
        let (captured, graph) = recorder
            .capture(|| {
                rows.begin().map_err(crate::Error::from)?;
                let (results, recording) = recording.during(body);
                keep(&rows, &results?)?;
                Ok::<_, E>(recording)
            })
            .map_err(crate::Error::from)?;
        let Recording { sources, moved, words, changed, .. } = captured?;
        if words != before.words {
            let detail = format!("it takes {words} words of each replay, and took {}", before.words);
            return Err(crate::Error::argument("step", detail).into());
        }
        let moves = moved.into_iter().map(|moved| {
            let stride = moved.counter.get() - moved.start;
            moved.counter.set(moved.start);
            (moved, stride)
        });
        let (moves, results) = (moves.collect(), before.results);
        Ok(Replay { graph, rows, sources, moves, changed, results, planned: Vec::new(), steps: 0 })
    }

    /// Launches, copies and fills.
    pub fn launches(&self) -> usize {
        self.graph.len()
    }

    /// Makes the words of one more replay, and moves what it moves on the host.
    #[track_caller]
    pub fn plan(&mut self) -> Result<()> {
        if self.planned.is_empty() {
            self.planned.push(0);
        }
        let start = self.planned.len();
        self.planned.resize(start + self.rows.width(), 0);
        for Source { first, count, fill } in &self.sources {
            fill(&mut self.planned[start + first..][..*count])?;
        }
        self.moves.iter().for_each(|(moved, stride)| _ = moved.counter.add(*stride));
        self.changed.iter().filter_map(Weak::upgrade).for_each(|storage| storage.note_change());
        self.steps += 1;
        Ok(())
    }

    /// Hands the plans to the device.
    pub fn upload(&mut self) -> Result<()> {
        if self.steps > 0 {
            self.rows.write(&self.planned)?;
        }
        self.planned.clear();
        Ok(())
    }

    /// Starts the next replay that was planned.
    pub fn launch(&self) -> Result<()> {
        Ok(self.graph.launch()?)
    }

    /// Waits for the replays, and gives their results.
    pub fn results(&mut self) -> Result<Vec<Vec<f64>>> {
        let steps = std::mem::take(&mut self.steps);
        if steps == 0 {
            return Ok(Vec::new());
        }
        let results = self.rows.results(steps)?;
        self.graph.check()?;
        Ok((0..steps).map(|step| results[step * self.results..][..self.results].to_vec()).collect())
    }
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}, {} words", self.graph, self.rows.width())
    }
}

/// Keeps the results of the step.
fn keep(rows: &Rows, results: &[Tensor]) -> Result<()> {
    let values: Vec<_> = results.iter().map(|result| result.value().clone()).collect();
    let views = values.iter().map(|value| value.on_device()).collect::<Result<Vec<_>>>()?;
    Ok(rows.end(&views)?)
}
