//! A code as a file or an address, with the checkpoint whose model it belongs to.

use crate::{Error, Model, Result};
use serde::{Deserialize, Serialize};
use wengert_tensor::{DType, Tensor};

/// Digits of a SHA-256 that name a checkpoint well enough, in an address.
const FEWEST_DIGITS: usize = 16;

/// A code and what it needs to become the same image again.
///
/// As a file it is JSON: `{"checkpoint": SHA-256, "label": null, "code": [0.5, …]}`. As an address it is what follows `?` in
/// the fragment that the latent space view of the page gives itself: `checkpoint=SHA-256&label=3&z=0.5,…`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedCode {
    /// SHA-256 of the checkpoint file, or how it begins.
    pub checkpoint: String,
    /// The class, for a conditional model.
    #[serde(default)]
    pub label: Option<usize>,
    /// The numbers of the code. All are f32; as f64 they pass through JSON unchanged.
    pub code: Vec<f64>,
}

impl SavedCode {
    /// Reads a file's text: JSON, or an address of the page.
    ///
    /// # Errors
    /// When it is neither.
    pub fn read(text: &str) -> Result<SavedCode> {
        let text = text.trim();
        match text.strip_prefix("http").and_then(|address| address.split_once('?')) {
            Some((_, words)) => Self::of_words(words),
            None => serde_json::from_str(text).map_err(|error| {
                let right = r#"{"checkpoint": "SHA-256", "label": null, "code": [0.5, …]}"#;
                Error::setting(format!(
                    "this is no saved code: {error}; it would be {right}, or an address of the page"
                ))
            }),
        }
    }

    fn of_words(words: &str) -> Result<SavedCode> {
        let word = |name: &str| {
            words
                .split('&')
                .find_map(|word| word.split_once('=').filter(|(key, _)| *key == name))
                .map(|(_, value)| value)
        };
        let missing = |name: &str| {
            Error::setting(format!("the address holds no {name}=…; copy it from the page once more"))
        };
        let number = |text: &str| {
            text.parse::<f64>().map_err(|_| {
                Error::setting(format!("the address holds `{text}` where a number of the code was expected"))
            })
        };
        let z = word("z").ok_or_else(|| missing("z"))?;
        let label = word("label").map(|text| {
            text.parse().map_err(|_| {
                Error::setting(format!("the address holds label={text}; it must be the number of a class"))
            })
        });
        Ok(SavedCode {
            checkpoint: word("checkpoint").ok_or_else(|| missing("checkpoint"))?.to_owned(),
            label: label.transpose()?,
            code: z.split(',').map(number).collect::<Result<_>>()?,
        })
    }

    /// An error unless the code was saved with the checkpoint of this SHA-256: under other weights it is another image.
    pub fn check_checkpoint(&self, digest: &str) -> Result<()> {
        let is_named = self.checkpoint.len() >= FEWEST_DIGITS && digest.starts_with(&self.checkpoint);
        match is_named {
            true => Ok(()),
            false => Err(Error::setting(format!(
                "the code was saved with the checkpoint {:.16}…, and this one is {:.16}…; open that one, whose SHA-256 it is",
                self.checkpoint, digest
            ))),
        }
    }

    /// The code, f32 `[1, code size]`, and the label, i64 `[1]`.
    ///
    /// # Errors
    /// Those of [`code`] and [`label`].
    pub fn tensors(&self, model: &dyn Model) -> Result<(Tensor, Option<Tensor>)> {
        Ok((code(model, &self.code)?, label(model, self.label)?))
    }
}

/// Numbers from outside as a code of the model, f32 `[1, code size]`.
///
/// # Errors
/// When the model makes no images, there are more numbers or fewer than its codes have, or one is not finite as f32.
pub fn code(model: &dyn Model, numbers: &[f64]) -> Result<Tensor> {
    let size = model.code_size();
    if size == 0 {
        return Err(Error::setting("the model makes no images of codes"));
    }
    if numbers.len() != size {
        return Err(Error::setting(format!(
            "the code has {} numbers; those of this model have {size}",
            numbers.len()
        )));
    }
    let numbers: Vec<f32> = numbers.iter().map(|&number| number as f32).collect();
    if let Some(place) = numbers.iter().position(|number| !number.is_finite()) {
        return Err(Error::setting(format!("number {place} of the code, counted from 0, is not finite")));
    }
    Ok(Tensor::from_vec(numbers, [1, size]))
}

