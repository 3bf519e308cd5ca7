//! What PyTorch computed for the cases, as scripts/goldens.py wrote it down.

use std::path::PathBuf;

use wengert_tensor::Tensor;

use crate::archive::Archive;
use crate::case::Case;
use crate::compare;

/// The folder of the goldens in the repository.
pub fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/goldens"))
}

/// The goldens of one family of cases.
#[derive(Debug)]
pub struct Goldens {
    archive: Result<Archive, String>,
}

/// The golden of one case.
#[derive(Debug)]
pub struct Golden<'a> {
    archive: &'a Archive,
    id: &'a str,
}

const REMEDY: &str = "regenerate with scripts/goldens.py";

impl Goldens {
    /// Reads the file of a family. One that is absent is only missed by a case that asks for it.
    pub fn of_family(family: &str) -> Self {
        Self { archive: Archive::open(folder().join(format!("{family}.safetensors"))) }
    }

    /// The golden of `case`; `None` for a case that PyTorch has no expression for.
    ///
    /// # Errors
    /// When the file does not hold it, or holds one of other inputs or another expression.
    pub fn of<'a>(&'a self, case: &'a Case) -> Result<Option<Golden<'a>>, String> {
        if case.torch.is_none() {
            return Ok(None);
        }
        let archive = self.archive.as_ref().map_err(|error| format!("{error}; {REMEDY}"))?;
        match archive.metadata(&case.id) {
            Some(fingerprint) if fingerprint == case.fingerprint() => {
                Ok(Some(Golden { archive, id: &case.id }))
            }
            Some(_) => Err(format!("the case has changed since its golden was written; {REMEDY}")),
            None => Err(format!("the case has no golden; {REMEDY}")),
        }
    }
}

impl Golden<'_> {
    /// Holds `found` against the part called `part`: `value`, `gradient0`, `second0`, ….
    ///
    /// # Errors
    /// What differs.
    pub fn holds(&self, part: &str, found: &Tensor, tolerance: (f64, f64)) -> Result<(), String> {
        let array = self.archive.get(&format!("{}/{part}", self.id));
        let array = array.ok_or_else(|| format!("the golden has no {part}; {REMEDY}"))?;
        compare::matches(found, &array.shape, &array.elements, tolerance)
            .map_err(|difference| format!("{part} against PyTorch: {difference}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::normal;
    use crate::cases;

    #[test]
    fn refuses_a_golden_of_another_expression_or_other_inputs() {
        let goldens = Goldens::of_family("unary");
        let case = cases::family("unary")
            .into_iter()
            .find(|case| case.torch.is_some())
            .expect("a case of PyTorch's");
        assert!(goldens.of(&case).is_ok());
        let rewritten = case.clone().torch("x0 + 1");
        let fed = case.clone().input(normal([1]));
        let mut renamed = case;
        renamed.id = "unary/unknown".to_owned();
        for changed in [rewritten, fed, renamed] {
            assert!(goldens.of(&changed).unwrap_err().ends_with(REMEDY));
        }
    }
}
