//! The one error type of the crate.

use crate::scope;
use std::path::{Path, PathBuf};

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, in which op, and where in the model it happened.
///
/// `scope` is the path of the layer that was running, such as `encoder.fc1`, and empty outside layers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Shapes that an op cannot take.
    #[error("{op}{}: {detail}", at(scope))]
    Shape {
        /// Name of the op.
        op: &'static str,
        /// What was found and what would be right.
        detail: String,
        /// Layer path.
        scope: String,
    },
    /// An element type that an op cannot take.
    #[error("{op}{}: {detail}", at(scope))]
    DType {
        /// Name of the op.
        op: &'static str,
        /// What was found and what would be right.
        detail: String,
        /// Layer path.
        scope: String,
    },
    /// An attribute out of its range.
    #[error("{op}{}: {detail}", at(scope))]
    Argument {
        /// Name of the op.
        op: &'static str,
        /// What was found and what would be right.
        detail: String,
        /// Layer path.
        scope: String,
    },
    /// An index outside the axis it points into.
    #[error("{op}{}: {detail}", at(scope))]
    Index {
        /// Name of the op.
        op: &'static str,
        /// What was found and what would be right.
        detail: String,
        /// Layer path.
        scope: String,
    },
    /// Operands that lie where the op cannot have them.
    #[error("{op}{}: {detail}", at(scope))]
    Device {
        /// Name of the op.
        op: &'static str,
        /// What was found and what would be right.
        detail: String,
        /// Layer path.
        scope: String,
    },
    /// A device that cannot do what was asked of it.
    #[error(transparent)]
    Cuda(#[from] wengert_cuda::Error),
    /// Differentiation reached an op that has no gradient.
    #[error("{op}{}: this op has no gradient; detach its input if none should flow through it", at(scope))]
    NoGradient {
        /// Name of the op.
        op: &'static str,
        /// Layer path.
        scope: String,
    },
    /// A call of the differentiation interface that cannot be answered.
    #[error("{0}")]
    Autograd(String),
    /// A method refused what it was given, inside of [`attempt`](crate::attempt()).
    #[error("{0}")]
    Refused(String),
    /// A tensor changed between the forward pass that saved it and the backward pass that needs it.
    #[error(
        "{tensor} was saved for the backward pass of {saved_by} and has been changed since by {changed_by}; \
         run backward before the change, or recompute the forward pass after it"
    )]
    ModifiedAfterSave {
        /// Name or shape of the tensor.
        tensor: String,
        /// Op, layer and source line that saved it.
        saved_by: String,
        /// Source line of the in-place change.
        changed_by: String,
    },
    /// A file whose contents are not what they should be.
    #[error("{}: {detail}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was found and what would be right.
        detail: String,
    },
    /// The operating system refused to read or write.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's own reason.
        source: std::io::Error,
    },
}

fn at(scope: &str) -> String {
    if scope.is_empty() { String::new() } else { format!(" in {scope}") }
}

impl Error {
    /// Shapes that `op` cannot take.
    pub fn shape(op: &'static str, detail: impl Into<String>) -> Self {
        Self::Shape { op, detail: detail.into(), scope: scope::path() }
    }

    /// An element type that `op` cannot take.
    pub fn dtype(op: &'static str, detail: impl Into<String>) -> Self {
        Self::DType { op, detail: detail.into(), scope: scope::path() }
    }

    /// An attribute of `op` out of its range.
    pub fn argument(op: &'static str, detail: impl Into<String>) -> Self {
        Self::Argument { op, detail: detail.into(), scope: scope::path() }
    }

    /// An index of `op` outside its axis.
    pub fn index(op: &'static str, detail: impl Into<String>) -> Self {
        Self::Index { op, detail: detail.into(), scope: scope::path() }
    }

    /// Operands of `op` that lie where it cannot have them.
    pub fn device(op: &'static str, detail: impl Into<String>) -> Self {
        Self::Device { op, detail: detail.into(), scope: scope::path() }
    }

    /// The same error under the name of the op that was asked for, where that is made of the one that failed.
    pub(crate) fn of(mut self, asked_for: &'static str) -> Self {
        if let Self::Shape { op, .. }
        | Self::DType { op, .. }
        | Self::Argument { op, .. }
        | Self::Index { op, .. }
        | Self::Device { op, .. } = &mut self
        {
            *op = asked_for;
        }
        self
    }

    /// `op` has no gradient.
    pub fn no_gradient(op: &'static str) -> Self {
        Self::NoGradient { op, scope: scope::path() }
    }

    /// A call of the differentiation interface that cannot be answered.
    pub fn autograd(detail: impl Into<String>) -> Self {
        Self::Autograd(detail.into())
    }

    /// A file with the wrong contents.
    pub fn file(path: impl AsRef<Path>, detail: impl Into<String>) -> Self {
        Self::File { path: path.as_ref().to_owned(), detail: detail.into() }
    }

    /// A failed system call on a file.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { path: path.as_ref().to_owned(), source }
    }
}
