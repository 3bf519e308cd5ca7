//! A data set with the judge of images like its own.

use super::progress::Status;
use anyhow::{Result, anyhow};
use serde_json::{Map, Value};
use std::path::Path;
use wengert_models::metrics::{ClassifierOptions, Judge, cache_folder};
use wengert_models::{Config, Dataset, find};

/// The data set of a run, whole, with its judge.
pub struct Judged {
    /// The data set.
    pub data: Dataset,
    /// The judge, or why there is none.
    pub judge: Result<Judge, String>,
}

impl Judged {
    /// The data that a configuration names; without a judge where no images are to be judged.
    pub fn new(config: &Config, judges: bool, status: &mut Status) -> Result<Judged> {
        let mut config = config.clone();
        (config.data.limit, config.data.test_limit) = (0, 0);
        let data = Dataset::load(&config)?;
        if !judges {
            return Ok(Judged { data, judge: Err("the model makes no images of codes".into()) });
        }
        let folder = cache_folder()?;
        let part = format!("training the judge of {} (once)", config.data.name);
        let judge = Judge::new(&data, &ClassifierOptions::default(), &folder, &mut |progress| {
            status.steps(&part, progress.step, progress.steps);
        });
        let judge = match judge {
            Err(wengert_models::Error::Setting(reason)) => Err(reason),
            other => Ok(other?),
        };
        Ok(Judged { data, judge })
    }

    /// A data set by its name, in its usual folder or another.
    pub fn of(name: &str, folder: Option<&Path>, status: &mut Status) -> Result<Judged> {
        let mut config = Config::defaults(find("vae")?);
        config.data.name = name.to_owned();
        if let Some(folder) = folder {
            config.data.directory = folder.to_string_lossy().into_owned();
        }
        let judged = Judged::new(&config, true, status)?;
        status.clear();
        Ok(judged)
    }

    /// The judge of the data set of this name.
    pub fn expect(&self, name: &str) -> Result<&Judge> {
        self.judge.as_ref().map_err(|reason| anyhow!("{name} has no judge: {reason}"))
    }

    /// What every score must be read beside.
    pub fn origin(&self) -> Map<String, Value> {
        let mut origin = Map::new();
        origin.insert("wengert".into(), env!("CARGO_PKG_VERSION").into());
        if let Ok(judge) = &self.judge {
            origin.insert("classifier".into(), judge.digest().into());
            origin.insert("classifier_accuracy".into(), judge.accuracy().into());
        }
        origin
    }

    /// One line for people.
    pub fn describe(&self) -> String {
        match &self.judge {
            Ok(judge) => format!(
                "judge: LeNet {}…, which reads {:.2} % of the test images\n",
                &judge.digest()[..12],
                100.0 * judge.accuracy()
            ),
            Err(reason) => format!("no judge: {reason}\n"),
        }
    }
}