/// A class from outside as a label, i64 `[1]`: the first where none is given to a conditional model.
///
/// # Errors
/// When the model takes no labels, or knows no such class.
pub fn label(model: &dyn Model, label: Option<usize>) -> Result<Option<Tensor>> {
    match (model.classes(), label) {
        (None, None) => Ok(None),
        (None, Some(label)) => Err(Error::setting(format!("the label is {label}, but the model takes none"))),
        (Some(classes), Some(label)) if label >= classes => Err(Error::setting(format!(
            "the label is {label}; the model knows the classes 0 to {}",
            classes - 1
        ))),
        (Some(_), label) => Ok(Some(Tensor::full([1], label.unwrap_or(0) as f64, DType::I64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_nn::module;

    #[derive(Debug)]
    struct Pair {
        classes: Option<usize>,
    }
    module!(Pair {});

    impl Model for Pair {
        fn image_shape(&self) -> [usize; 3] {
            [1, 1, 1]
        }

        fn code_size(&self) -> usize {
            2
        }

        fn classes(&self) -> Option<usize> {
            self.classes
        }
    }

    const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn files_and_addresses_say_the_same() {
        let saved =
            SavedCode { checkpoint: DIGEST.into(), label: Some(3), code: vec![f64::from(0.1f32), -2.0] };
        let file = serde_json::to_string(&saved).unwrap();
        assert_eq!(SavedCode::read(&file).unwrap(), saved);
        let address = format!("http://127.0.0.1:8473/#latent?run=0&checkpoint={DIGEST}&label=3&z=0.1,-2\n");
        let read = SavedCode::read(&address).unwrap();
        saved.check_checkpoint(DIGEST).unwrap();
        let model = Pair { classes: Some(4) };
        let [of_file, of_address] = [saved, read].map(|saved| saved.tensors(&model).unwrap());
        assert_eq!(of_file.0.to_vec::<f32>(), [0.1, -2.0]);
        assert_eq!(of_address.0.to_vec::<f32>(), [0.1, -2.0]);
        assert_eq!(of_address.1.unwrap().to_vec::<i64>(), [3]);
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let refusal = |text: &str| {
            let read = SavedCode::read(text);
            let checked = read
                .and_then(|saved| saved.check_checkpoint(DIGEST).and(saved.tensors(&Pair { classes: None })));
            checked.unwrap_err().to_string()
        };
        let file = |rest: &str| format!(r#"{{"checkpoint":"{DIGEST}",{rest}}}"#);
        assert!(refusal(&file(r#""code":[1]"#)).contains("1 numbers; those of this model have 2"));
        assert!(refusal(&file(r#""code":[1,NaN]"#)).contains("no saved code"));
        assert!(
            refusal(&file(r#""code":[1,1e39]"#))
                .contains("number 1 of the code, counted from 0, is not finite")
        );
        assert!(refusal(&file(r#""code":[1,2],"label":0"#)).contains("takes none"));
        assert!(
            refusal(r#"{"checkpoint":"ffffffffffffffff","code":[1,2]}"#)
                .contains("saved with the checkpoint")
        );
        assert!(refusal(r#"{"checkpoint":"","code":[1,2]}"#).contains("saved with the checkpoint"));
        assert!(refusal("http://127.0.0.1/#latent?z=1,2").contains("no checkpoint="));
        assert!(
            refusal(&format!("http://127.0.0.1/#latent?checkpoint={DIGEST}&z=1,inf")).contains("not finite")
        );
        assert!(refusal(&format!("http://127.0.0.1/#latent?checkpoint={DIGEST}&z=1,x")).contains("`x`"));
    }
}
