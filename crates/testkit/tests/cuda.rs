//! The op case table on CUDA: on the machine's GPU where it has one, else on the emulated device.

/// A module of tests for each family.
macro_rules! families {
    ($($family:ident),* $(,)?) => {
        $(mod $family {
            use wengert_testkit::modes;

            #[test]
            fn cuda() {
                modes::check(stringify!($family), modes::cuda);
            }

            #[test]
            fn cuda_single() {
                modes::check(stringify!($family), modes::cuda_single);
            }
        })*
    };
}

families!(
    unary, binary, compare, select, random, loss, reduce, scan, sort, softmax, norm, view, join, index,
    matmul, conv, pool, resample, recurrent,
);
