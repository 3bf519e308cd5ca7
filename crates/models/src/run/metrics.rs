//! `metrics.jsonl`: one JSON object for each epoch.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use wengert_tensor::io::atomic;

/// What one epoch gave. Losses are means per image, in nats where the likelihood is a probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// `epoch` for a whole epoch; `stopped` where a limit or a signal ended the run within one.
    pub event: String,
    /// The epoch, counted from 1.
    pub epoch: u64,
    /// Training steps taken in all.
    pub step: u64,
    /// Mean training loss over the epoch's images, each at the step that saw it.
    pub train_loss: f64,
    /// Mean loss over the test images; absent for a model without one.
    pub test_loss: Option<f64>,
    /// The terms by name, such as `reconstruction` and `kl`: over the test images, and `train_…` over the epoch.
    #[serde(flatten)]
    pub losses: BTreeMap<String, f64>,
    /// What a judge says of samples, where the run asked for it after this epoch.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scores: BTreeMap<String, f64>,
    /// SHA-256 of the weights of that judge, without which no score can be compared with another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<String>,
    /// Training speed, without evaluation.
    pub images_per_second: f64,
    /// Wall-clock time of the epoch with its evaluation, in seconds.
    pub seconds: f64,
}

/// The records of a file; none if it does not exist. A last line without its end, left by a full disk or a kill, is
/// not counted.
pub fn read(path: &Path) -> Result<Vec<EpochRecord>> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|e| Error::io(path, e))?,
    };
    let text = String::from_utf8_lossy(&bytes);
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| {
                Error::file(path, format!("line {} is not the record of an epoch ({error}); remove the file to go on without its records", index + 1))
            })
        })
        .collect()
}

/// Replaces the file by the given records.
pub fn write(path: &Path, records: &[EpochRecord]) -> Result<()> {
    let text: String = records.iter().map(line).collect();
    Ok(atomic::write(path, text)?)
}

/// Adds one record at the end.
pub fn append(path: &Path, record: &EpochRecord) -> Result<()> {
    let mut file =
        std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(|e| Error::io(path, e))?;
    file.write_all(line(record).as_bytes()).map_err(|e| Error::io(path, e))
}

fn line(record: &EpochRecord) -> String {
    let mut line = serde_json::to_string(record).expect("a record is plain data");
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(epoch: u64) -> EpochRecord {
        EpochRecord {
            event: "epoch".into(),
            epoch,
            step: 469 * epoch,
            train_loss: 120.5,
            test_loss: Some(110.25),
            losses: BTreeMap::from([("kl".into(), 25.0), ("reconstruction".into(), 85.25)]),
            scores: BTreeMap::from([("fid".into(), 3.5)]),
            judge: Some("5f70bf18".into()),
            images_per_second: 1e4,
            seconds: 6.5,
        }
    }

    #[test]
    fn records_survive_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        assert_eq!(read(&path).unwrap(), []);
        append(&path, &record(1)).unwrap();
        append(&path, &record(2)).unwrap();
        assert_eq!(read(&path).unwrap(), [record(1), record(2)]);
        write(&path, &[record(1)]).unwrap();
        assert_eq!(read(&path).unwrap(), [record(1)]);
        std::fs::write(&path, format!("{}{{\"ev", line(&record(1)))).unwrap();
        assert_eq!(read(&path).unwrap(), [record(1)]);
        std::fs::write(&path, "{\"event\":1}\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("line 1"));
    }
}
