//! The operations, a file for each family: shape rule, dispatch to the kernel, gradient and tensor methods side by side.

mod activation;
mod cuda;
mod plane_map;
mod slide;

/// Declares the families and gathers the names of their ops.
macro_rules! families {
    ($($family:ident),* $(,)?) => {
        $(pub mod $family;)*

        /// The names of all ops, a list for each family. Tests demand cases for every one of them.
        pub const REGISTRY: &[(&str, &[&str])] = &[$((stringify!($family), $family::OPS)),*];
    };
}

mod elementwise;
pub mod optimize;

families! {
    unary,
    unary_grad,
    binary,
    compare,
    select,
    cast,
    random,
    loss,
    view,
    join,
    pad,
    index,
    matmul,
    linear,
    einsum,
    reduce,
    scan,
    sort,
    softmax,
    norm,
    conv,
    pool,
    resample,
    unfold,
    recurrent,
}

/// Whether an op of this name exists in the crate.
pub(crate) fn is_registered(name: &str) -> bool {
    REGISTRY.iter().any(|(_, names)| names.contains(&name))
}
