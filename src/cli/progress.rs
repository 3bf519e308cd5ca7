//! Training drawn on a terminal, told in plain lines, or written as JSON lines.

use super::output::{STANDARD_OUTPUT, write};
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::{Duration, Instant};
use wengert_models::event::Event;
use wengert_models::run::EpochRecord;
use wengert_models::wording::{counted, plural};
use wengert_tensor::Device;

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Errors only.
    Quiet,
    /// One JSON object for each event, on standard output.
    Json,
    /// For people: a line an epoch on standard output, and a bar on standard error where that is a terminal.
    Human,
}

/// What a person without a progress bar sees between two epochs: a line at most this often.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// Shows the events of a run.
pub struct Progress {
    mode: Mode,
    bar: Option<ProgressBar>,
    epochs: u64,
    last_line: Instant,
    /// The first failure to write to standard output; the run is stopped by it.
    failure: Option<std::io::Error>,
}

impl Progress {
    /// Shows a run in the given way.
    pub fn new(mode: Mode) -> Progress {
        Progress { mode, bar: None, epochs: 0, last_line: Instant::now(), failure: None }
    }

    /// Shows an event; returns false once nobody reads standard output, and the run should stop.
    pub fn show(&mut self, event: &Event) -> bool {
        let written = match self.mode {
            Mode::Quiet => Ok(()),
            Mode::Json => json_line(event).map_or(Ok(()), |line| write_line(&line)),
            Mode::Human => self.human(event),
        };
        if let Err(error) = written {
            self.failure.get_or_insert(error);
        }
        self.failure.is_none()
    }

    /// Removes the bar, and reports a failed write.
    pub fn finish(mut self) -> Result<()> {
        self.clear_bar();
        self.failure.map_or(Ok(()), |error| Err(error).context(STANDARD_OUTPUT))
    }

    fn human(&mut self, event: &Event) -> std::io::Result<()> {
        match event {
            Event::Started(start) => {
                self.epochs = start.epochs;
                let mut line = format!(
                    "{}: {} parameters, {} in {} an epoch, {}",
                    start.model,
                    thousands(start.parameters as u64),
                    many(start.train_images as u64, "training image"),
                    counted(start.steps_per_epoch, "step"),
                    many(start.test_images as u64, "test image"),
                );
                if start.device != Device::Cpu {
                    let _ = write!(line, "\ndevice: {}", start.device);
                }
                let _ = write!(line, "\nrun folder: {}", start.folder.display());
                if start.step > 0 {
                    let _ = write!(line, "\ngoing on after step {} (epoch {})", start.step, start.epoch + 1);
                }
                write_line(&line)
            }
            Event::Step { epoch, batch, batches, loss, record } => {
                if draws_bars() {
                    let epochs = self.epochs;
                    let bar = self.bar.get_or_insert_with(|| new_bar(*epoch, epochs, *batches, *batch));
                    bar.set_position(*batch);
                    bar.set_message(format!(
                        "loss {}  {} images/s",
                        number(*loss),
                        thousands(record.images_per_second as u64)
                    ));
                    return Ok(());
                }
                if self.last_line.elapsed() < PLAIN_INTERVAL {
                    return Ok(());
                }
                self.last_line = Instant::now();
                let speed = thousands(record.images_per_second as u64);
                write_line(&format!(
                    "epoch {epoch}  step {batch}/{batches}  loss {}  {speed} images/s",
                    number(*loss)
                ))
            }
            Event::Epoch(record) => {
                self.clear_bar();
                self.last_line = Instant::now();
                write_line(&epoch_line(record, self.epochs))
            }
            Event::Alarm(alarm) => write_line(&wrapped("  look out: ", &alarm.message)),
            Event::Gradients(_) | Event::Saved { .. } => Ok(()),
        }
    }

    fn clear_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// Text in lines of at most 80 columns, the first behind a heading and the others below its end: terminals break lines in
/// the middle of a word.
fn wrapped(heading: &str, text: &str) -> String {
    let mut lines = heading.to_owned();
    let mut column = heading.len();
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 && column + 1 + word.len() > 80 {
            let _ = write!(lines, "\n{:1$}", "", heading.len());
            column = heading.len();
        } else if index > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += word.len();
    }
    lines
}

/// What a command of several parts is doing, for whoever waits: a bar where standard error is a terminal.
pub struct Status {
    shown: bool,
    bar: Option<ProgressBar>,
}

