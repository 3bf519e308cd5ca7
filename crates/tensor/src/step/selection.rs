//! Which rows of a table a step takes.

use super::recording::{self, Place};
use crate::apply::must;
use crate::{Device, Error, Result, Spec, Tensor, Value, default_device};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wengert_cuda::Memory;
use wengert_cuda::replay::Words;

/// Numbers of rows, chosen anew for each step: of the images of a batch, for one.
///
/// [`Work::prepare`](super::Work::prepare) chooses them, [`Work::run`](super::Work::run) takes them as a tensor:
/// `images.index_select(0, &selection.indices())`.
#[derive(Clone, Debug, Default)]
pub struct Selection(Arc<Mutex<Vec<i64>>>);

impl Selection {
    /// No rows yet.
    pub fn new() -> Selection {
        Selection::default()
    }

    /// Chooses the rows of the next step: in all steps of a phase equally many.
    pub fn choose(&self, rows: impl IntoIterator<Item = usize>) {
        *self.rows() = rows.into_iter().map(|row| row as i64).collect();
    }

    /// The rows of this step, i64 `[count]`, on the default device.
    ///
    /// # Panics
    /// When the device has no memory for them.
    #[track_caller]
    pub fn indices(&self) -> Tensor {
        let rows = self.rows().clone();
        match (default_device(), is_moving(self, rows.len())) {
            (Device::Cuda(ordinal), Some(place)) => must(recorded(ordinal, &rows, place)),
            _ => Tensor::from_slice(&rows, rows.len()),
        }
    }

    fn rows(&self) -> MutexGuard<'_, Vec<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a recorded step finds its rows.
fn is_moving(selection: &Selection, count: usize) -> Option<Place> {
    let selection = selection.clone();
    recording::with(|recording| {
        recording.source(count, move |words| {
            let rows = selection.rows();
            if rows.len() != count {
                let detail = format!("{} rows are chosen, and {count} were when it was captured", rows.len());
                return Err(Error::argument("step", detail));
            }
            words.iter_mut().zip(rows.iter()).for_each(|(word, row)| *word = row.cast_unsigned());
            Ok(())
        })
    })
}

fn recorded(ordinal: usize, rows: &[i64], place: Place) -> Result<Tensor> {
    let device = wengert_cuda::Device::get(ordinal)?;
    let value = Value::on_cuda(&device, &Spec::new([rows.len()], crate::DType::I64))?;
    let out = value.device_memory()?;
    match place {
        Place::Rehearsed => out.copy_varying(0, &Memory::unrecorded(&device, rows)?, 0, rows.len() * 8)?,
        Place::Words(words, first) => {
            Words::new(words.words(), first, rows.len())?.copy_to(out, rows.len() * 8)?;
        }
    }
    Ok(Tensor::from_value(value))
}
