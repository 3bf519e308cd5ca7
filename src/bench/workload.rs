//! All workloads, and how they are chosen by name.

use super::micro::{self, Micro};
use super::training::{ENTRIES, Entry};
use anyhow::{Result, bail};
use wengert_models::suggest::did_you_mean;
use wengert_tensor::Device;

/// Something to be timed.
#[derive(Debug, Clone)]
pub enum Workload {
    /// A training step.
    Training(&'static Entry),
    /// From the start of the process to the end of the first step of `vae`.
    Startup,
    /// A single op.
    Micro(Micro),
}

impl Workload {
    /// The name on the command line and in records.
    pub fn name(&self) -> &str {
        match self {
            Self::Training(entry) => entry.name,
            Self::Startup => "startup",
            Self::Micro(micro) => &micro.name,
        }
    }

    /// The name of several workloads that can be asked for together.
    fn group(&self) -> &'static str {
        match self {
            Self::Training(_) => "training",
            Self::Startup => "startup",
            Self::Micro(_) => "micro",
        }
    }

    /// One line for `--list`.
    pub fn description(&self) -> String {
        match self {
            Self::Training(entry) => entry.description.to_string(),
            Self::Startup => "from the start of the process to the end of the first step of vae".to_string(),
            Self::Micro(micro) => micro.work.to_string(),
        }
    }

    /// Whether there is such a thing on a device: the limits are those of the processor.
    pub fn runs_on(&self, device: Device) -> bool {
        device == Device::Cpu || !matches!(self, Self::Micro(micro) if micro.is_limit())
    }

    /// Whether `wanted` asks for it: by its name, by the first words of it, or by its group.
    fn answers_to(&self, wanted: &str) -> bool {
        let rest = self.name().strip_prefix(wanted);
        self.group() == wanted || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    }
}

/// Every workload there is.
pub fn all() -> Vec<Workload> {
    let training = ENTRIES.iter().map(Workload::Training);
    training.chain([Workload::Startup]).chain(micro::all().into_iter().map(Workload::Micro)).collect()
}

/// The workloads that are asked for, each once; all of them where none is.
///
/// # Errors
/// When a name is not known.
pub fn select(wanted: &[String]) -> Result<Vec<Workload>> {
    let all = all();
    if let Some(unknown) =
        wanted.iter().find(|wanted| !all.iter().any(|workload| workload.answers_to(wanted)))
    {
        let names = short_names(&all);
        let hint = did_you_mean(unknown, all.iter().map(Workload::name).chain(names.iter().copied()));
        bail!(
            "there is no workload `{unknown}`{hint} (workloads: {}; `wengert bench --list` lists them all)",
            names.join(", ")
        );
    }
    let asked_for =
        |workload: &Workload| wanted.is_empty() || wanted.iter().any(|wanted| workload.answers_to(wanted));
    Ok(all.into_iter().filter(asked_for).collect())
}

/// The first words of all names, each once.
fn short_names(workloads: &[Workload]) -> Vec<&str> {
    let mut names: Vec<&str> =
        workloads.iter().filter_map(|workload| workload.name().split(' ').next()).collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn names(wanted: &[&str]) -> Vec<String> {
        let wanted: Vec<String> = wanted.iter().map(|name| name.to_string()).collect();
        select(&wanted).unwrap().iter().map(|workload| workload.name().to_string()).collect()
    }

    #[test]
    fn workloads_are_chosen_by_name_first_words_or_group() {
        assert_eq!(names(&["vae", "mlp", "vae"]), ["mlp", "vae"]);
        assert_eq!(names(&["training"]).len(), 6);
        assert_eq!(names(&["elementwise add"]), ["elementwise add 64K", "elementwise add 16M"]);
        assert!(names(&["conv"]).iter().all(|name| name.starts_with("conv ")));
        assert_eq!(names(&[]).len(), all().len());
        let error = select(&["dcgna".to_string()]).unwrap_err().to_string();
        assert!(error.contains("did you mean `dcgan`") && error.contains("mlp, vae, gan"), "{error}");
    }

    #[test]
    fn a_gpu_has_all_but_the_limits_of_the_processor() {
        let missing: Vec<_> =
            all().into_iter().filter(|workload| !workload.runs_on(Device::Cuda(0))).collect();
        // That of tiles is there where the processor has them.
        assert!((3..=4).contains(&missing.len()), "{missing:?}");
        assert!(missing.iter().all(|workload| workload.name().starts_with("limit ")));
    }

    #[test]
    fn every_name_stands_for_one_workload() {
        let names = names(&[]);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}
