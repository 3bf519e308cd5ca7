//! The unit that multiplies tiles: AMX where the processor has it, and the same arithmetic in plain code.

mod emulated;

use super::parts::TILE;
use std::sync::OnceLock;

/// Elements of a tile of the result.
pub const RESULT: usize = TILE * TILE;

/// Four tiles of a result, `2·i + j` for tile i of the left operand and tile j of the right one, each `[row][column]`.
#[repr(align(64))]
pub struct Results(pub [[f32; RESULT]; 4]);

/// Where two tiles of an operand lie, at each step of a product. A row of a tile is [`TILE`] words: `[row][k]` in a left
/// operand, `[k][column]` in a right one.
#[derive(Clone, Copy, Debug)]
pub struct Tiles<'a> {
    /// What all tiles lie in.
    pub words: &'a [u32],
    /// The first word of the first tile, to which each step adds.
    pub first: usize,
    /// Words from the first tile to the second.
    pub next: usize,
    /// Words from a row of a tile to the next.
    pub row: usize,
    /// Words from a part to the next.
    pub part: usize,
}

/// Tiles along k: how far those of each step are from the first ones, in the left operand and in the right.
#[derive(Clone, Debug)]
pub struct Steps {
    /// In bytes.
    offsets: Vec<[usize; 2]>,
    /// The largest of each operand, in words.
    most: [usize; 2],
}

impl Steps {
    /// Steps of so many words.
    pub fn new(words: impl Iterator<Item = [usize; 2]>) -> Self {
        let mut most = [0; 2];
        let offsets = words.map(|step| {
            most = [most[0].max(step[0]), most[1].max(step[1])];
            step.map(|words| words * size_of::<u32>())
        });
        let offsets = offsets.collect();
        Self { offsets, most }
    }

    /// The steps in words.
    fn words(&self) -> impl Iterator<Item = [usize; 2]> {
        self.offsets.iter().map(|step| step.map(|bytes| bytes / size_of::<u32>()))
    }
}

/// One call of the unit: four tiles of the result, two by two, from two tiles across of each operand.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Tiles of the left operand.
    pub left: Tiles<'a>,
    /// Tiles of the right operand.
    pub right: Tiles<'a>,
    /// What the sum runs over.
    pub steps: &'a Steps,
}

/// Multiplies tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// The tile unit of the processor.
    #[cfg(target_arch = "x86_64")]
    Amx,
    /// Plain code, which gives the same bits several times more slowly.
    Emulated,
}

impl Unit {
    /// The processor's unit, where there is one and the system lets this process use it, or the emulated one where
    /// `WENGERT_AMX=emulate` asks for it.
    pub fn detect() -> Option<Unit> {
        static EMULATE: OnceLock<bool> = OnceLock::new();
        if *EMULATE.get_or_init(|| std::env::var_os("WENGERT_AMX").is_some_and(|value| value == "emulate")) {
            return Some(Unit::Emulated);
        }
        #[cfg(target_arch = "x86_64")]
        if amx::is_available() {
            return Some(Unit::Amx);
        }
        None
    }

