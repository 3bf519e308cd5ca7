//! What was measured.

use super::agreement::Agreement;
use super::launch::Implementation;
use super::micro::Work;
use super::protocol::Place;
use super::statistics::Summary;
use serde_json::{Value, json};

/// The times of one contender on one workload.
#[derive(Debug, Clone)]
pub struct Measurement {
    pub implementation: Implementation,
    /// Milliseconds a step, over all rounds.
    pub times: Summary,
    pub loss_first: Option<f64>,
    pub loss_last: Option<f64>,
    /// MiB, for workloads with a process of their own.
    pub peak_rss_mb: Option<f64>,
    /// How near it is to this program's losses and gradients.
    pub agreement: Option<Agreement>,
    /// What it could not do as it was asked.
    pub note: Option<String>,
}

impl Measurement {
    /// Times alone.
    pub fn new(implementation: Implementation, times: Summary) -> Self {
        Self {
            implementation,
            times,
            loss_first: None,
            loss_last: None,
            peak_rss_mb: None,
            agreement: None,
            note: None,
        }
    }
}

/// All contenders on one workload; this program comes first.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub workload: String,
    /// Images in a step, for training workloads.
    pub batch: Option<usize>,
    pub place: Place,
    pub work: Work,
    pub measurements: Vec<Measurement>,
    /// The rate that the machine can reach at most, in the unit of the work's rate.
    pub limit: Option<f64>,
    /// Contenders that cannot do this workload, and why.
    pub left_out: Vec<(Implementation, String)>,
}

impl Outcome {
    /// This program's measurement.
    pub fn ours(&self) -> &Measurement {
        &self.measurements[0]
    }

    /// How many times this program's median step another's takes.
    pub fn ratio(&self, other: &Measurement) -> f64 {
        other.times.median / self.ours().times.median
    }

    /// The fastest of the others.
    pub fn fastest_peer(&self) -> Option<&Measurement> {
        self.measurements[1..].iter().min_by(|a, b| a.times.median.total_cmp(&b.times.median))
    }

    /// The share of the machine's limit that a measurement reaches.
    pub fn share_of_limit(&self, measurement: &Measurement) -> Option<f64> {
        let (rate, _) = self.work.rate(measurement.times.median)?;
        self.limit.map(|limit| rate / limit)
    }

    /// One JSON object for each contender.
    pub fn json(&self, precision: &str) -> Vec<Value> {
        let line = |measurement: &Measurement| {
            let Measurement { times, .. } = measurement;
            let rate = self.work.rate(times.median);
            json!({
                "workload": self.workload,
                "impl": measurement.implementation.name(),
                "device": self.place.device.to_string(),
                "threads": self.place.threads,
                "batch": self.batch,
                "dtype": "f32",
                "precision": precision,
                "ms_per_step_median": times.median,
                "ms_per_step_p10": times.p10,
                "ms_per_step_p90": times.p90,
                "images_per_s": self.batch.map(|batch| batch as f64 / times.median * 1e3),
                "loss_first": measurement.loss_first,
                "loss_last": measurement.loss_last,
                "peak_rss_mb": measurement.peak_rss_mb,
                "rate": rate.map(|(rate, _)| rate),
                "rate_unit": rate.map(|(_, unit)| unit),
                "share_of_limit": self.share_of_limit(measurement),
                "ratio": self.ratio(measurement),
            })
        };
        self.measurements.iter().map(line).collect()
    }
}
