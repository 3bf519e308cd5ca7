//! What a run tells, as events.

use crate::channel::Batch;
use crate::live::Message;
use serde_json::json;

/// The records of a batch by kind, and how many messages were dropped before them.
pub fn told(batch: &Batch<Message>) -> String {
    let (mut steps, mut gradients, mut epochs) = (Vec::new(), Vec::new(), Vec::new());
    for message in &batch.messages {
        match message {
            Message::Step(record) => steps.push(&**record),
            Message::Gradients(record) => gradients.push(&**record),
            Message::Epoch(record) => epochs.push(&**record),
        }
    }
    json!({ "dropped": batch.dropped, "steps": steps, "gradients": gradients, "epochs": epochs }).to_string()
}
