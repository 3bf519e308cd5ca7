//! The terminal as a screen to draw on, given back as it was however the program ends.

use anyhow::{Context, Result};
use crossterm::cursor::{Hide, Show};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use std::io::stdout;

/// Keys come one by one and unseen, and what was on the terminal comes back when this is dropped.
pub struct Terminal(());

/// Whether the terminal can do more than print lines.
pub fn can_be_drawn_on() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

impl Terminal {
    /// Takes the terminal over.
    pub fn enter() -> Result<Terminal> {
        enable_raw_mode().context("the terminal cannot give keys one by one; pipe commands in instead")?;
        let terminal = Terminal(());
        execute!(stdout(), EnterAlternateScreen, Hide).context(crate::cli::output::STANDARD_OUTPUT)?;
        // The message of a panic would be drawn on the screen that is about to go.
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            report(panic);
        }));
        // Ctrl-C is a key here; this is for a signal from elsewhere. Where another handler is set, that one is in charge.
        let _ = ctrlc::set_handler(|| {
            restore();
            std::process::exit(130);
        });
        Ok(terminal)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// With the terminal gone there is nothing to be restored, nor anybody to be told.
fn restore() {
    let _ = execute!(stdout(), Show, LeaveAlternateScreen);
    let _ = disable_raw_mode();
}
