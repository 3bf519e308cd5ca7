//! A session: a thread of its own that trains, does what it is told, and shows how things stand.

use super::fault::Fault;
use super::settings::Rules;
use super::stage::Stage;
use crate::channel::{Sender, Subscriber};
use serde::Deserialize;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::time::{Duration, Instant};
use wengert_tensor::{Device, on_device};

/// From one frame to the next, while steps follow each other.
const PAUSE: Duration = Duration::from_millis(100);

/// Frames that wait for a page at most. The newest holds all there is to see.
const ROOM: usize = 2;

/// Commands that may wait.
const MOST_COMMANDS: usize = 64;

/// How often a session that rests looks whether anybody is there.
const BEAT: Duration = Duration::from_millis(500);

/// Steps that can be asked for at once.
const MOST_STEPS: u64 = 1_000_000;

/// How long a session waits.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// With no page that looks.
    pub alone: Duration,
    /// With no command.
    pub idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { alone: Duration::from_secs(10), idle: Duration::from_secs(20 * 60) }
    }
}

/// What a session can be told.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Steps, until told otherwise.
    Run,
    /// No more steps.
    Pause,
    /// One move of the discriminator.
    StepDiscriminator,
    /// One move of the generator.
    StepGenerator,
    /// So many steps, then a pause.
    Steps {
        /// How many.
        count: u64,
    },
    /// How fast steps follow each other.
    Speed {
        /// At most; `null` for as fast as may be.
        steps_per_second: Option<f64>,
    },
    /// Other rules from now on.
    Change {
        /// All of them.
        rules: Rules,
    },
    /// A frame.
    Show,
    /// Nothing further.
    End,
}

impl Command {
    /// # Errors
    /// When a number is out of its range.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Command::Steps { count } if !(1..=MOST_STEPS).contains(count) => {
                Err(format!("count = {count} must be from 1 to {MOST_STEPS}"))
            }
            Command::Speed { steps_per_second: Some(speed) } if !(0.1..=1000.0).contains(speed) => {
                Err(format!("steps_per_second = {speed} must be from 0.1 to 1000, or null for full speed"))
            }
            Command::Change { rules } => rules.check(),
            _ => Ok(()),
        }
    }
}

/// A session as the routes see it. The thread ends when this is dropped.
#[derive(Debug)]
pub struct Session {
    commands: SyncSender<Command>,
    frames: Subscriber<Arc<str>>,
}

/// Why a command was not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// Too many wait.
    Full,
    /// The session is over.
    Over,
}

impl Session {
    /// Begins a session with what `stage` makes on its thread.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(
        stage: impl FnOnce() -> Result<Stage, String> + Send + 'static,
        patience: Patience,
    ) -> std::io::Result<Session> {
        let (commands, received) = sync_channel(MOST_COMMANDS);
        let sender = Sender::new(ROOM);
        let frames = sender.subscriber();
        let train = move || {
            // Networks this small gain nothing from an accelerator.
            on_device(Device::Cpu, || {
                let Ok(stage) = stage() else { return };
                Trainer::new(stage, received, sender, patience).train();
            });
        };
        std::thread::Builder::new().name("playground".into()).spawn(train)?;
        Ok(Session { commands, frames })
    }

    /// Hands over a command, without waiting for anything.
    pub fn tell(&self, command: Command) -> Result<(), NotTaken> {
        self.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => NotTaken::Full,
            TrySendError::Disconnected(_) => NotTaken::Over,
        })
    }

    /// What makes receivers of its frames.
    pub fn frames(&self) -> &Subscriber<Arc<str>> {
        &self.frames
    }
}

/// The thread's own.
struct Trainer {
    stage: Stage,
    commands: Receiver<Command>,
    frames: Sender<Arc<str>>,
    patience: Patience,
    /// Steps that are still to be done; none in a pause.
    left: Option<u64>,
    interval: Duration,
    next_step: Instant,
    last_frame: Instant,
    last_seen: Instant,
    last_command: Instant,
    fault: Option<String>,
}

impl Trainer {
    fn new(stage: Stage, commands: Receiver<Command>, frames: Sender<Arc<str>>, patience: Patience) -> Self {
        let now = Instant::now();
        Self {
            stage,
            commands,
            frames,
            patience,
            left: None,
            interval: Duration::ZERO,
            next_step: now,
            last_frame: now,
            last_seen: now,
            last_command: now,
            fault: None,
        }
    }

    fn train(mut self) {
        loop {
            match self.next_command() {
                Ok(Some(Command::End)) | Err(()) => return,
                Ok(Some(command)) => self.obey(command),
                Ok(None) if self.is_forsaken() => return,
                Ok(None) => self.step_when_due(),
            }
        }
    }

