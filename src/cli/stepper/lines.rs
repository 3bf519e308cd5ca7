//! The stepper without a screen: a command a line in, pages of text out.

use super::Stepper;
use super::command::{Command, parse};
use super::screen::help_page;
use crate::cli::output::print;
use anyhow::{Context, Result, bail};
use std::io::BufRead;

/// Prints all steps, one after the other.
pub fn print_all(mut stepper: Stepper) -> Result<()> {
    let mut text = stepper.introduction();
    for at in 0..stepper.stops.len() {
        stepper.at = at;
        text += &stepper.page().to_text();
    }
    print(&text)
}

/// Follows the commands of `input`; without any, prints all steps. `asked` says that a person types: then each command is
/// asked for, and a wrong one is no error.
pub fn run(mut stepper: Stepper, input: impl BufRead, asked: bool) -> Result<()> {
    let prompt = || if asked { print("> ") } else { Ok(()) };
    if asked {
        print(&format!("{}{}{}> ", stepper.introduction(), help_page().to_text(), stepper.page().to_text()))?;
    }
    let mut first = !asked;
    for (number, line) in input.lines().enumerate() {
        let line = line.context("standard input could not be read as text")?;
        if std::mem::take(&mut first) {
            print(&format!("{}{}", stepper.introduction(), stepper.page().to_text()))?;
        }
        match parse(&line).and_then(|command| stepper.follow(&command).map(|()| command)) {
            Ok(Command::Quit) => return Ok(()),
            Ok(Command::List) => print(&stepper.list_text())?,
            Ok(Command::Help) => print(&help_page().to_text())?,
            Ok(_) => print(&stepper.page().to_text())?,
            Err(message) if asked => print(&format!("{message}\n"))?,
            Err(message) => bail!("line {} of standard input: {message}", number + 1),
        }
        prompt()?;
    }
    match first {
        true => print_all(stepper),
        false => Ok(()),
    }
}
