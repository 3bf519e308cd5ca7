//! What the bench and its contenders say to each other: one JSON object a line, questions on the contender's standard
//! input, answers on its standard output. `benches/README.md` describes it for contenders in other languages.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use wengert_tensor::Device;

/// A question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase")]
pub enum Request {
    /// Make a training workload ready, in place of what was loaded before; the answer is [`Loaded`].
    Load {
        workload: String,
        batch: usize,
        #[serde(flatten)]
        place: Place,
        #[serde(flatten)]
        trial: Option<TrialFiles>,
    },
    /// Make a micro workload ready; the answer is [`Loaded`] without losses.
    Micro {
        name: String,
        #[serde(flatten)]
        place: Place,
        /// Calls in one step, whose time is divided by their number: for calls as short as a look at the clock.
        #[serde(default = "once")]
        repeat: usize,
    },
    /// Take steps; the answer is [`Timed`].
    Run { steps: usize },
    /// End; the answer is [`Finished`].
    Finish,
}

/// Where a workload is computed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Threads of the processor; on a GPU they only start its kernels.
    pub threads: usize,
    /// Where tensors live: `cpu` or `cuda:0`.
    #[serde(default, with = "by_name")]
    pub device: Device,
}

/// A device as its name.
mod by_name {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use wengert_tensor::Device;

    pub fn serialize<S: Serializer>(device: &Device, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(device)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Device, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The files of a trial: the contender starts from the state, takes three steps on its noise, writes their gradients and
/// goes back to the state. Without a trial it makes a state of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialFiles {
    /// Initial weights, data and noise, to be read.
    pub state: PathBuf,
    /// `grad.STEP.NAME`, to be written.
    pub gradients: PathBuf,
}

fn once() -> usize {
    1
}

/// A workload is ready.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Loaded {
    /// Losses of the three steps of the trial.
    #[serde(default)]
    pub losses: Vec<f64>,
    /// What the contender could not do as it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Steps were taken.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    /// How long each took, in milliseconds.
    pub ms: Vec<f64>,
    /// The loss of the last; none for micro workloads.
    #[serde(default)]
    pub loss: Option<f64>,
}

/// The contender ends.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// The most memory it has held at a time, where the system tells.
    #[serde(default)]
    pub peak_rss_mb: Option<f64>,
}

/// A contender that cannot do what it was asked; it can be asked something else.
#[derive(Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{error}")]
pub struct Refusal {
    /// Why.
    pub error: String,
}

/// Reads an answer: what was asked for, or a [`Refusal`] as the error.
pub fn parse<T: DeserializeOwned>(line: &str) -> anyhow::Result<T> {
    let value: serde_json::Value = serde_json::from_str(line)?;
    if value.get("error").is_some() {
        return Err(serde_json::from_value::<Refusal>(value)?.into());
    }
    Ok(serde_json::from_value(value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_the_lines_that_the_baselines_read() {
        let line = |request: &Request| serde_json::to_string(request).unwrap();
        assert_eq!(line(&Request::Run { steps: 20 }), r#"{"command":"run","steps":20}"#);
        assert_eq!(line(&Request::Finish), r#"{"command":"finish"}"#);
        let load = r#"{"command":"load","workload":"vae","batch":128,"threads":2,"device":"cuda:1","state":"a","gradients":"b"}"#;
        let request: Request = serde_json::from_str(load).unwrap();
        assert_eq!(line(&request), load);
        let bare = r#"{"command":"load","workload":"vae","batch":128,"threads":2,"device":"cpu"}"#;
        assert_eq!(line(&serde_json::from_str(bare).unwrap()), bare);
        assert!(serde_json::from_str::<Request>(&bare.replace("cpu", "gpu")).is_err());
        let place = Place { threads: 1, device: Device::Cpu };
        let micro: Request =
            serde_json::from_str(r#"{"command":"micro","name":"chain 1000","threads":1}"#).unwrap();
        assert_eq!(micro, Request::Micro { name: "chain 1000".into(), place, repeat: 1 });
    }

    #[test]
    fn answers_may_say_more_or_refuse() {
        let loaded: Loaded = parse(r#"{"losses":[1.5,1.25,1],"gradients":"FILE","more":{}}"#).unwrap();
        assert_eq!(loaded.losses, [1.5, 1.25, 1.0]);
        let timed: Timed = parse(r#"{"ms":[2,1.5],"loss":null}"#).unwrap();
        assert_eq!(timed, Timed { ms: vec![2.0, 1.5], loss: None });
        let refused = parse::<Timed>(r#"{"error":"no such workload"}"#).unwrap_err();
        assert_eq!(refused.downcast_ref::<Refusal>().unwrap().error, "no such workload");
        for garbage in ["", "{}", "[1]", r#"{"ms":"fast"}"#, "Traceback"] {
            assert!(parse::<Timed>(garbage).unwrap_err().downcast_ref::<Refusal>().is_none(), "{garbage}");
        }
    }
}