    /// Runs `body` with the calling thread's tiles set up, and leaves them as new.
    pub fn with_tiles<R>(self, body: impl FnOnce() -> R) -> R {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Unit::Amx` comes from `detect` alone.
            Unit::Amx => unsafe {
                amx::configure();
                let result = body();
                amx::release();
                result
            },
            Unit::Emulated => body(),
        }
    }

    /// Adds `left · right` to `results`; within [`Unit::with_tiles`].
    ///
    /// # Panics
    /// When the tiles of a step do not lie in their words.
    pub fn multiply<const PARTS: usize>(self, block: Block, results: &mut [[f32; RESULT]; 4]) {
        let Block { left, right, steps } = block;
        if steps.offsets.is_empty() {
            return;
        }
        for (tiles, most) in [left, right].iter().zip(steps.most) {
            let last = tiles.first + most + tiles.next + (PARTS - 1) * tiles.part + (TILE - 1) * tiles.row;
            assert!(last + TILE <= tiles.words.len(), "tiles must lie in their words");
        }
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Unit::Amx` comes from `detect` alone, and all tiles of all steps lie in the words.
            Unit::Amx => unsafe {
                match PARTS {
                    2 => amx::two_parts(&block, results),
                    3 => amx::three_parts(&block, results),
                    _ => unreachable!("numbers are split into two parts or three"),
                }
            },
            Unit::Emulated => emulated::multiply::<PARTS>(block, results),
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod amx {
    use super::{Block, RESULT};
    use std::arch::asm;
    use std::sync::OnceLock;

    /// Whether the processor has tiles of bf16 and the system grants them to this process.
    pub fn is_available() -> bool {
        static AVAILABLE: OnceLock<bool> = OnceLock::new();
        *AVAILABLE.get_or_init(|| {
            use std::arch::x86_64::__cpuid_count;
            // CPUID leaf 7: EDX bit 22 is AMX-BF16, bit 24 AMX-TILE. The system must save the tiles too.
            let features = __cpuid_count(0, 0).eax >= 7 && {
                let edx = __cpuid_count(7, 0).edx;
                edx & (1 << 22) != 0 && edx & (1 << 24) != 0
            };
            features && cfg!(target_os = "linux") && request()
        })
    }

    /// Asks Linux for the tile state: `arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)`, see
    /// <https://docs.kernel.org/arch/x86/xstate.html>. It holds for all threads of the process.
    fn request() -> bool {
        let result: isize;
        // SAFETY: the system call takes two numbers, changes nothing but the process's permission, and clobbers
        // rcx and r11, as all system calls do.
        unsafe {
            asm!("syscall", inlateout("rax") 158isize => result, in("rdi") 0x1023, in("rsi") 18, out("rcx") _,
                out("r11") _, options(nostack));
        }
        result == 0
    }

    /// Byte 0 is the palette; from byte 16 on the bytes of a row of each tile, from byte 48 on the rows.
    #[repr(C, align(64))]
    struct Configuration([u8; 64]);

    /// Eight tiles of 16 rows of 64 bytes.
    ///
    /// # Safety
    /// The processor must have AMX.
    pub unsafe fn configure() {
        let mut configuration = Configuration([0; 64]);
        configuration.0[0] = 1;
        for tile in 0..8 {
            configuration.0[16 + 2 * tile] = 64;
            configuration.0[48 + tile] = 16;
        }
        // SAFETY: the operand is 64 readable bytes that describe a valid configuration.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &configuration, options(nostack)) };
    }

    /// # Safety
    /// The processor must have AMX.
    pub unsafe fn release() {
        // SAFETY: the instruction only resets the tiles.
        unsafe { asm!("tilerelease", options(nostack)) };
    }

    /// Tiles 0–3 hold the results, 4 and 5 a part of the left operand, 6 and 7 one of the right.
    macro_rules! kernel {
        ($name:ident, $body:expr) => {
            /// Adds the products of all steps to `results`.
            ///
            /// # Safety
            /// The processor must have AMX and the thread's tiles be configured; there must be a step, and all tiles must
            /// lie in their words.
            pub unsafe fn $name(block: &Block, results: &mut [[f32; RESULT]; 4]) {
                let Block { left, right, steps } = block;
                let bytes = |words: usize| words * size_of::<u32>();
                let [c0, c1, c2, c3] = results.each_mut().map(|result| result.as_mut_ptr());
                // SAFETY: the tiles are configured as 16 rows of 64 bytes, which is what a row of a result and a row of
                // a part of a tile hold; the loop runs once a step, and the caller vouches for the words.
                unsafe {
                    asm!(
                        "tileloadd tmm0, [{0} + {4}*1]",
                        "tileloadd tmm1, [{1} + {4}*1]",
                        "tileloadd tmm2, [{2} + {4}*1]",
                        "tileloadd tmm3, [{3} + {4}*1]",
                        in(reg) c0, in(reg) c1, in(reg) c2, in(reg) c3, in(reg) 64usize,
                        out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _, options(nostack),
                    );
                    asm!(
                        "2:",
                        $body,
                        "add {steps}, 16",
                        "dec {count}",
                        "jnz 2b",
                        left = in(reg) left.words.as_ptr().add(left.first),
                        left_next = in(reg) bytes(left.next),
                        left_row = in(reg) bytes(left.row),
                        left_part = in(reg) bytes(left.part),
                        right = in(reg) right.words.as_ptr().add(right.first),
                        right_next = in(reg) bytes(right.next),
                        right_row = in(reg) bytes(right.row),
                        right_part = in(reg) bytes(right.part),
                        steps = inout(reg) steps.offsets.as_ptr() => _,
                        count = inout(reg) steps.offsets.len() => _,
                        at = out(reg) _,
                        out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                        out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                        options(nostack),
                    );
                    asm!(
                        "tilestored [{0} + {4}*1], tmm0",
                        "tilestored [{1} + {4}*1], tmm1",
                        "tilestored [{2} + {4}*1], tmm2",
                        "tilestored [{3} + {4}*1], tmm3",
                        in(reg) c0, in(reg) c1, in(reg) c2, in(reg) c3, in(reg) 64usize, options(nostack),
                    );
                }
            }
        };
    }

    /// Loads a part of both tiles of an operand, whose step lies at `$step` of a pair of them.
    macro_rules! load {
        ($operand:literal, $part:literal, $step:literal, $first:literal, $second:literal) => {
            concat!(
                "imul {at}, {",
                $operand,
                "_part}, ",
                $part,
                "\nadd {at}, [{steps} + ",
                $step,
                "]\nadd {at}, {",
                $operand,
                "}\ntileloadd ",
                $first,
                ", [{at} + {",
                $operand,
                "_row}*1]\nadd {at}, {",
                $operand,
                "_next}\ntileloadd ",
                $second,
                ", [{at} + {",
                $operand,
                "_row}*1]\n"
            )
        };
    }
    macro_rules! left {
        ($part:literal) => {
            load!("left", $part, "0", "tmm4", "tmm5")
        };
    }
    macro_rules! right {
        ($part:literal) => {
            load!("right", $part, "8", "tmm6", "tmm7")
        };
    }
    /// Adds the four products of what is loaded.
    macro_rules! products {
        () => {
            "tdpbf16ps tmm0, tmm4, tmm6\ntdpbf16ps tmm1, tmm4, tmm7\ntdpbf16ps tmm2, tmm5, tmm6\ntdpbf16ps tmm3, tmm5, tmm7\n"
        };
    }

    // high·middle, middle·high, high·high: small products first, so that the large ones round last.
    kernel!(
        two_parts,
        concat!(
            left!("0"),
            right!("1"),
            products!(),
            left!("1"),
            right!("0"),
            products!(),
            left!("0"),
            products!()
        )
    );

    // high·low, low·high, middle·middle, high·middle, middle·high, high·high.
    kernel!(
        three_parts,
        concat!(
            left!("0"),
            right!("2"),
            products!(),
            left!("2"),
            right!("0"),
            products!(),
            left!("1"),
            right!("1"),
            products!(),
            left!("0"),
            products!(),
            left!("1"),
            right!("0"),
            products!(),
            left!("0"),
            products!(),
        )
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the processor has tiles, they do what the plain code says, wherever the tiles lie.
    #[test]
    fn the_processor_agrees_with_the_plain_code() {
        let Some(unit) = Unit::detect() else {
            eprintln!("no tile unit here: nothing compared");
            return;
        };
        fn compare<const PARTS: usize>(unit: Unit) {
            // Small whole numbers: exact in bf16 and in all sums.
            let half = |i: usize| (((i * 7919) % 17) as f32 - 8.0).to_bits() >> 16;
            let words: Vec<u32> = (0..5000).map(|i| half(2 * i) | half(2 * i + 1) << 16).collect();
            let left = Tiles { words: &words, first: 3, next: 400, row: 25, part: 1000 };
            let right = Tiles { words: &words, first: 600, next: 0, row: 16, part: 700 };
            let steps = Steps::new([[0, 40], [700, 1], [33, 2000]].into_iter());
            let block = Block { left, right, steps: &steps };
            let (mut expected, mut got) = ([[1.0; RESULT]; 4], [[1.0; RESULT]; 4]);
            Unit::Emulated.multiply::<PARTS>(block, &mut expected);
            unit.with_tiles(|| unit.multiply::<PARTS>(block, &mut got));
            assert_eq!(got, expected);
            assert_eq!(got[0], got[1]);
            assert_ne!(got[0], got[2]);
        }
        compare::<2>(unit);
        compare::<3>(unit);
    }
}
