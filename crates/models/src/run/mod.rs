//! The folder of a run and what lies in it.

mod animation;
mod crc32c;
pub mod events;
pub mod folder;
mod lettering;
pub mod metrics;
mod open;
pub mod picture;
pub mod plot;
mod scatter;
pub mod steps;

pub use animation::{encode_there_and_back, save_there_and_back};
pub use events::EventWriter;
pub use folder::{Claim, Reserved, RunFolder};
pub use metrics::EpochRecord;
pub use open::{Wanted, check_continuation, checkpoint_path, open_checkpoint, run_of, settings_of};
pub use picture::Picture;
pub use plot::{Series, line_chart};
pub use scatter::Scatter;
pub use steps::{GradientRecord, ParameterRecord, StepRecord, StepWriter};
