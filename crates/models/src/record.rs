//! What a run leaves behind after each epoch: metrics, pictures, events, the chart.

use crate::Result;
use crate::config::Config;
use crate::run::{
    EpochRecord, EventWriter, GradientRecord, Picture, RunFolder, Series, StepRecord, StepWriter,
};
use crate::run::{line_chart, metrics};
use wengert_tensor::io::atomic;

/// The records of a run and the files they go to.
#[derive(Debug)]
pub struct Record {
    folder: RunFolder,
    history: Vec<EpochRecord>,
    events: EventWriter,
    steps: StepWriter,
    gradients: StepWriter,
}

impl Record {
    /// Writes the configuration and opens the record after `epochs` whole epochs and `steps` steps. Whatever a later, interrupted part
    /// of the run recorded beyond that is dropped, because it will be recorded again.
    pub fn open(folder: RunFolder, config: &Config, epochs: u64, steps: u64) -> Result<Record> {
        let text = format!(
            "# The configuration of this run. Train again with `wengert train --config FILE`.\n{}",
            config.to_toml()
        );
        let mut history = metrics::read(&folder.metrics())?;
        atomic::write(folder.config(), text)?;
        history.retain(|record| record.event == "epoch" && record.epoch <= epochs);
        metrics::write(&folder.metrics(), &history)?;
        let events = EventWriter::create(folder.path())?;
        let [steps, gradients] =
            [folder.steps(), folder.gradients()].map(|path| StepWriter::open(path, steps));
        Ok(Record { folder, history, events, steps: steps?, gradients: gradients? })
    }

    /// Records a step.
    pub fn add_step(&mut self, record: &StepRecord) -> Result<()> {
        self.steps.add(record)
    }

    /// Records a look at the gradients.
    pub fn add_gradients(&mut self, record: &GradientRecord) -> Result<()> {
        self.gradients.add(record)
    }

    /// The folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Records an epoch with its pictures.
    pub fn add(
        &mut self,
        record: EpochRecord,
        samples: Option<&Picture>,
        pairs: Option<&Picture>,
    ) -> Result<()> {
        self.flush()?;
        metrics::append(&self.folder.metrics(), &record)?;
        self.events.scalars(record.step, &scalars(&record))?;
        if let Some(samples) = samples {
            samples.save(&self.folder.samples(record.epoch))?;
            self.events.image(record.step, "samples", samples)?;
        }
        if let Some(pairs) = pairs {
            pairs.save(&self.folder.reconstructions(record.epoch))?;
            self.events.image(record.step, "reconstructions", pairs)?;
        }
        self.history.push(record);
        Ok(atomic::write(self.folder.chart(), self.chart())?)
    }

    /// Hands what single steps gave to the system.
    pub fn flush(&mut self) -> Result<()> {
        self.steps.flush()?;
        self.gradients.flush()
    }

    fn chart(&self) -> String {
        let line = |name: &str, value: &dyn Fn(&EpochRecord) -> Option<f64>| Series {
            name: name.into(),
            points: self.history.iter().filter_map(|r| Some((r.epoch as f64, value(r)?))).collect(),
        };
        let mut lines = vec![line("train", &|r| Some(r.train_loss)), line("test", &|r| r.test_loss)];
        let terms: Vec<String> =
            self.history.first().map(|r| r.losses.keys().cloned().collect()).unwrap_or_default();
        for term in terms.iter().filter(|name| !name.starts_with("train_")) {
            lines.push(line(term, &|r| r.losses.get(term).copied()));
        }
        lines.retain(|line| !line.points.is_empty());
        line_chart("Loss", "epoch", "mean per image", &lines)
    }
}

/// The numbers of an epoch under TensorBoard's tags: training and test losses of a name share a chart.
fn scalars(record: &EpochRecord) -> Vec<(String, f64)> {
    let mut scalars = vec![("loss/train".to_string(), record.train_loss)];
    scalars.extend(record.test_loss.map(|loss| ("loss/test".to_string(), loss)));
    for (name, value) in &record.losses {
        let tag = name.strip_prefix("train_").map_or(format!("{name}/test"), |name| format!("{name}/train"));
        scalars.push((tag, *value));
    }
    scalars.extend(record.scores.iter().map(|(name, value)| (format!("scores/{name}"), *value)));
    scalars.push(("images_per_second".into(), record.images_per_second));
    scalars
}
