//! `wengert train`.

use super::judged::Judged;
use super::output::print;
use super::progress::{Mode, Progress, Status};
use super::run::{or_undo, pool};
use super::study::PageArgs;
use super::{device, number, precision};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wengert_models::event::Outcome;
use wengert_models::run::{
    Reserved, RunFolder, Wanted, check_continuation, checkpoint_path, run_of, settings_of,
};
use wengert_models::settings::{Settings, read_toml};
use wengert_models::wording::{counted, quoted};
use wengert_models::{Checkpoint, Config, Dataset, Trainer, find};
use wengert_study::{Live, Server, Study};
use wengert_tensor::{default_device, on_device};

/// The exit code of a program that Ctrl-C ended, as shells know it.
const INTERRUPTED: u8 = 130;

const NOTES: &str = "\
Settings come from the model's defaults, then the file of --config, then --set and the other flags. Every key stands in
the config.toml of any run, and `--set` takes each of them, such as `--set data.limit=1000`.

Examples:
  wengert train vae --epochs 3 --seed 1
  wengert train vae --latent 2 --set vae.hidden=200 --out runs/plane
  wengert train vae --data fashion-mnist
  wengert train dcgan --eval-every 1         also the FID of samples after each epoch
  wengert train --resume runs/vae-1 --epochs 20

Ctrl-C saves a checkpoint first; --resume then goes on in the middle of the epoch, to the very bytes of a run that was
never stopped.";

/// Flags of `wengert train`.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub struct TrainArgs {
    /// Model to train (see `wengert models`); may be left out with --resume or --config
    model: Option<String>,
    /// Data set by name (see `wengert data list`), or the folder that holds the data set
    #[arg(long, value_name = "NAME|DIR")]
    data: Option<String>,
    /// Passes over the training images, counted from the start of the run [default: 10]
    #[arg(long, value_name = "N", value_parser = number::whole, allow_negative_numbers = true)]
    epochs: Option<u64>,
    /// Stop after so many steps, counted from the start of the run; 0 for no limit
    #[arg(long, value_name = "N", value_parser = number::whole, allow_negative_numbers = true)]
    steps: Option<u64>,
    /// Images in a step [default: 128]
    #[arg(long, value_name = "N", value_parser = number::whole, allow_negative_numbers = true)]
    batch: Option<u64>,
    /// Learning rate of the optimiser [default: the model's]
    #[arg(long, visible_alias = "lr", value_name = "RATE", value_parser = number::finite, allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// Numbers in a code, of models with a setting `latent` [default: the model's]
    #[arg(long, value_name = "N", value_parser = number::whole, allow_negative_numbers = true)]
    latent: Option<u64>,
    /// Weight of the KL term, of models with a setting `beta` [default: the model's]
    #[arg(long, value_name = "WEIGHT", value_parser = number::finite, allow_negative_numbers = true)]
    beta: Option<f64>,
    /// Seed of weights, data order and noise [default: 0]
    #[arg(long, value_name = "N", value_parser = number::whole, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Threads to compute on, 0 for all cores; the result is the same for any number [default: 0]
    #[arg(long, value_name = "N", value_parser = number::whole, allow_negative_numbers = true)]
    threads: Option<u64>,
    /// Arithmetic of matrix products and convolutions: f32, or bf16 parts on processors with AMX [default: f32]
    #[arg(long, value_name = "NAME", value_parser = precision::NAMES)]
    precision: Option<String>,
    /// Where to compute: cpu, cuda, cuda:1, …; or auto, a GPU where one computes what the processor does
    /// [default: auto]
    #[arg(long, value_name = "NAME", value_parser = device::parser())]
    device: Option<String>,
    /// Run each step by itself; a CUDA device otherwise replays it as one graph, with the same results
    #[arg(long)]
    eager: bool,
    /// Judge samples after every N-th epoch: FID, inception score, classes (see `wengert eval`)
    #[arg(long, value_name = "N", value_parser = number::whole, allow_negative_numbers = true)]
    eval_every: Option<u64>,
    /// Run folder [default: the first free runs/MODEL-N]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace the run in --out, if there is one
    #[arg(long, conflicts_with = "resume")]
    force: bool,
    /// Go on with a run: its folder or a checkpoint [default: the folder of --out]
    #[arg(long, value_name = "RUN", num_args = 0..=1)]
    resume: Option<Option<PathBuf>>,
    /// Read settings from a TOML file, such as the config.toml of a run
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set any setting by its dotted key
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Serve a page that shows the run while it goes on (see `wengert study`)
    #[arg(long)]
    study: bool,
    #[command(flatten)]
    page: PageArgs,
    /// Print nothing but errors
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
    /// Print one JSON object for each event
    #[arg(long)]
    json: bool,
}