impl Status {
    /// Shows nothing where it is not asked to, or nobody looks.
    pub fn new(wanted: bool) -> Status {
        Status { shown: wanted && draws_bars(), bar: None }
    }

    /// The next part begins.
    pub fn part(&mut self, name: &str) {
        self.steps(name, 0, 0);
    }

    /// A part has taken some of its steps.
    pub fn steps(&mut self, name: &str, step: u64, steps: u64) {
        if !self.shown {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let template = "{msg} {bar:30.cyan/dim} {pos}/{len}  ETA {eta}";
            let style = ProgressStyle::with_template(template).expect("the template is constant");
            ProgressBar::new(steps).with_style(style.progress_chars("━╸─"))
        });
        if bar.message() != name {
            bar.set_message(name.to_owned());
            bar.reset_eta();
        }
        bar.set_length(steps);
        bar.set_position(step);
    }

    /// Removes the bar.
    pub fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// Whether standard error is a terminal that can move its cursor; a dumb one gets plain lines.
fn draws_bars() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|name| name != "dumb")
}

fn new_bar(epoch: u64, epochs: u64, batches: u64, batch: u64) -> ProgressBar {
    let template = "{prefix} {bar:30.cyan/dim} {pos}/{len}  {msg}  ETA {eta}";
    let style =
        ProgressStyle::with_template(template).expect("the template is constant").progress_chars("━╸─");
    let bar = ProgressBar::new(batches).with_position(batch).with_style(style);
    bar.reset_eta();
    bar.with_prefix(format!("epoch {epoch}/{epochs}"))
}

fn epoch_line(record: &EpochRecord, epochs: u64) -> String {
    let mut line = format!("epoch {}/{epochs}  train {}", record.epoch, number(record.train_loss));
    if let Some(loss) = record.test_loss {
        let _ = write!(line, "  test {}", number(loss));
    }
    for (name, value) in record.losses.iter().filter(|(name, _)| !name.starts_with("train_")) {
        let _ = write!(line, "  {name} {}", number(*value));
    }
    for name in ["fid", "fid_floor", "inception_score", "smallest_class", "label_accuracy"] {
        if let Some(value) = record.scores.get(name) {
            let _ = write!(line, "  {name} {}", number(*value));
        }
    }
    let speed = thousands(record.images_per_second as u64);
    let _ = write!(line, "  {speed} images/s  {:.1} s", record.seconds);
    line
}

fn json_line(event: &Event) -> Option<String> {
    let value = match event {
        Event::Started(start) => json!({
            "event": "start", "model": start.model, "folder": start.folder.display().to_string(), "epochs": start.epochs,
            "steps_per_epoch": start.steps_per_epoch, "train_images": start.train_images,
            "test_images": start.test_images, "parameters": start.parameters, "epoch": start.epoch,
            "step": start.step, "device": start.device.to_string(),
        }),
        // A step is far too short for a line of its own; the epoch tells the mean.
        Event::Step { .. } | Event::Gradients(_) => return None,
        Event::Epoch(record) => json!(record),
        Event::Alarm(alarm) => json!({ "event": "alarm", "message": alarm.message }),
        Event::Saved { path, best, step } => {
            json!({ "event": "saved", "path": path.display().to_string(), "best": best, "step": step })
        }
    };
    Some(value.to_string())
}

fn write_line(line: &str) -> std::io::Result<()> {
    write(&format!("{line}\n"))
}

/// A loss with four digits that count, or two behind the point: those of games are near 1, those of pixels near 100.
fn number(value: f64) -> String {
    if value.abs() < 10.0 { format!("{value:.3}") } else { format!("{value:.2}") }
}

/// A large count with its noun.
fn many(count: u64, noun: &str) -> String {
    format!("{} {}", thousands(count), plural(count, noun))
}

/// 1234567 as `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{thousands, wrapped};

    #[test]
    fn lines_break_between_words() {
        let [first, second] = ["a".repeat(60), "b".repeat(14)];
        assert_eq!(
            wrapped("note: ", &format!("{first} {second} c")),
            format!("note: {first}\n      {second} c")
        );
        assert_eq!(wrapped("note: ", "short"), "note: short");
    }

    #[test]
    fn digits_are_grouped() {
        assert_eq!([0, 999, 1000, 1234567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
