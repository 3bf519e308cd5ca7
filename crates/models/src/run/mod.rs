//! The folder of a run and what lies in it.

mod crc32c;
pub mod events;
pub mod folder;
pub mod metrics;
pub mod picture;
pub mod plot;

pub use events::EventWriter;
pub use folder::{Claim, RunFolder};
pub use metrics::EpochRecord;
pub use picture::Picture;
pub use plot::{Series, line_chart};