/// Trains.
pub fn run(args: &TrainArgs) -> Result<ExitCode> {
    if args.eval_every == Some(0) {
        bail!("--eval-every is 0; it must be at least 1");
    }
    if args.page.is_given() && !args.study {
        bail!("--port and --no-open are of the page that --study serves; pass --study too");
    }
    let from = args.resume_from()?;
    // Claimed before its checkpoint is read: whoever trains there may be about to write the next one.
    let going_on =
        from.as_deref().and_then(|path| args.run_to_go_on(path)).map(RunFolder::reopen).transpose()?;
    let checkpoint = from.map(|path| Checkpoint::load(&path)).transpose()?;
    let config = args.resolve(checkpoint.as_ref())?;
    // What can be wrong is looked at before the first file is written.
    let device = device::choose(config.device()?)?;
    let data = Dataset::load(&config)?;
    let mut reserved = match going_on {
        Some(reserved) => reserved,
        None => args.new_folder(&config, checkpoint.as_ref())?,
    };
    let folder = reserved.folder().clone();

    precision::choose(config.precision()?);
    let train = || {
        let mut trainer = match &checkpoint {
            Some(checkpoint) => Trainer::resume(checkpoint, config.clone(), data, folder)?,
            None => Trainer::start(config.clone(), data, folder)?,
        };
        if args.eager {
            trainer.run_eagerly();
        }
        args.let_judge(&mut trainer, &config)?;
        args.drive(trainer, &config, &mut reserved)
    };
    let ended = pool(config.train.threads).and_then(|pool| pool.install(|| on_device(device, train)));
    or_undo(ended, &mut reserved)
}

impl TrainArgs {
    /// Gives the run the judge that --eval-every asks for.
    fn let_judge(&self, trainer: &mut Trainer, config: &Config) -> Result<()> {
        let Some(every) = self.eval_every else { return Ok(()) };
        if trainer.model().code_size() == 0 {
            bail!(
                "--eval-every: the model `{}` makes no images of codes, so none can be judged",
                config.model
            );
        }
        let mut status = Status::new(self.mode() == Mode::Human);
        let judged = Judged::new(config, true, &mut status)?;
        status.clear();
        trainer.judge_samples(judged.judge.map_err(|reason| anyhow!("--eval-every: {reason}"))?, every);
        Ok(())
    }

