//! Whether a run fits into memory, before it asks for more than there is: many a system grants all that is asked and
//! kills the process later, without a word.

use crate::registry::ImageSet;
use crate::wording::counted;
use crate::{Error, Result, Training};
use std::cell::Cell;
use std::rc::Rc;
use wengert_data::{Batch, Position};
use wengert_tensor::inspect::observe;
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// A weight, its gradient, and two moments of an optimiser.
const COPIES_OF_WEIGHTS: usize = 4;

/// Values that the tape keeps, and their gradients, of which at least half are free again before the last is made.
const COPIES_OF_VALUES: f64 = 1.5;

/// An error if training on batches of `size` images surely needs more memory than is available.
///
/// The values of one image are measured by running the model on it, in evaluation mode, and scaled to the batch.
pub fn check(training: &dyn Training, images: &ImageSet, size: usize) -> Result<()> {
    let Some(available) = available_bytes() else { return Ok(()) };
    let needed = estimate(training, images, size)?;
    if needed <= available as f64 {
        return Ok(());
    }
    let gib = |bytes: f64| bytes / f64::from(1 << 30);
    Err(Error::setting(format!(
        "a step of {} needs about {:.1} GiB of memory, and {:.1} GiB are available; a smaller --batch or a \
         smaller model needs less",
        counted(size, "image"),
        gib(needed),
        gib(available as f64)
    )))
}

/// Bytes that a step takes.
fn estimate(training: &dyn Training, images: &ImageSet, size: usize) -> Result<f64> {
    let [channels, height, width] = images.shape;
    let batch = Batch {
        images: Tensor::zeros([1, channels, height, width], DType::F32),
        labels: Tensor::zeros([1], DType::I64),
        indices: vec![0],
        position: Position::default(),
    };
    let bytes = Rc::new(Cell::new(0));
    let counter = bytes.clone();
    let count = move |shape: usize, dtype: DType| counter.set(counter.get() + shape * dtype.size_of());
    training.model().eval();
    observe(
        move |event| count(event.output.shape.numel(), event.output.dtype),
        || no_grad(|| training.losses(&batch, &Generator::new(0))),
    )?;
    let weights = COPIES_OF_WEIGHTS * training.model().parameter_count() * DType::F32.size_of();
    Ok(weights as f64 + COPIES_OF_VALUES * bytes.get() as f64 * size as f64)
}

/// Memory that can be had without pushing other processes out, where the system tells it in a file.
fn available_bytes() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    #[test]
    fn the_need_grows_with_the_batch_and_a_boundless_one_is_refused() {
        let (entry, images) = (registry::find("vae").unwrap(), ImageSet::default());
        let training = (entry.build)(&(entry.defaults)(), &images, &Generator::new(0)).unwrap();
        let [one, many] = [1, 1001].map(|size| estimate(training.as_ref(), &images, size).unwrap());
        // At least two hidden layers of 400 and the 784 logits, of four bytes each.
        assert!(many - one >= 1000.0 * 4.0 * (2.0 * 400.0 + 784.0), "{one} {many}");
        assert!(check(training.as_ref(), &images, 128).is_ok());
        if available_bytes().is_some() {
            let message = check(training.as_ref(), &images, 1 << 40).unwrap_err().to_string();
            assert!(message.contains("GiB are available; a smaller --batch"), "{message}");
        }
    }
}
