//! Element types, and the macros that choose a kernel's type at run time.

use std::fmt;
use wengert_cuda::Kind;

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit float, the default of models.
    F32,
    /// 64-bit float, for gradient checks and metrics.
    F64,
    /// 64-bit signed integer: indices and class labels.
    I64,
    /// 8-bit unsigned integer: pixels.
    U8,
    /// Truth value, one byte.
    Bool,
}

impl DType {
    /// All element types.
    pub const ALL: [DType; 5] = [DType::F32, DType::F64, DType::I64, DType::U8, DType::Bool];

    /// Whether this is a floating-point type: only those carry gradients.
    pub fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }

    /// Bytes of one element.
    pub fn size_of(self) -> usize {
        match self {
            DType::F32 => 4,
            DType::F64 | DType::I64 => 8,
            DType::U8 | DType::Bool => 1,
        }
    }

    /// What the launchers of CUDA kernels call it.
    pub(crate) fn kind(self) -> Kind {
        match self {
            DType::F32 => Kind::F32,
            DType::F64 => Kind::F64,
            DType::I64 => Kind::I64,
            DType::U8 => Kind::U8,
            DType::Bool => Kind::Bool,
        }
    }

    /// Lower-case name, such as `f32`.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::F64 => "f64",
            DType::I64 => "i64",
            DType::U8 => "u8",
            DType::Bool => "bool",
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A Rust type that a tensor can hold.
pub trait Element: wengert_cpu::Element {
    /// The matching run-time type.
    const DTYPE: DType;
}

macro_rules! element {
    ($($t:ty => $dtype:ident),*) => {$(
        impl Element for $t {
            const DTYPE: DType = DType::$dtype;
        }
    )*};
}
element!(f32 => F32, f64 => F64, i64 => I64, u8 => U8, bool => Bool);

/// One arm for each listed type, with the alias `$T` bound to it, and perhaps one for all others.
macro_rules! for_types {
    ($dtype:expr, $T:ident => $body:expr, [$($variant:ident $type:ty),*] $(, $other:pat => $error:expr)?) => {
        match $dtype {
            $($crate::DType::$variant => {
                #[allow(dead_code)]
                type $T = $type;
                $body
            })*
            $($other => $error,)?
        }
    };
}

/// Runs `$body` with the type alias `$T` bound to f32 or f64; any other dtype is an error of op `$op`.
/// The body is an expression of type `Result<_>`.
macro_rules! for_float {
    ($dtype:expr, $op:expr, $T:ident => $body:expr) => {
        for_types!($dtype, $T => $body, [F32 f32, F64 f64],
            other => Err($crate::Error::dtype($op, format!("needs f32 or f64, got {other}; convert with to_dtype"))))
    };
}

/// As [`for_float!`] for the types with arithmetic: f32, f64, i64 and u8.
macro_rules! for_number {
    ($dtype:expr, $op:expr, $T:ident => $body:expr) => {
        for_types!($dtype, $T => $body, [F32 f32, F64 f64, I64 i64, U8 u8],
            other => Err($crate::Error::dtype($op, format!("needs numbers, got {other}; convert with to_dtype"))))
    };
}

/// As [`for_float!`] for all five types; never an error of its own.
macro_rules! for_any {
    ($dtype:expr, $T:ident => $body:expr) => {
        for_types!($dtype, $T => $body, [F32 f32, F64 f64, I64 i64, U8 u8, Bool bool])
    };
}