    fn drive(&self, mut trainer: Trainer, config: &Config, reserved: &mut Reserved) -> Result<ExitCode> {
        let stop = Arc::new(AtomicBool::new(false));
        let from_signal = stop.clone();
        ctrlc::set_handler(move || {
            // A second signal means that the user does not want to wait for the checkpoint.
            if from_signal.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(INTERRUPTED));
            }
        })
        .context("the handler of Ctrl-C could not be set")?;

        let page = self.study.then(|| self.watch(&trainer)).transpose()?;
        reserved.begin()?;
        let before = trainer.state().step;
        let mut progress = Progress::new(self.mode());
        let result = trainer.run(
            &mut |event| {
                if let Some((live, _)) = &page {
                    live.tell(event);
                }
                if !progress.show(event) {
                    stop.store(true, Ordering::Relaxed);
                }
            },
            &stop,
        );
        let shown = progress.finish();
        if let Some((live, server)) = page {
            live.end();
            drop(server);
        }
        let outcome = result?;
        shown?;
        if self.mode() == Mode::Human {
            print(&self.farewell(&trainer, config, outcome, trainer.state().step == before))?;
        }
        Ok(match outcome {
            Outcome::Interrupted => ExitCode::from(INTERRUPTED),
            Outcome::Finished | Outcome::StepLimit => ExitCode::SUCCESS,
        })
    }

    /// Serves a page that shows the run.
    fn watch(&self, trainer: &Trainer) -> Result<(Live, Server)> {
        let live = Live::default();
        let folder = trainer.folder().path().to_owned();
        let study = Study::new(&[folder], default_device())?.watching(&live);
        let server = self.page.start(study)?;
        let address = format!("http://{}/", server.address());
        match self.mode() {
            Mode::Human => print(&format!("page: {address}\n"))?,
            Mode::Json => print(&format!("{}\n", json!({ "event": "page", "address": address })))?,
            Mode::Quiet => {}
        }
        self.page.open(&address);
        Ok((live, server))
    }

    fn mode(&self) -> Mode {
        match (self.quiet, self.json) {
            (true, _) => Mode::Quiet,
            (_, true) => Mode::Json,
            _ => Mode::Human,
        }
    }

    fn farewell(&self, trainer: &Trainer, config: &Config, outcome: Outcome, idle: bool) -> String {
        let folder = quoted(trainer.folder().path());
        let state = trainer.state();
        let taken = counted(state.step, "step");
        match outcome {
            Outcome::Finished if idle => {
                let epochs = counted(config.train.epochs, "epoch");
                format!("nothing to do: the run has its {epochs}; raise --epochs to go on\n")
            }
            Outcome::StepLimit if idle => format!(
                "nothing to do: the run has taken {taken} and its limit is {}; raise --steps, or pass --steps 0\n",
                config.train.steps
            ),
            Outcome::Finished => {
                let best = match state.best_loss.is_finite() {
                    true => format!("best test loss {:.2}\n", state.best_loss),
                    // Players against each other have no best loss.
                    false => String::new(),
                };
                format!("{best}more: {}\n", next_commands(trainer))
            }
            Outcome::StepLimit => {
                format!("stopped after {taken}; go on: wengert train --resume {folder} --steps 0\n")
            }
            Outcome::Interrupted => {
                format!("stopped after {taken}; go on: wengert train --resume {folder}\n")
            }
        }
    }

    /// The checkpoint to go on from, where --resume asks for it.
    fn resume_from(&self) -> Result<Option<PathBuf>> {
        let Some(run) = &self.resume else { return Ok(None) };
        match run.as_ref().or(self.out.as_ref()) {
            Some(run) => Ok(Some(checkpoint_path(run, Wanted::Last)?)),
            None => bail!("--resume needs the folder of the run: --resume runs/vae-1"),
        }
    }

    /// The configuration out of all layers, checked.
    fn resolve(&self, checkpoint: Option<&Checkpoint>) -> Result<Config> {
        let file = self.config.as_deref().map(|path| Ok((path, read_toml(path)?))).transpose();
        let file = file.map_err(|error: wengert_models::Error| error)?;
        let in_file = file.as_ref().and_then(|(_, table)| table.get("model")?.as_str());
        let in_checkpoint = checkpoint.map(|checkpoint| checkpoint.config.model.as_str());
        let Some(name) = self.model.as_deref().or(in_file).or(in_checkpoint) else {
            bail!("which model? `wengert train vae`; `wengert models` lists them all");
        };
        let entry = find(name)?;
        let mut settings = Settings::new(entry);
        if let Some(checkpoint) = checkpoint {
            if checkpoint.config.model != entry.name {
                let (path, found) = (checkpoint.path().display(), &checkpoint.config.model);
                bail!("{path} is a checkpoint of the model `{found}`, and cannot go on as `{}`", entry.name);
            }
            settings = settings_of(checkpoint)?;
        }
        if let Some((path, table)) = file {
            settings.apply_table(table, path)?;
        }
        self.apply_flags(&mut settings, entry.name)?;
        let config = settings.resolve()?;
        if let Some(checkpoint) = checkpoint {
            check_continuation(checkpoint, &config)?;
        }
        Ok(config)
    }

    fn apply_flags(&self, settings: &mut Settings, model: &str) -> Result<()> {
        for assignment in &self.set {
            let Some((key, value)) = assignment.split_once('=') else {
                bail!("--set takes KEY=VALUE, found `{assignment}`; for example --set train.batch=64");
            };
            settings.set(key.trim(), value.trim(), "--set")?;
        }
        if let Some(data) = &self.data {
            settings.set_data(data, "--data")?;
        }
        let numbers = [
            ("--epochs", "train.epochs".to_string(), self.epochs.map(|n| n.to_string())),
            ("--steps", "train.steps".into(), self.steps.map(|n| n.to_string())),
            ("--batch", "train.batch".into(), self.batch.map(|n| n.to_string())),
            ("--threads", "train.threads".into(), self.threads.map(|n| n.to_string())),
            ("--precision", "train.precision".into(), self.precision.clone()),
            ("--device", "train.device".into(), self.device.clone()),
            ("--seed", "seed".into(), self.seed.map(|n| n.to_string())),
            (
                "--learning-rate",
                format!("{model}.learning_rate"),
                self.learning_rate.map(|x| format!("{x:?}")),
            ),
            ("--latent", format!("{model}.latent"), self.latent.map(|n| n.to_string())),
            ("--beta", format!("{model}.beta"), self.beta.map(|x| format!("{x:?}"))),
        ];
        for (flag, key, value) in numbers {
            if let Some(value) = value {
                settings.set(&key, &value, flag)?;
            }
        }
        Ok(())
    }

    /// The run that goes on in its own folder from this checkpoint of its own.
    fn run_to_go_on(&self, checkpoint: &Path) -> Option<RunFolder> {
        let run = run_of(checkpoint).filter(|run| run.config().is_file())?;
        self.out.as_ref().is_none_or(|out| same_folder(out, run.path())).then_some(run)
    }

    /// The folder of a run that does not go on in its own: the one of --out, or the next free one.
    fn new_folder(&self, config: &Config, checkpoint: Option<&Checkpoint>) -> Result<Reserved> {
        let Some(out) = &self.out else {
            return Ok(RunFolder::create_next(Path::new("runs"), &config.model)?);
        };
        let reserved = RunFolder::create(out, self.force && checkpoint.is_none())?;
        let earlier = checkpoint.and_then(|checkpoint| run_of(checkpoint.path()));
        if let Some(run) = earlier.filter(|run| run.config().is_file()) {
            reserved.folder().copy_history(&run)?;
        }
        Ok(reserved)
    }
}

/// What can be done with a finished run.
fn next_commands(trainer: &Trainer) -> String {
    let folder = trainer.folder();
    let path = quoted(folder.path());
    let mut commands = Vec::new();
    if trainer.model().code_size() > 0 {
        commands.push(format!("wengert sample {path} --out samples.png"));
    }
    if folder.reconstructions(trainer.state().epoch).is_file() {
        commands.push(format!("wengert reconstruct {path}"));
    }
    commands.join("; ")
}

fn same_folder(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
