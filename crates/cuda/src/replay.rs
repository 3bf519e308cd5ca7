//! What a step that is replayed as a graph needs besides its own work: `replay.cu`.
//!
//! A graph's launches have the same arguments each time. What differs from step to step, such as learning rates and places
//! in random sequences, is words in device memory. The host writes the words of many steps at once, a row for each; each
//! replay begins by taking its row and ends by putting its results beside those of the replays before it.

use crate::launch::{Argument, Arguments, Grid, WARP, arguments};
use crate::{Device, Error, Kind, Memory, Result, View};

/// Results of a step, as in the kernels.
const RESULTS: usize = 32;

/// The words and results of up to so many replays, which the device goes through by itself.
#[derive(Debug)]
pub struct Rows {
    steps: usize,
    width: usize,
    results: usize,
    /// The cursor, in the first word, and then the rows.
    rows: Memory,
    words: Memory,
    kept: Memory,
}

impl Rows {
    /// Room for `steps` replays of a step with `width` words and `results` results.
    ///
    /// # Errors
    /// When the device has no memory for them, or the results are more than 32.
    pub fn new(device: &Device, steps: usize, width: usize, results: usize) -> Result<Rows> {
        if results > RESULTS {
            return Err(Error::Argument(format!(
                "a replayed step has at most {RESULTS} results, not {results}"
            )));
        }
        let memory = |bytes| Memory::unspecified(device, bytes);
        let rows = memory((1 + steps * width) * 8)?;
        let (words, kept) = (memory(width * 8)?, memory(steps * results * 8)?);
        Ok(Rows { steps, width, results, rows, words, kept })
    }

    /// How many replays there is room for.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Words of a replay.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The words of the replay that runs.
    pub fn words(&self) -> &Memory {
        &self.words
    }

    /// Writes the words of the next replays: a 0, where the device counts them, and then row by row. Not for captures.
    ///
    /// # Errors
    /// When there is no room for them.
    pub fn write(&self, rows: &[u64]) -> Result<()> {
        match rows.first() {
            Some(0) => self.rows.write(0, rows),
            _ => Err(Error::Argument("the words of replays begin with a 0".into())),
        }
    }

    /// Takes the words of the replay that begins.
    ///
    /// # Errors
    /// When the driver refuses.
    pub fn begin(&self) -> Result<()> {
        let device = self.rows.device();
        let (cursor, rows) = (self.rows.pointer(), self.rows.pointer() + 8);
        let arguments = arguments![rows, self.width as u32, cursor, self.words.pointer()];
        // SAFETY: the cursor lies below `steps`, as no more replays than that follow a write; `rows` has that many rows of
        // `width` words, and `words` has room for one. Any grid will do.
        unsafe { device.launch_beside("replay.cu", "begin_replay", Grid::cover(device, self.width, 1), arguments) }
    }

    /// Keeps the results of the replay that ends, f32 or f64, one number each.
    ///
    /// # Errors
    /// When they are others, or not as many as was said.
    pub fn end(&self, results: &[View<'_>]) -> Result<()> {
        let fits = |view: &View<'_>| view.count() == 1 && matches!(view.kind(), Kind::F32 | Kind::F64);
        if results.len() != self.results || !results.iter().all(fits) {
            return Err(Error::Argument(format!(
                "{} numbers are a replayed step's results, not {results:?}",
                self.results
            )));
        }
        let device = self.rows.device();
        let arguments = arguments![Results(results), self.kept.pointer(), self.rows.pointer()];
        // SAFETY: each result is one number of the type that its bit says, at most as many as the kernel's struct holds; and
        // `kept` has a row for each replay.
        unsafe { device.launch_beside("replay.cu", "end_replay", Grid::line(1, WARP), arguments) }
    }

    /// The results of the first `steps` replays since the rows were written, row by row. Waits for the device.
    ///
    /// # Errors
    /// When there were not so many, or a launch has failed.
    pub fn results(&self, steps: usize) -> Result<Vec<f64>> {
        let mut results = vec![0f64; steps * self.results];
        self.kept.read(0, &mut results)?;
        Ok(results)
    }
}

/// `ReplayResults` of the kernels.
struct Results<'a>(&'a [View<'a>]);

impl Argument for Results<'_> {
    fn add_to(&self, arguments: &mut Arguments) {
        let mut bytes = Vec::with_capacity(RESULTS * 8 + 8);
        for number in 0..RESULTS {
            let address = self.0.get(number).map_or(0, View::pointer);
            bytes.extend_from_slice(&address.to_ne_bytes());
        }
        let is_double = |(i, view): (usize, &View<'_>)| u32::from(view.kind() == Kind::F64) << i;
        let doubles: u32 = self.0.iter().enumerate().map(is_double).sum();
        bytes.extend_from_slice(&(self.0.len() as u32).to_ne_bytes());
        bytes.extend_from_slice(&doubles.to_ne_bytes());
        arguments.push(&bytes);
    }
}

/// Raises flag `number` where one of the `count` numbers of `bytes` bytes from `offset` on, without a sign, lies below
/// `limit`.
pub(crate) fn raise_flag(
    found: &Memory,
    offset: usize,
    (count, bytes): (usize, usize),
    limit: u64,
    flags: &Memory,
    number: usize,
) -> Result<()> {
    let suffix = match bytes {
        4 => "u32",
        8 => "u64",
        _ => return Err(Error::Argument(format!("raise_flag: numbers of {bytes} bytes"))),
    };
    if offset + count * bytes > found.bytes() || (number + 1) * 4 > flags.bytes() {
        return Err(Error::Argument(format!("raise_flag: {count} numbers from {offset}, flag {number}")));
    }
    let device = found.device();
    let arguments = arguments![
        found.pointer() + offset as u64,
        count as u32,
        limit,
        flags.pointer() + number as u64 * 4
    ];
    let grid = Grid::cover(device, count, 1);
    // SAFETY: the numbers and the flag lie in their memory, as was checked. Any grid will do.
    unsafe { device.launch("replay.cu", &format!("raise_flag_{suffix}"), grid, arguments) }
}

/// Where a word of the replay that runs lies: bytes from the start of [`Rows::words`].
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    memory: &'a Memory,
    offset: usize,
}

impl<'a> Words<'a> {
    /// `count` words from word `first` on.
    ///
    /// # Errors
    /// When there are not so many.
    pub fn new(memory: &'a Memory, first: usize, count: usize) -> Result<Words<'a>> {
        match (first + count) * 8 <= memory.bytes() {
            true => Ok(Words { memory, offset: first * 8 }),
            false => Err(Error::Argument(format!("words {first} and {count} more of {} bytes", memory.bytes()))),
        }
    }

    /// The address of the first.
    pub(crate) fn pointer(&self) -> u64 {
        self.memory.pointer() + self.offset as u64
    }

    /// Copies the first bytes to `out`.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn copy_to(&self, out: &Memory, bytes: usize) -> Result<()> {
        out.copy(0, self.memory, self.offset, bytes)
    }
}
