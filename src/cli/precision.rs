//! The flag `--precision`: how f32 matrices are multiplied.

use wengert_tensor::{Precision, set_precision};

/// The names that the flag takes.
pub const NAMES: [&str; 3] = [Precision::F32.name(), Precision::Bf16x6.name(), Precision::Bf16x3.name()];

/// The precision of a name that the flag has let through.
pub fn parse(name: &str) -> Precision {
    let found = Precision::ALL.into_iter().find(|precision| precision.name() == name);
    found.expect("clap lets no other name through")
}

/// Multiplies in `wanted` from now on, or in f32 where the processor cannot, and says so; returns what is in use.
pub fn choose(wanted: Precision) -> Precision {
    match set_precision(wanted) {
        Ok(()) => wanted,
        Err(reason) => {
            eprintln!("note: precision {}: {reason}; products are computed in f32", wanted.name());
            Precision::F32
        }
    }
}
