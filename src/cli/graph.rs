//! `wengert graph`.

use super::fresh::FreshArgs;
use super::output::print;
use super::stepper;
use anyhow::{Result, bail};
use clap::Args;
use wengert_models::Losses;
use wengert_models::suggest::did_you_mean;
use wengert_tensor::inspect::{Graph, History};
use wengert_tensor::{Generator, Tensor, attempt};

const NOTES: &str = "\
Examples:
  wengert graph vae                            the list of ops as text
  wengert graph vae --dot | dot -Tsvg > vae.svg
  wengert graph vae --step                     walk it, forward and backward, on the screen
  wengert graph dcgan --step --collapse        layer by layer
  wengert graph wgan-gp --second --step        the gradient of a gradient
  echo b | wengert graph vae --step            commands from a file, a line each; h lists them
  wengert graph vae --step < /dev/null         all steps as text";

/// Flags of `wengert graph`.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub struct GraphArgs {
    #[command(flatten)]
    fresh: FreshArgs,
    /// Write the graph in Graphviz's language
    #[arg(long, conflicts_with_all = ["json", "step"])]
    dot: bool,
    /// Write the graph as JSON
    #[arg(long, conflicts_with = "step")]
    json: bool,
    /// Run forward and backward and step through it: formulas, values, cotangents, and why each step is next
    #[arg(long)]
    step: bool,
    /// Step layer by layer
    #[arg(long, requires = "step")]
    collapse: bool,
    /// The list of one term of the loss, such as kl or discriminator
    #[arg(long, value_name = "TERM", default_value = Losses::TOTAL)]
    loss: String,
    /// The list of the term that holds a gradient, as the penalty of wgan-gp does: walking it differentiates again
    #[arg(long, conflicts_with = "loss")]
    second: bool,
}

/// Records the loss of one batch and prints its list, or walks it.
pub fn run(args: &GraphArgs) -> Result<()> {
    let (training, batch) = args.fresh.build()?;
    let mut name = String::new();
    let loss = || -> Result<Tensor> {
        let losses = attempt(|| training.losses(&batch, &Generator::new(0)))??;
        let (chosen, loss) = args.choose(&losses)?;
        name = chosen.to_owned();
        Ok(loss)
    };
    if args.step {
        let history = History::record(loss)?;
        let title = format!("{name} loss of {}", args.fresh.model);
        return stepper::run(history, title, args.collapse);
    }
    let graph = Graph::of(&{ loss }()?);
    if args.dot {
        print(&graph.to_dot())
    } else if args.json {
        print(&format!("{:#}\n", graph.to_json()))
    } else {
        print(&format!("{}\n", graph.to_text().trim_end()))
    }
}

impl GraphArgs {
    /// The loss whose list is wanted, by its name.
    fn choose<'a>(&self, losses: &'a Losses) -> Result<(&'a str, Tensor)> {
        if self.second {
            let Some((name, loss)) = losses.of_gradient() else {
                bail!(
                    "no loss of `{}` holds a gradient; --second is for models with a penalty on one, such as wgan-gp, \
                     wgan-div and dragan",
                    self.fresh.model
                );
            };
            return Ok((name, loss.clone()));
        }
        match losses.named().find(|(name, _)| *name == self.loss) {
            Some((name, loss)) => Ok((name, loss.clone())),
            None => {
                let names: Vec<&str> = losses.named().map(|(name, _)| name).collect();
                let hint = did_you_mean(&self.loss, names.iter().copied());
                bail!(
                    "--loss is `{}`; the losses of {} are {}{hint}",
                    self.loss,
                    self.fresh.model,
                    names.join(", ")
                );
            }
        }
    }
}
