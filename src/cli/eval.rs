//! `wengert eval`.

use super::device::DeviceArgs;
use super::judged::Judged;
use super::number;
use super::output::print;
use super::progress::Status;
use super::run::{check_count, pool};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;
use wengert_models::metrics::{
    Evaluated, Evaluation, EvaluationEvent, EvaluationOptions, Report, number as figure, quantile,
};
use wengert_models::run::{RunFolder, open_checkpoint, run_of};
use wengert_models::settings::{first_conflict, read_config};
use wengert_models::wording::counted;
use wengert_models::{Checkpoint, Config, Dataset, Training};
use wengert_tensor::io::atomic;

const NOTES: &str = "\
What is measured depends on what the model can do: samples are compared with the test images by a LeNet that is trained
once for each data set and kept in $WENGERT_CACHE, else $XDG_CACHE_HOME/wengert (~/.cache/wengert); FID stands beside the floor that training images
reach in the place of samples. The scores, with the SHA-256 of that LeNet, go to eval.json in the run folder, samples above
the training images nearest to them to neighbours.png.

Negative log-likelihoods are in nats, of test images made black and white: `static` by one draw for all evaluations,
`dynamic` by draws that belong to --seed.

Examples:
  wengert eval runs/vae-1
  wengert eval --judge fashion-mnist         how well that LeNet reads the test images, and what real images score
  wengert eval runs/vae-1 --seeds            the median over runs that differ in their seed alone
  wengert eval runs/vae-1 --annealed 20      also by annealed importance sampling, which takes minutes";

/// Flags of `wengert eval`.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub struct EvalArgs {
    /// Run folder (its checkpoint of the lowest test loss is used, or else its last) or checkpoint file
    #[arg(required_unless_present = "judge")]
    run: Option<PathBuf>,
    /// Measure the judge of a data set instead, and the training images as if they were samples
    #[arg(long, value_name = "NAME", conflicts_with_all = ["run", "seeds"])]
    judge: Option<String>,
    /// Images to draw [default: as many as there are test images, at most 10000]
    #[arg(long, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    samples: Option<usize>,
    /// Importance samples for each image of the likelihood
    #[arg(long, default_value_t = 500, value_name = "K", value_parser = number::count, allow_negative_numbers = true)]
    importance_samples: usize,
    /// Test images, spread over all, whose likelihood is estimated
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    likelihood_images: usize,
    /// Test images whose likelihood is also estimated by annealed importance sampling
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    annealed: usize,
    /// Only what is known of samples within seconds: FID, inception score, classes, labels
    #[arg(long)]
    quick: bool,
    /// Evaluate all runs beside RUN that differ from it in the seed alone; print medians and quartiles
    #[arg(long)]
    seeds: bool,
    /// Folder of the data set [default: where the run found it]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Seed of codes and noise
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = number::whole, allow_negative_numbers = true)]
    seed: u64,
    /// Threads to compute on, 0 for all cores
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    threads: usize,
    #[command(flatten)]
    device: DeviceArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Evaluates a run, all runs that differ from it in the seed, or a judge.
pub fn run(args: &EvalArgs) -> Result<()> {
    check_count("--importance-samples", args.importance_samples)?;
    check_count("--likelihood-images", args.likelihood_images)?;
    args.samples.map_or(Ok(()), |count| check_count("--samples", count))?;
    if args.samples.is_some_and(|count| count < 2) {
        bail!("--samples is 1; a distribution takes at least 2");
    }
    if args.threads > 1024 {
        bail!("--threads is {}; it must be from 0 to 1024", args.threads);
    }
    let mut status = Status::new(!args.json);
    let evaluate = || match (&args.run, &args.judge) {
        (Some(run), _) => args.runs(run, &mut status),
        (None, Some(name)) => args.judge(name, &mut status),
        (None, None) => bail!("which run? `wengert eval runs/vae-1`"),
    };
    pool(args.threads)?.install(|| args.device.run(evaluate))
}

impl EvalArgs {
    fn runs(&self, run: &Path, status: &mut Status) -> Result<()> {
        let runs = if self.seeds { siblings(run)? } else { vec![run.to_owned()] };
        let mut reports = Vec::new();
        let mut judged: Option<Judged> = None;
        for run in &runs {
            let checkpoint = self.open(run)?;
            let mut training = checkpoint.model()?;
            // Runs of several seeds share their data, and so the judge.
            let judged = match &mut judged {
                Some(judged) => judged,
                none => {
                    none.insert(Judged::new(&checkpoint.config, training.model().code_size() > 0, status)?)
                }
            };
            let (found, wanted) = (judged.data.image_set().shape, checkpoint.images.shape);
            if found != wanted {
                bail!(
                    "the data set has images of {found:?} and the model was trained on {wanted:?}; pass --data"
                );
            }
            training.prepare(&Dataset::load(&checkpoint.config)?)?;
            let (found, evaluated) = self.evaluate(run, &checkpoint, training.as_ref(), judged, status)?;
            let Evaluated { report, neighbours } = evaluated;
            // Shown before they are written: a folder that cannot be written to does not take the scores with it.
            let text = Value::Object(found.clone());
            print(&if self.json { format!("{text}\n") } else { table(&found, &report, judged) })?;
            let folder = if run.is_dir() { Some(RunFolder::open(run)?) } else { run_of(run) };
            if let Some(folder) = folder {
                atomic::write(folder.evaluation(), format!("{text:#}\n"))?;
                if let Some(picture) = neighbours {
                    picture.save(&folder.neighbours())?;
                }
            }
            reports.push(report);
        }
        if self.seeds {
            print(&spread(&reports, self.json))?;
        }
        Ok(())
    }

