//! `wengert study`.

use super::device::DeviceArgs;
use super::output::print;
use anyhow::{Context, Result};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use wengert_study::{Server, Study};

/// The port that the page has unless another one is asked for.
const PORT: u16 = 8473;

const NOTES: &str = "\
The page is for this machine alone: it listens on 127.0.0.1. Of a run that goes on it shows what is in the folder.

Examples:
  wengert study runs/vae-1                 curves, samples and more of a run
  wengert study runs/vae-1 runs/vae-2      two runs, one over the other
  wengert study --no-open --port 0         print the address only, on any free port";

/// Flags of `wengert study`.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub struct StudyArgs {
    /// Run folders to look at; without one there are the tapes of models and the playground
    runs: Vec<PathBuf>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

/// Flags of the commands that serve a page.
#[derive(Debug, Args)]
pub struct PageArgs {
    /// Port of 127.0.0.1 that the page is served on; 0 for any that is free [default: 8473]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Print the address of the page, and leave the browser alone
    #[arg(long)]
    no_open: bool,
}

/// Serves the page until Ctrl-C.
pub fn run(args: &StudyArgs) -> Result<()> {
    let study = Study::new(&args.runs, args.device.choose()?)?;
    args.page.serve(study, "")
}

impl PageArgs {
    /// Serves a page until Ctrl-C; `place` is what its address ends in.
    pub fn serve(&self, study: Study, place: &str) -> Result<()> {
        // The handler does not wait, so that a second signal finds the first one's message.
        let (stop, stopped) = sync_channel(1);
        ctrlc::set_handler(move || {
            let _ = stop.try_send(());
        })
        .context("the handler of Ctrl-C could not be set")?;
        let server = self.start(study)?;
        let address = format!("http://{}/{place}", server.address());
        print(&format!("{address}\nCtrl-C ends it\n"))?;
        self.open(&address);
        stopped.recv().context("the handler of Ctrl-C is gone")?;
        Ok(())
    }

    /// Whether a flag of these was given.
    pub fn is_given(&self) -> bool {
        self.port.is_some() || self.no_open
    }

    /// Begins to serve a page.
    pub fn start(&self, study: Study) -> Result<Server> {
        Ok(Server::start(Arc::new(study), self.port.unwrap_or(PORT))?)
    }

    /// Opens a browser, unless it is to be left alone.
    pub fn open(&self, address: &str) {
        if !self.no_open {
            open(address);
        }
    }
}

/// Asks the system to show an address in a browser. Where it cannot, the printed address is enough.
fn open(address: &str) {
    let (program, arguments): (_, &[&str]) = match std::env::consts::OS {
        "macos" => ("open", &[]),
        "windows" => ("explorer", &[]),
        // Without a display there is no browser to open; some systems would start one in the terminal.
        _ if ["DISPLAY", "WAYLAND_DISPLAY"].iter().all(|name| std::env::var_os(name).is_none()) => return,
        _ => ("xdg-open", &[]),
    };
    let mut command = Command::new(Path::new(program));
    command.args(arguments).arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Ok(mut child) = command.spawn() {
        // It ends at once; somebody has to take note of that.
        std::thread::spawn(move || child.wait());
    }
}
