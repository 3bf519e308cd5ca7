//! The table of cases, one file an op family.

use crate::case::Case;

/// Declares the family modules and the list of `(name, cases)` that the modes walk.
macro_rules! families {
    ($($family:ident),* $(,)?) => {
        $(pub mod $family;)*

        /// Every family with its cases, in a fixed order.
        pub fn families() -> Vec<(&'static str, Vec<Case>)> {
            vec![$((stringify!($family), $family::cases())),*]
        }
    };
}

families!(
    unary, binary, compare, select, random, loss, reduce, scan, sort, softmax, norm, view, join, index,
    matmul, conv, pool, resample, recurrent,
);

/// The cases of one family.
///
/// # Panics
/// When there is no such family.
pub fn family(name: &str) -> Vec<Case> {
    let found = families().into_iter().find(|(family, _)| *family == name);
    found.unwrap_or_else(|| panic!("no family of cases is called {name:?}")).1
}
