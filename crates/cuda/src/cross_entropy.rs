//! Softmax cross-entropy against class indices: `cross_entropy.cu`.

use crate::capture::puts_off;
use crate::launch::{Arguments, Grid, arguments};
use crate::loss::{Share, total};
use crate::rows::Rows;
use crate::{Device, Error, Kind, Memory, Result, View};

/// What logits `[outer, classes, inner]` are held against: contiguous 64-bit indices `[outer, inner]`.
#[derive(Clone, Copy, Debug)]
pub struct Targets<'a> {
    /// The class of each sample, or `ignored`.
    pub indices: View<'a>,
    /// Sizes of the logits.
    pub dims: [usize; 3],
    /// Samples of this class count nothing.
    pub ignored: i64,
    /// Share ε of the target that is spread evenly over all classes.
    pub label_smoothing: f64,
}

/// What [`Targets::inspect`] has found, in device memory.
#[derive(Debug)]
pub struct Inspected(Memory);

impl Inspected {
    /// One in as many as are not ignored.
    pub fn share(&self) -> Share<'_> {
        Share::OneOf(&self.0)
    }

    /// The first target that is neither a class nor ignored. Waits for the device, but in a recorded step: see
    /// [`check`](crate::check).
    ///
    /// # Errors
    /// When a kernel has failed.
    pub fn invalid(&self) -> Result<Option<i64>> {
        // A place that is found is not negative.
        let refusal = "cross_entropy: a target is not a class";
        if puts_off(refusal, &self.0, size_of::<i64>(), (1, size_of::<i64>()), i64::MAX as u64)? {
            return Ok(None);
        }
        let mut found = [0; 3];
        self.0.read(0, &mut found)?;
        let [_, position, target] = found;
        Ok(if position < 0 { None } else { Some(target) })
    }
}

impl Targets<'_> {
    /// Counts the targets that are not ignored, and looks for one that is no class.
    ///
    /// # Errors
    /// When they are not contiguous 64-bit integers, one for each sample.
    pub fn inspect(&self, device: &Device) -> Result<Inspected> {
        let found = Memory::unspecified(device, 3 * size_of::<i64>())?;
        let (count, [_, classes, _]) = (self.samples()?, self.dims);
        let arguments =
            arguments![self.indices.dense()?, count as u32, classes as u32, self.ignored, found.pointer()];
        let threads = count.next_multiple_of(32).clamp(32, 1024) as u32;
        // SAFETY: there are `count` integers, and `found` has room for three; one block of whole warps.
        unsafe { device.launch("cross_entropy.cu", "class_targets", Grid::line(1, threads), arguments)? };
        Ok(Inspected(found))
    }

    /// losses = −Σ_c q_c ln softmax(x)_c of each sample, with q its smoothed target; 0 where it is ignored, NaN where it is
    /// no class. `losses` are `[outer, inner]`.
    ///
    /// # Errors
    /// When the logits are not contiguous or not of the sizes, or `losses` is too small.
    pub fn losses(&self, logits: View<'_>, losses: &Memory) -> Result<()> {
        let samples = self.check(logits, logits.kind(), losses)?;
        let mut arguments = arguments![logits.dense()?, self.indices.dense()?, losses.pointer()];
        self.add_sizes(&mut arguments, logits.kind());
        self.launch("cross_entropy", samples, logits.kind(), arguments, losses.device())
    }

    /// out = share · Σ of the [losses](Self::losses) of all samples.
    ///
    /// # Errors
    /// As [`losses`](Self::losses).
    pub fn reduced_loss(&self, logits: View<'_>, share: Share<'_>, out: &Memory) -> Result<()> {
        let samples = self.samples()?;
        let losses = Memory::unspecified(out.device(), samples * logits.kind().size())?;
        self.losses(logits, &losses)?;
        total(&losses, samples, logits.kind(), share, out)
    }

    /// out = share · g · (softmax(x) − q) of each logit; 0 where the target is ignored. `cotangents` hold one g, or one of
    /// each sample.
    ///
    /// # Errors
    /// When operands are not contiguous or not of the sizes, or `out` is too small.
    pub fn gradient(
        &self,
        logits: View<'_>,
        cotangents: View<'_>,
        share: Share<'_>,
        out: &Memory,
    ) -> Result<()> {
        let samples = self.check(logits, cotangents.kind(), out)?;
        let step = u32::from(cotangents.sizes() == self.indices.sizes());
        if step == 0 && cotangents.count() != 1 || logits.count() * logits.kind().size() > out.bytes() {
            let sizes = cotangents.sizes();
            return Err(Error::Argument(format!(
                "cross_entropy_grad: {sizes:?} cotangents for {samples} samples"
            )));
        }
        let (counted, _) = share.arguments();
        let mut arguments = arguments![
            logits.dense()?,
            self.indices.dense()?,
            cotangents.dense()?,
            step,
            counted,
            out.pointer(),
        ];
        self.add_sizes(&mut arguments, logits.kind());
        self.launch("cross_entropy_grad", samples, logits.kind(), arguments, out.device())
    }

    fn samples(&self) -> Result<usize> {
        let [outer, _, inner] = self.dims;
        if self.indices.kind() == Kind::I64 && self.indices.count() == outer * inner {
            return Ok(outer * inner);
        }
        let (kind, sizes) = (self.indices.kind(), self.indices.sizes());
        Err(Error::Argument(format!("cross_entropy: targets {kind:?} {sizes:?} for logits {:?}", self.dims)))
    }

    /// The number of samples; logits have the sizes and a type, and `out` has room for a number of each sample.
    fn check(&self, logits: View<'_>, kind: Kind, out: &Memory) -> Result<usize> {
        let samples = self.samples()?;
        let fits = logits.count() == self.dims.iter().product() && samples * kind.size() <= out.bytes();
        if fits && logits.kind() == kind {
            return Ok(samples);
        }
        Err(Error::Argument(format!("cross_entropy: logits {:?} as {:?}", logits.sizes(), self.dims)))
    }

    /// The arguments that end both kernels' lists.
    fn add_sizes(&self, arguments: &mut Arguments, kind: Kind) {
        let rows = Rows::of(self.dims);
        for size in [rows.count, rows.length, rows.inner] {
            arguments.add(size as u32);
        }
        arguments.add(self.ignored);
        let (peak, spread) = (1.0 - self.label_smoothing, self.label_smoothing / rows.length as f64);
        for share in [peak, spread] {
            match kind {
                Kind::F32 => arguments.add(share as f32),
                _ => arguments.add(share),
            }
        }
    }

    fn launch(
        &self,
        name: &str,
        samples: usize,
        kind: Kind,
        arguments: Arguments,
        device: &Device,
    ) -> Result<()> {
        if samples == 0 {
            return Ok(());
        }
        let (team, grid) = Rows::of(self.dims).team();
        let name = format!("{name}{team}_{}", kind.suffix());
        // SAFETY: callers have checked that operands and results have the sizes, and have made the kernel's list of
        // arguments; the kernels go through all rows with any grid of whole warps.
        unsafe { device.launch("cross_entropy.cu", &name, grid, arguments) }
    }
}
