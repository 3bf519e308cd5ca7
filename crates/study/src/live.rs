//! A run that goes on while it is looked at.

use crate::channel::{Sender, Subscriber};
use std::sync::Arc;
use std::time::Duration;
use wengert_models::event::Event;
use wengert_models::run::{EpochRecord, GradientRecord, StepRecord};

/// Messages that wait for a page at most. One that stalls for longer fills the gap from the folder of the run.
const ROOM: usize = 512;

/// How long the last messages may take to leave.
const FAREWELL: Duration = Duration::from_millis(300);

/// Where a training run tells its events, for pages to see. It never waits for them.
#[derive(Debug)]
pub struct Live {
    sender: Sender<Message>,
}

/// What a page hears of.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    Step(Arc<StepRecord>),
    Gradients(Arc<GradientRecord>),
    Epoch(Arc<EpochRecord>),
}

impl Default for Live {
    fn default() -> Self {
        Self { sender: Sender::new(ROOM) }
    }
}

impl Live {
    /// Tells an event to the pages that are open.
    pub fn tell(&self, event: &Event) {
        if self.sender.receivers() == 0 {
            return;
        }
        match event {
            Event::Step { record, .. } => self.sender.send(Message::Step(Arc::new((*record).clone()))),
            Event::Gradients(record) => self.sender.send(Message::Gradients(Arc::new((*record).clone()))),
            Event::Epoch(record) => self.sender.send(Message::Epoch(Arc::new((*record).clone()))),
            Event::Started(_) | Event::Alarm(_) | Event::Saved { .. } => {}
        }
    }

    /// Tells the pages that the run is over, and gives them a moment to hear it.
    pub fn end(self) {
        let heard = self.sender.receivers() > 0;
        drop(self);
        if heard {
            std::thread::sleep(FAREWELL);
        }
    }

    pub(crate) fn subscriber(&self) -> Subscriber<Message> {
        self.sender.subscriber()
    }
}
