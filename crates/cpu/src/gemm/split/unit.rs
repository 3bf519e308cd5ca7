//! The unit that multiplies tiles: AMX where the processor has it, and the same arithmetic in plain code.

mod emulated;

use super::parts::{TILE, WORDS};
use std::sync::OnceLock;

/// Elements of a tile of the result.
pub const RESULT: usize = TILE * TILE;

/// One call of the unit: four tiles of the result, two by two, from two tiles across of each operand.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Two tiles of the left operand, each `[block][part][WORDS]`.
    pub left: [&'a [u32]; 2],
    /// Two tiles of the right operand, laid out alike.
    pub right: [&'a [u32]; 2],
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

    /// `results = left · right`, or `results += left · right` where `accumulate`; within [`Unit::with_tiles`]. Result
    /// `2·i + j` belongs to tile i of the left operand and tile j of the right one.
    ///
    /// # Panics
    /// When the operands do not have one length, a whole number of blocks.
    pub fn multiply<const PARTS: usize>(
        self,
        block: Block,
        results: &mut [[f32; RESULT]; 4],
        accumulate: bool,
    ) {
        let length = block.left[0].len();
        assert!(block.left.iter().chain(&block.right).all(|tile| tile.len() == length));
        assert_eq!(length % (PARTS * WORDS), 0, "whole blocks");
        if !accumulate {
            *results = [[0.0; RESULT]; 4];
        }
        let blocks = length / (PARTS * WORDS);
        if blocks == 0 {
            return;
        }
        match self {
            #[cfg(target_arch = "x86_64")]
            Unit::Amx => {
                let left = block.left.map(<[u32]>::as_ptr);
                let right = block.right.map(<[u32]>::as_ptr);
                // SAFETY: a `Unit::Amx` comes from `detect` alone; the operands hold `blocks` blocks of PARTS parts.
                unsafe {
                    match PARTS {
                        2 => amx::two_parts(left, right, blocks, results),
                        3 => amx::three_parts(left, right, blocks, results),
                        _ => unreachable!("numbers are split into two parts or three"),
                    }
                }
            }
            Unit::Emulated => emulated::multiply::<PARTS>(block, results),
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod amx {
    use super::RESULT;
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
        ($name:ident, $bytes:literal, $body:expr) => {
            /// Adds the products of `blocks` blocks to `results`.
            ///
            /// # Safety
            /// The processor must have AMX and the thread's tiles be configured; each operand must hold `blocks` blocks.
            pub unsafe fn $name(
                left: [*const u32; 2],
                right: [*const u32; 2],
                blocks: usize,
                results: &mut [[f32; RESULT]; 4],
            ) {
                let [c0, c1, c2, c3] = results.each_mut().map(|result| result.as_mut_ptr());
                // SAFETY: the tiles are configured as 16 rows of 64 bytes, 64 bytes apart: 1 KiB each, which is what
                // a result and a part of a block hold; the loop runs `blocks` times, once a block.
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
                        concat!("add {a0}, ", $bytes),
                        concat!("add {a1}, ", $bytes),
                        concat!("add {b0}, ", $bytes),
                        concat!("add {b1}, ", $bytes),
                        "dec {blocks}",
                        "jnz 2b",
                        a0 = inout(reg) left[0] => _,
                        a1 = inout(reg) left[1] => _,
                        b0 = inout(reg) right[0] => _,
                        b1 = inout(reg) right[1] => _,
                        blocks = inout(reg) blocks => _,
                        row = in(reg) 64usize,
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

    /// Loads part `$part` of both left tiles.
    macro_rules! left {
        ($offset:literal) => {
            concat!(
                "tileloadd tmm4, [{a0} + {row}*1 + ",
                $offset,
                "]\n",
                "tileloadd tmm5, [{a1} + {row}*1 + ",
                $offset,
                "]\n"
            )
        };
    }
    /// Loads part `$part` of both right tiles.
    macro_rules! right {
        ($offset:literal) => {
            concat!(
                "tileloadd tmm6, [{b0} + {row}*1 + ",
                $offset,
                "]\n",
                "tileloadd tmm7, [{b1} + {row}*1 + ",
                $offset,
                "]\n"
            )
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
        "2048",
        concat!(
            left!("0"),
            right!("1024"),
            products!(),
            left!("1024"),
            right!("0"),
            products!(),
            left!("0"),
            products!(),
        )
    );

    // high·low, low·high, middle·middle, high·middle, middle·high, high·high.
    kernel!(
        three_parts,
        "3072",
        concat!(
            left!("0"),
            right!("2048"),
            products!(),
            left!("2048"),
            right!("0"),
            products!(),
            left!("1024"),
            right!("1024"),
            products!(),
            left!("0"),
            products!(),
            left!("1024"),
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

    /// Where the processor has tiles, they do what the plain code says.
    #[test]
    fn the_processor_agrees_with_the_plain_code() {
        let Some(unit) = Unit::detect() else {
            eprintln!("no tile unit here: nothing compared");
            return;
        };
        fn compare<const PARTS: usize>(unit: Unit) {
            // Small whole numbers: exact in bf16 and in all sums.
            let tile = |seed: usize| -> Vec<u32> {
                let half = |i: usize| (((i * 7919 + seed * 31) % 17) as f32 - 8.0).to_bits() >> 16;
                (0..3 * PARTS * WORDS).map(|i| half(2 * i) | half(2 * i + 1) << 16).collect()
            };
            let tiles = [1, 2, 3, 4].map(tile);
            let block = Block { left: [&tiles[0], &tiles[1]], right: [&tiles[2], &tiles[3]] };
            let (mut expected, mut got) = ([[1.0; RESULT]; 4], [[1.0; RESULT]; 4]);
            Unit::Emulated.multiply::<PARTS>(block, &mut expected, true);
            unit.with_tiles(|| unit.multiply::<PARTS>(block, &mut got, true));
            assert_eq!(got, expected);
        }
        compare::<2>(unit);
        compare::<3>(unit);
    }
}
