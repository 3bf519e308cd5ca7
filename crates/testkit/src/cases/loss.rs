//! Cases of the loss ops.

use crate::case::*;

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    vec![]
}
