//! Sizes as a caller writes them, where −1 has a meaning.

use crate::Shape;
use smallvec::SmallVec;
use std::fmt;

/// Sizes of axes in which −1 leaves one open: "whatever is left" for a reshape, "as it is" for an expand.
///
/// Anything that lists integers converts: `[2, -1]`, `&[2usize, 3][..]`, a `Vec`, a [`Shape`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes(pub(super) SmallVec<[isize; 6]>);

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.as_slice())
    }
}

macro_rules! sizes_from {
    ($($integer:ty),*) => {$(
        impl From<&[$integer]> for Sizes {
            fn from(sizes: &[$integer]) -> Self {
                // A size that does not fit stays one that no tensor has, and is met with an error later.
                Sizes(sizes.iter().map(|&size| isize::try_from(size).unwrap_or(isize::MAX)).collect())
            }
        }
        impl<const N: usize> From<[$integer; N]> for Sizes {
            fn from(sizes: [$integer; N]) -> Self {
                Sizes::from(&sizes[..])
            }
        }
        impl<const N: usize> From<&[$integer; N]> for Sizes {
            fn from(sizes: &[$integer; N]) -> Self {
                Sizes::from(&sizes[..])
            }
        }
        impl From<Vec<$integer>> for Sizes {
            fn from(sizes: Vec<$integer>) -> Self {
                Sizes::from(&sizes[..])
            }
        }
        impl From<&Vec<$integer>> for Sizes {
            fn from(sizes: &Vec<$integer>) -> Self {
                Sizes::from(&sizes[..])
            }
        }
    )*};
}
// i32 too: it is what a literal such as `[2, -1]` becomes when nothing else decides.
sizes_from!(isize, usize, i32, i64);

impl From<&Shape> for Sizes {
    fn from(shape: &Shape) -> Self {
        Sizes::from(&shape[..])
    }
}
impl From<Shape> for Sizes {
    fn from(shape: Shape) -> Self {
        Sizes::from(&shape[..])
    }
}
impl From<()> for Sizes {
    fn from((): ()) -> Self {
        Sizes(SmallVec::new())
    }
}
