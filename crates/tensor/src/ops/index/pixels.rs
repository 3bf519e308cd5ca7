//! Pictures picked from a table of bytes, as numbers.

use super::{check_index_dtype, check_range};
use crate::apply::{apply, must};
use crate::op::{Op, Spec, Values};
use crate::{DType, Error, Result, Shape, Tensor, Value};
use wengert_cpu::index;
use wengert_cuda::Device;

/// Inputs: pictures u8 `[N, C, …]`, their numbers i64 `[B]`, and what each byte of a channel becomes, f32 `[C, 256]`.
#[derive(Clone, Debug)]
struct IndexPixels;

impl Op for IndexPixels {
    fn name(&self) -> &'static str {
        "index_pixels"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [pictures, rows, levels] = inputs else {
            return Err(Error::argument(self.name(), format!("takes 3 tensors, got {}", inputs.len())));
        };
        check_index_dtype(self.name(), rows)?;
        if (pictures.dtype, levels.dtype) != (DType::U8, DType::F32) {
            let detail =
                format!("needs pictures of u8 and levels of f32, got {} and {}", pictures.dtype, levels.dtype);
            return Err(Error::dtype(self.name(), detail));
        }
        let fits = pictures.shape.rank() >= 2 && rows.shape.rank() == 1;
        if !fits || levels.shape[..] != [pictures.shape[1], 256] {
            let detail = format!(
                "needs pictures [N, C, …], numbers [B] and levels [C, 256], got {}, {} and {}",
                pictures.shape, rows.shape, levels.shape
            );
            return Err(Error::shape(self.name(), detail));
        }
        let shape: Shape = rows.shape.iter().chain(&pictures.shape[1..]).copied().collect();
        shape.checked_numel(self.name())?;
        Ok(Spec::new(shape, DType::F32))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let [pictures, rows, levels] = [0, 1, 2].map(|i| inputs[i].contiguous());
        check_range(self.name(), &rows, pictures.shape()[0])?;
        let plane = output.shape[2..].iter().product();
        let (pictures, rows, levels) = (pictures.read(), rows.read(), levels.read());
        Ok(Value::build(&output.shape, |out| {
            index::pixels(pictures.slice(), rows.slice(), levels.slice(), plane, out);
        }))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let [pictures, rows, levels] = [0, 1, 2].map(|i| inputs[i].contiguous());
        check_range(self.name(), &rows, pictures.shape()[0])?;
        let out = Value::on_cuda(device, output)?;
        let (pictures, rows, levels) = (pictures.on_device()?, rows.on_device()?, levels.on_device()?);
        wengert_cuda::index::pixels(pictures, rows, levels, out.device_memory()?)?;
        Ok(out)
    }
}

impl Tensor {
    /// Pictures of a table of bytes as f32 `[B, C, …]`: `out[b, c, …] = levels[c, self[rows[b], c, …]]`, for a table u8
    /// `[N, C, …]`, numbers of pictures i64 `[B]`, and what each byte becomes in each channel, f32 `[C, 256]`. A whole data
    /// set can so lie on a device as bytes. There is no gradient.
    ///
    /// # Panics
    /// When shapes or types are others, or a number is not one of the table.
    #[track_caller]
    pub fn index_pixels(&self, rows: &Tensor, levels: &Tensor) -> Tensor {
        must(apply(IndexPixels, &[self, rows, levels]))
    }
}
