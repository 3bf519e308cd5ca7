//! The one error type of the crate.

use wengert_tensor::Spec;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong with layers, optimisers or their saved state.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A saved state does not belong to this model or optimiser.
    #[error("the saved state does not fit: {}", describe(missing, unexpected, mismatched))]
    State {
        /// Names that the model has and the saved state lacks.
        missing: Vec<String>,
        /// Names that the saved state has and the model lacks.
        unexpected: Vec<String>,
        /// Names on both sides whose tensors differ.
        mismatched: Vec<Mismatched>,
    },
    /// A saved number that cannot be right.
    #[error("the saved state does not fit: {name} is {found}; {expected}")]
    Value {
        /// Name in the saved state.
        name: String,
        /// What it holds.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// A tensor refused what was asked of it.
    #[error(transparent)]
    Tensor(#[from] wengert_tensor::Error),
}

/// A tensor of a saved state that has another shape or element type than the one it should fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatched {
    /// Its name.
    pub name: String,
    /// What the saved state holds.
    pub found: Spec,
    /// What the model needs.
    pub expected: Spec,
}

/// Most names that a message lists of each kind: a wrong file would fill the screen otherwise.
const LISTED: usize = 6;

fn describe(missing: &[String], unexpected: &[String], mismatched: &[Mismatched]) -> String {
    let wrong: Vec<String> = mismatched
        .iter()
        .map(|Mismatched { name, found, expected }| {
            format!("{name} (needs {expected}, the file has {found})")
        })
        .collect();
    [("missing", missing), ("unexpected", unexpected), ("of another shape or type", &wrong)]
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(kind, names)| format!("{kind}: {}", list(names)))
        .collect::<Vec<_>>()
        .join("; ")
}

fn list(names: &[String]) -> String {
    let mut text = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        text += &format!(" and {} more", names.len() - LISTED);
    }
    text
}
