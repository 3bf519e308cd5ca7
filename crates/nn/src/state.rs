//! State dictionaries: tensors by name, as checkpoints hold them.

use crate::error::{Error, Mismatched, Result};
use std::collections::{BTreeMap, BTreeSet};
use wengert_tensor::{DType, GeneratorState, Spec, Tensor};

/// Tensors by name, sorted: what a safetensors file holds.
pub type StateDict = BTreeMap<String, Tensor>;

/// Names that only one side has when a state is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Names that the model has and the saved state lacks.
    pub missing: Vec<String>,
    /// Names that the saved state has and the model lacks.
    pub unexpected: Vec<String>,
}

/// The state with `prefix` before every name, so that several states fit one file.
pub fn prefix(state: StateDict, prefix: &str) -> StateDict {
    state.into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor)).collect()
}

/// The entries of `state` whose names start with `prefix`, without it.
pub fn strip_prefix(state: &StateDict, prefix: &str) -> StateDict {
    state
        .range(prefix.to_owned()..)
        .map_while(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone())))
        .collect()
}

/// The position of a generator as a tensor: seed, stream and offset, the 64 bits of each as an i64.
pub fn generator_to_tensor(state: GeneratorState) -> Tensor {
    let GeneratorState { seed, stream, offset } = state;
    Tensor::from_slice(&[seed, stream, offset].map(u64::cast_signed), 3)
}

/// The position that [`generator_to_tensor`] stored; `None` where the tensor is not an i64 one of shape \[3\].
pub fn generator_from_tensor(tensor: &Tensor) -> Option<GeneratorState> {
    if tensor.spec() != generator_spec() {
        return None;
    }
    let words: [i64; 3] = tensor.to_vec().try_into().ok()?;
    let [seed, stream, offset] = words.map(i64::cast_unsigned);
    Some(GeneratorState { seed, stream, offset })
}

/// What [`generator_to_tensor`] makes.
pub(crate) fn generator_spec() -> Spec {
    Spec::new(3, DType::I64)
}

/// Reads a state dictionary to the last entry, noting all that does not fit before anything is changed.
pub(crate) struct Reader<'a> {
    state: &'a StateDict,
    read: BTreeSet<String>,
    missing: Vec<String>,
    mismatched: Vec<Mismatched>,
    wrong_value: Option<Error>,
}

impl<'a> Reader<'a> {
    pub fn new(state: &'a StateDict) -> Self {
        Self { state, read: BTreeSet::new(), missing: Vec::new(), mismatched: Vec::new(), wrong_value: None }
    }

    /// The tensor of this name, where it is there and is what is expected.
    pub fn take(&mut self, name: String, expected: Spec) -> Option<Tensor> {
        let Some(tensor) = self.state.get(&name) else {
            self.missing.push(name);
            return None;
        };
        let found = tensor.spec();
        self.read.insert(name.clone());
        if found != expected {
            self.mismatched.push(Mismatched { name, found, expected });
            return None;
        }
        Some(tensor.clone())
    }

    /// An f64 scalar; 0 where there is none, which [`finish`](Reader::finish) reports.
    pub fn float(&mut self, name: String) -> f64 {
        self.take(name, Spec::new((), DType::F64)).map_or(0.0, |tensor| tensor.item())
    }

    /// An i64 scalar that counts something; 0 where there is none, which [`finish`](Reader::finish) reports.
    pub fn count(&mut self, name: String) -> u64 {
        let Some(tensor) = self.take(name.clone(), Spec::new((), DType::I64)) else { return 0 };
        let count = tensor.to_vec::<i64>()[0];
        u64::try_from(count).unwrap_or_else(|_| {
            let (found, expected) = (count.to_string(), "a count is not negative".to_owned());
            self.wrong_value = Some(Error::Value { name, found, expected });
            0
        })
    }

    /// What only one side has.
    pub fn difference(&self) -> Difference {
        let unexpected = self.state.keys().filter(|name| !self.read.contains(*name)).cloned().collect();
        Difference { missing: self.missing.clone(), unexpected }
    }

    /// Fails unless all that was asked for was there and fitted, and nothing else.
    pub fn finish(self) -> Result<()> {
        let Difference { missing, unexpected } = self.difference();
        if !(missing.is_empty() && unexpected.is_empty() && self.mismatched.is_empty()) {
            return Err(Error::State { missing, unexpected, mismatched: self.mismatched });
        }
        self.wrong_value.map_or(Ok(()), Err)
    }

    /// As [`finish`](Reader::finish), but names on one side only are returned.
    pub fn finish_loosely(self) -> Result<Difference> {
        let difference = self.difference();
        if !self.mismatched.is_empty() {
            let Difference { missing, unexpected } = difference;
            return Err(Error::State { missing, unexpected, mismatched: self.mismatched });
        }
        self.wrong_value.map_or(Ok(difference), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_come_and_go() {
        let one =
            StateDict::from([("a".to_owned(), Tensor::scalar(1f32)), ("b".to_owned(), Tensor::scalar(2f32))]);
        let mut file = prefix(one, "model.");
        file.extend(prefix(StateDict::from([("a".to_owned(), Tensor::scalar(3f32))]), "model2."));
        let back = strip_prefix(&file, "model.");
        assert_eq!(back.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(back["b"].item(), 2.0);
        assert!(strip_prefix(&file, "other.").is_empty());
    }

    #[test]
    fn a_reader_reports_everything_at_once() {
        let state = StateDict::from([
            ("a".to_owned(), Tensor::scalar(1f32)),
            ("steps".to_owned(), Tensor::scalar(-1i64)),
            ("stray".to_owned(), Tensor::scalar(1f32)),
        ]);
        let mut reader = Reader::new(&state);
        assert!(reader.take("a".to_owned(), Spec::new(2, DType::F32)).is_none());
        assert!(reader.take("b".to_owned(), Spec::new(2, DType::F32)).is_none());
        assert_eq!(reader.count("steps".to_owned()), 0);
        let error = reader.finish().unwrap_err().to_string();
        for part in ["missing: b", "unexpected: stray", "a (needs f32[2], the file has f32[])"] {
            assert!(error.contains(part), "'{part}' is not in '{error}'");
        }
        let only_steps = StateDict::from([("steps".to_owned(), Tensor::scalar(-1i64))]);
        let mut reader = Reader::new(&only_steps);
        reader.count("steps".to_owned());
        assert!(reader.finish().unwrap_err().to_string().contains("steps is -1"));
    }
}
