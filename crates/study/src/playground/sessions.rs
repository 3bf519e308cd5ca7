//! The sessions that go on, by number.

use super::session::{Patience, Session};
use super::stage::Stage;
use crate::answer::Refusal;
use axum::http::StatusCode;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Sessions at a time.
const MOST_SESSIONS: usize = 4;

/// Sessions by number.
#[derive(Debug, Default)]
pub struct Sessions {
    /// How many there have been, and those that are there.
    kept: Mutex<(u64, Numbered)>,
}

type Numbered = VecDeque<(u64, Arc<Session>)>;

impl Sessions {
    /// Begins a session and gives its number. Where there are too many, the oldest that no page looks at ends.
    pub fn start(
        &self,
        stage: impl FnOnce() -> Result<Stage, String> + Send + 'static,
        patience: Patience,
    ) -> Result<u64, Refusal> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, sessions) = &mut *kept;
        sessions.retain(|(_, session)| !session.frames().is_closed());
        if sessions.len() >= MOST_SESSIONS {
            let Some(alone) = sessions.iter().position(|(_, session)| session.frames().receivers() == 0)
            else {
                let message =
                    format!("{MOST_SESSIONS} playgrounds are open; close one of the pages and try again");
                return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message));
            };
            sessions.remove(alone);
        }
        let session = Session::start(stage, patience).map_err(Refusal::broken)?;
        *count += 1;
        sessions.push_back((*count, Arc::new(session)));
        Ok(*count)
    }

    /// The session of a number, where it goes on.
    pub fn find(&self, number: &str) -> Result<Arc<Session>, Refusal> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = number.parse::<u64>().ok();
        kept.1
            .iter()
            .find(|(kept, session)| Some(*kept) == wanted && !session.frames().is_closed())
            .map(|(_, session)| session.clone())
            .ok_or_else(|| {
                Refusal::missing(format!("there is no session {number}, or it is over; reset begins one"))
            })
    }
}
