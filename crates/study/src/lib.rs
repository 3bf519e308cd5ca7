//! The local page: `wengert study` serves it, and so does a training run that is asked to.
//!
//! - [`Server`]: binds 127.0.0.1, bounds what a client can take, and stops cleanly.
//! - `guard`: which requests are answered at all, and the headers of each answer.
//! - `assets`: the page itself, in the program; no path of a request ever reaches the file system.
//! - [`Study`]: what is looked at: the folders of runs, and a run that goes on meanwhile, told of by [`Live`].
//! - [`channel`]: how live data reach a page without ever holding up what sends them.
//! - `views`: the list of views. A view is a module with a function `routes` and a module of the page,
//!   `assets/js/views/NAME.js`.

mod answer;
mod assets;
pub mod channel;
mod error;
mod guard;
mod latent;
mod live;
mod playground;
mod server;
mod stream;
mod study;
mod tape;
mod training;
mod views;

pub use error::{Error, Result};
pub use live::Live;
pub use server::Server;
pub use study::Study;
