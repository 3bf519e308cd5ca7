//! `steps.jsonl` and `gradients.jsonl`: what single steps gave, one JSON object a line.

use crate::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wengert_tensor::io::atomic;

/// How long a line may wait in memory.
const PATIENCE: Duration = Duration::from_millis(500);

/// What one training step gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step, counted from 1 over the whole run.
    pub step: u64,
    /// Training speed in this epoch so far.
    pub images_per_second: f64,
    /// The losses of the batch by name, `total` among them.
    #[serde(flatten)]
    pub losses: BTreeMap<String, f64>,
}

/// The gradients that a step moved the parameters by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GradientRecord {
    /// The step, counted from 1 over the whole run.
    pub step: u64,
    /// The parameters that have had a gradient so far, in the model's order.
    pub parameters: Vec<ParameterRecord>,
}

/// The last gradient of a parameter. Of players that move in turns, some have theirs from an earlier step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterRecord {
    /// Its name in the model.
    pub name: String,
    /// The root of the sum of the gradient's squares.
    pub norm: f64,
    /// The same of the parameter itself.
    pub weight_norm: f64,
    /// The least of the looked-at values of the gradient: the lower end of the histogram.
    pub least: f64,
    /// The greatest of them: the upper end.
    pub greatest: f64,
    /// How many of them lie in each part between the two, which are equally wide.
    pub histogram: Vec<u32>,
}

/// A file of records that grows, and what of it is still in memory.
#[derive(Debug)]
pub struct StepWriter {
    path: PathBuf,
    file: BufWriter<File>,
    flushed: Instant,
}

impl StepWriter {
    /// Opens the file after the step `last`; what it holds beyond that is dropped, because it will be recorded again.
    pub fn open(path: PathBuf, last: u64) -> Result<StepWriter> {
        let text = read_text(&path)?;
        let kept: String = text.split_inclusive('\n').take_while(|line| is_up_to(line, last)).collect();
        if kept.len() < text.len() {
            atomic::write(path.clone(), kept)?;
        }
        let file =
            OpenOptions::new().create(true).append(true).open(&path).map_err(|e| Error::io(&path, e))?;
        Ok(StepWriter { path, file: BufWriter::new(file), flushed: Instant::now() })
    }

    /// Adds a record.
    pub fn add(&mut self, record: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_string(record).expect("a record is plain data");
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(|e| Error::io(&self.path, e))?;
        match self.flushed.elapsed() > PATIENCE {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Hands all records to the system.
    pub fn flush(&mut self) -> Result<()> {
        self.flushed = Instant::now();
        self.file.flush().map_err(|e| Error::io(&self.path, e))
    }
}

/// The records of a file whose step is beyond `after`; none if it does not exist. Lines that are no records, such as a last
/// one without its end, are passed over: nothing but drawings depends on them.
pub fn read<T: DeserializeOwned>(path: &Path, after: u64) -> Result<Vec<T>> {
    let text = read_text(path)?;
    let lines = text.lines().filter(|line| !is_up_to(line, after));
    Ok(lines.filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn read_text(path: &Path) -> Result<String> {
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Error::io(path, error)),
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// Whether a whole line is a record of a step up to `last`: each begins with its step.
fn is_up_to(line: &str, last: u64) -> bool {
    let number = line.strip_prefix("{\"step\":").and_then(|rest| rest.split(',').next()?.parse::<u64>().ok());
    number.is_some_and(|step| step <= last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(step: u64) -> StepRecord {
        let losses = BTreeMap::from([("kl".into(), 0.5), ("total".into(), 1.25)]);
        StepRecord { step, images_per_second: 1e4, losses }
    }

    #[test]
    fn a_resumed_run_records_its_steps_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.jsonl");
        assert_eq!(read::<StepRecord>(&path, 0).unwrap(), []);
        let mut writer = StepWriter::open(path.clone(), 0).unwrap();
        (1..=5).for_each(|step| writer.add(&record(step)).unwrap());
        writer.flush().unwrap();
        assert_eq!(read::<StepRecord>(&path, 3).unwrap(), [record(4), record(5)]);
        // The checkpoint was of step 3, and the process was killed in the midst of a line.
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"step\":6,\"im").unwrap();
        let mut writer = StepWriter::open(path.clone(), 3).unwrap();
        writer.add(&record(4)).unwrap();
        drop(writer);
        let steps: Vec<u64> = read(&path, 0).unwrap().iter().map(|record: &StepRecord| record.step).collect();
        assert_eq!(steps, [1, 2, 3, 4]);
    }

    #[test]
    fn what_is_no_record_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.jsonl");
        let line = serde_json::to_string(&record(1)).unwrap();
        std::fs::write(&path, format!("{line}\nnonsense\n{{\"step\":2}}\n{{\"step\":-1}}\n\u{fffd}{line}"))
            .unwrap();
        assert_eq!(read::<StepRecord>(&path, 0).unwrap(), [record(1)]);
    }
}
