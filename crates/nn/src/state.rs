//! State dictionaries: tensors by name, as checkpoints hold them.

use crate::error::{Error, Result};
use std::collections::BTreeMap;
use wengert_tensor::{DType, Generator, GeneratorState, Tensor};

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

/// A generator's position as three i64 numbers: seed, stream and offset, bit for bit.
pub(crate) fn generator_to_tensor(generator: &Generator) -> Tensor {
    let GeneratorState { seed, stream, offset } = generator.state();
    Tensor::from_slice(&[seed, stream, offset].map(u64::cast_signed), 3)
}

pub(crate) fn generator_from_tensor(generator: &Generator, name: &str, tensor: &Tensor) -> Result<()> {
    if tensor.dtype() != DType::I64 || tensor.dims() != [3] {
        return Err(Error::Value {
            name: name.to_owned(),
            found: tensor.spec().to_string(),
            expected: "the position of a random generator is i64[3]".to_owned(),
        });
    }
    let numbers: Vec<u64> = tensor.to_vec::<i64>().into_iter().map(i64::cast_unsigned).collect();
    generator.set_state(GeneratorState { seed: numbers[0], stream: numbers[1], offset: numbers[2] });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_come_and_go() {
        let one = StateDict::from([("a".to_owned(), Tensor::scalar(1f32)), ("b".to_owned(), Tensor::scalar(2f32))]);
        let mut file = prefix(one, "model.");
        file.extend(prefix(StateDict::from([("a".to_owned(), Tensor::scalar(3f32))]), "model2."));
        let back = strip_prefix(&file, "model.");
        assert_eq!(back.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(back["b"].item(), 2.0);
        assert!(strip_prefix(&file, "other.").is_empty());
    }
}
