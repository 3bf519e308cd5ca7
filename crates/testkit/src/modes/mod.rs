//! The ways in which every case is run.

mod cuda;
mod fused;
mod gradient;
mod layout;
mod second;
mod single;
mod value;

pub use cuda::{cuda, cuda_device, cuda_single};
pub use fused::fused;
pub use gradient::gradient;
pub use layout::layout;
pub use second::second_gradient;
pub use single::single;
pub use value::value;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::case::Case;
use crate::cases;
use crate::golden::Goldens;

/// Runs one case in one way; the error says what is wrong.
pub type Mode = fn(&Case, &Goldens) -> Result<(), String>;

/// Runs every case of a family in one mode.
///
/// # Panics
/// When a case fails; the message lists all that did.
pub fn check(family: &str, mode: Mode) {
    let goldens = Goldens::of_family(family);
    let cases = cases::family(family);
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| Some(format!("  {}: {}", case.id, attempt(|| mode(case, &goldens)).err()?)))
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases of {family} failed:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

/// Runs `body`; a panic becomes an error with its message.
pub fn attempt<T>(body: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("panicked: {}", message.unwrap_or("without a message")))
    })
}