    /// The next command, waited for until a step is due; an error when nobody can send one any more.
    fn next_command(&self) -> Result<Option<Command>, ()> {
        let wait = match self.left {
            Some(_) => self.next_step.saturating_duration_since(Instant::now()).min(BEAT),
            None => BEAT,
        };
        if wait.is_zero() {
            return match self.commands.try_recv() {
                Ok(command) => Ok(Some(command)),
                Err(TryRecvError::Empty) => Ok(None),
                Err(TryRecvError::Disconnected) => Err(()),
            };
        }
        match self.commands.recv_timeout(wait) {
            Ok(command) => Ok(Some(command)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(()),
        }
    }

    fn obey(&mut self, command: Command) {
        // A page that has come back asks for a frame by itself; only a person tells the other things.
        if command != Command::Show {
            self.last_command = Instant::now();
        }
        match command {
            Command::Run => self.go_on(u64::MAX),
            Command::Steps { count } => self.go_on(count),
            Command::Pause => self.left = None,
            Command::StepDiscriminator => self.attempt(Stage::step_discriminator),
            Command::StepGenerator => self.attempt(Stage::step_generator),
            Command::Speed { steps_per_second } => {
                self.interval =
                    steps_per_second.map_or(Duration::ZERO, |speed| Duration::from_secs_f64(1.0 / speed));
                self.next_step = Instant::now();
                return;
            }
            Command::Change { rules } => {
                self.fault = None;
                self.stage.change(rules);
            }
            Command::Show | Command::End => {}
        }
        self.show();
    }

    fn go_on(&mut self, steps: u64) {
        self.left = Some(steps);
        self.next_step = Instant::now();
    }

    fn step_when_due(&mut self) {
        let now = Instant::now();
        let Some(left) = self.left.filter(|_| now >= self.next_step) else { return };
        self.next_step = now + self.interval;
        self.left = Some(left - 1).filter(|left| *left > 0);
        self.attempt(Stage::step);
        if self.left.is_none() || self.last_frame.elapsed() >= PAUSE {
            self.show();
        }
    }

    fn attempt(&mut self, step: impl FnOnce(&mut Stage) -> Result<(), Fault>) {
        self.fault = step(&mut self.stage).err().map(|fault| fault.to_string());
        if self.fault.is_some() {
            self.left = None;
        }
    }

    fn show(&mut self) {
        self.last_frame = Instant::now();
        if self.frames.receivers() > 0 {
            let mut frame = self.stage.look();
            frame.running = self.left.is_some();
            frame.fault.clone_from(&self.fault);
            self.frames.send(frame.text().into());
        }
    }

    /// Whether no page has looked for a while, or nobody has said anything for long.
    fn is_forsaken(&mut self) -> bool {
        if self.frames.receivers() > 0 {
            self.last_seen = Instant::now();
        }
        self.last_seen.elapsed() > self.patience.alone || self.last_command.elapsed() > self.patience.idle
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Settings;
    use super::*;

    fn start(patience: Patience) -> Session {
        let mut settings = Settings { width: 8, discriminator_width: 8, ..Settings::default() };
        settings.rules.batch = 8;
        Session::start(move || Stage::new(&settings), patience).unwrap()
    }

    fn patience(alone: u64, idle: u64) -> Patience {
        Patience { alone: Duration::from_millis(alone), idle: Duration::from_millis(idle) }
    }

    fn is_over_within(session: &Session, seconds: u64) -> bool {
        let begun = Instant::now();
        while !session.frames().is_closed() && begun.elapsed() < Duration::from_secs(seconds) {
            std::thread::sleep(Duration::from_millis(10));
        }
        session.frames().is_closed()
    }

    #[test]
    fn a_session_that_nobody_looks_at_ends_even_while_it_trains() {
        let session = start(patience(50, 60_000));
        session.tell(Command::Run).unwrap();
        assert!(is_over_within(&session, 10));
        assert_eq!(session.tell(Command::Pause), Err(NotTaken::Over));
    }

    #[test]
    fn a_session_that_is_looked_at_but_told_nothing_ends_later() {
        let session = start(patience(50, 1500));
        let _receiver = session.frames().subscribe();
        assert!(!is_over_within(&session, 1));
        // A page that comes back tells nothing.
        session.tell(Command::Show).unwrap();
        assert!(is_over_within(&session, 10));
    }

    #[test]
    fn a_session_ends_with_its_handle() {
        let session = start(Patience::default());
        session.tell(Command::Run).unwrap();
        let frames = session.frames().clone();
        drop(session);
        let begun = Instant::now();
        while !frames.is_closed() {
            assert!(begun.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn commands_that_pile_up_are_refused() {
        let (release, held) = std::sync::mpsc::channel::<()>();
        // The thread is held up before it reads any command.
        let stage = move || {
            let _ = held.recv();
            Err("no stage".to_owned())
        };
        let session = Session::start(stage, Patience::default()).unwrap();
        (0..MOST_COMMANDS).for_each(|_| session.tell(Command::Run).unwrap());
        assert_eq!(session.tell(Command::Run), Err(NotTaken::Full));
        drop(release);
        assert!(is_over_within(&session, 10));
    }
}