    /// Training images in the place of samples: what a perfect generator would score.
    fn judge(&self, name: &str, status: &mut Status) -> Result<()> {
        let judged = Judged::of(name, self.data.as_deref(), status)?;
        let judge = judged.expect(name)?;
        let report = judge.of_training_images(self.samples.unwrap_or(judge.test_labels().len()));
        let mut found = judged.origin();
        found.insert("data".into(), name.into());
        found.extend(report.to_json());
        print(&if self.json {
            format!("{}\n", Value::Object(found))
        } else {
            format!("{}training images as samples:\n{}", judged.describe(), report.to_table())
        })
    }

    fn open(&self, run: &Path) -> Result<Checkpoint> {
        let mut checkpoint = open_checkpoint(run)?;
        if let Some(folder) = &self.data {
            checkpoint.config.data.directory = folder.to_string_lossy().into_owned();
        }
        Ok(checkpoint)
    }

    /// What is found of a run, and its scores with where they come from, as written to `eval.json`.
    fn evaluate(
        &self,
        run: &Path,
        checkpoint: &Checkpoint,
        training: &dyn Training,
        judged: &Judged,
        status: &mut Status,
    ) -> Result<(Map<String, Value>, Evaluated)> {
        let begun = Instant::now();
        let samples = self.samples.unwrap_or(judged.data.test.dataset().len().min(10_000));
        let options = EvaluationOptions {
            samples,
            importance_samples: self.importance_samples,
            likelihood_images: self.likelihood_images,
            annealed_images: self.annealed,
            seed: self.seed,
            ..EvaluationOptions::default()
        };
        let evaluation =
            Evaluation { training, data: &judged.data, judge: judged.judge.as_ref().ok(), options };
        let evaluated = match self.quick {
            true => Evaluated { report: evaluation.quick(), neighbours: None },
            false => evaluation.run(&mut |event| match event {
                EvaluationEvent::Part(name) => status.part(name),
                EvaluationEvent::Student(progress) => {
                    status.steps("a classifier trained on samples", progress.step, progress.steps);
                }
            })?,
        };
        status.clear();
        let config = &checkpoint.config;
        let mut found = judged.origin();
        let places = json!({
            "run": run.display().to_string(), "model": config.model, "data": config.data.name, "checkpoint": checkpoint.path().display().to_string(),
            "epoch": checkpoint.state.epoch, "step": checkpoint.state.step, "run_seed": config.seed,
            "seed": self.seed, "samples": samples,
        });
        found.extend(places.as_object().cloned().expect("an object was written"));
        found.insert("seconds".into(), begun.elapsed().as_secs_f64().into());
        found.extend(evaluated.report.to_json());
        Ok((found, evaluated))
    }
}

fn table(found: &Map<String, Value>, report: &Report, judged: &Judged) -> String {
    let text = |key: &str| found[key].as_str().unwrap_or_default();
    let number = |key: &str| found[key].as_u64().unwrap_or_default();
    let mut table = format!(
        "{}: {} on {}, after {}; {}\n",
        text("run"),
        text("model"),
        text("data"),
        counted(number("epoch"), "epoch"),
        counted(number("samples"), "sample")
    );
    table.push_str(&judged.describe());
    table.push_str(&report.to_table());
    table
}

/// Medians and quartiles of each score over runs.
fn spread(reports: &[Report], as_json: bool) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in reports.iter().flat_map(Report::iter) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let rows: Vec<(&str, [f64; 3], usize)> = names
        .into_iter()
        .map(|name| {
            let values: Vec<f64> = reports.iter().filter_map(|report| report.get(name)).collect();
            (name, [0.25, 0.5, 0.75].map(|share| quantile(&values, share)), values.len())
        })
        .collect();
    if as_json {
        let scores: Map<String, Value> = rows
            .iter()
            .map(|(name, [low, middle, high], runs)| {
                (name.to_string(), json!({ "median": middle, "quartiles": [low, high], "runs": runs }))
            })
            .collect();
        return format!("{}\n", json!({ "runs": reports.len(), "scores": scores }));
    }
    let width = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    let mut table = format!("{}: median (quartiles)\n", counted(reports.len(), "run"));
    for (name, [low, middle, high], runs) in &rows {
        let of = if *runs < reports.len() { format!(", of {runs} runs") } else { String::new() };
        let _ = writeln!(
            table,
            "  {name:width$}  {} ({} to {}{of})",
            figure(*middle),
            figure(*low),
            figure(*high)
        );
    }
    table
}

/// The runs in the same folder as `run`, itself among them, that differ from it in the seed alone, by their seeds.
fn siblings(run: &Path) -> Result<Vec<PathBuf>> {
    let own = read_config(&RunFolder::open(run)?.config())?;
    let absolute = run.canonicalize().with_context(|| run.display().to_string())?;
    let parent = absolute.parent().context("the run folder is the root of the file system")?;
    let mut found: Vec<(u64, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(parent).with_context(|| parent.display().to_string())?.flatten() {
        // What is not a run, or not one of this version, is no sibling.
        let Ok(config) = RunFolder::open(&entry.path()).and_then(|folder| read_config(&folder.config()))
        else {
            continue;
        };
        let with_own_seed = Config { seed: own.seed, ..config.clone() };
        if with_own_seed.train.epochs == own.train.epochs && first_conflict(&own, &with_own_seed).is_none() {
            found.push((config.seed, entry.path()));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}
