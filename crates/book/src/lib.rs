//! *Backprop from the inside*: the chapters of `docs/book`, whose code is compiled and run as documentation tests, and the
//! [figures] drawn from what the engine prints; and numbered [kernels].

pub mod figures;
pub mod kernels;
pub mod svg;

#[doc = include_str!("../../../docs/book/src/introduction.md")]
pub mod introduction {}
#[doc = include_str!("../../../docs/book/src/values.md")]
pub mod values {}
#[doc = include_str!("../../../docs/book/src/list.md")]
pub mod list {}
#[doc = include_str!("../../../docs/book/src/walk.md")]
pub mod walk {}
#[doc = include_str!("../../../docs/book/src/broadcasting.md")]
pub mod broadcasting {}
#[doc = include_str!("../../../docs/book/src/matmul.md")]
pub mod matmul {}
#[doc = include_str!("../../../docs/book/src/convolution.md")]
pub mod convolution {}
#[doc = include_str!("../../../docs/book/src/normalisation.md")]
pub mod normalisation {}
#[doc = include_str!("../../../docs/book/src/softmax.md")]
pub mod softmax {}
#[doc = include_str!("../../../docs/book/src/checking.md")]
pub mod checking {}
#[doc = include_str!("../../../docs/book/src/second.md")]
pub mod second {}
#[doc = include_str!("../../../docs/book/src/memory.md")]
pub mod memory {}
#[doc = include_str!("../../../docs/book/src/optimisers.md")]
pub mod optimisers {}
#[doc = include_str!("../../../docs/book/src/gemm.md")]
pub mod gemm {}
#[doc = include_str!("../../../docs/book/src/launches.md")]
pub mod launches {}
#[doc = include_str!("../../../docs/book/src/vae.md")]
pub mod vae {}
#[doc = include_str!("../../../docs/book/src/gans.md")]
pub mod gans {}
#[doc = include_str!("../../../docs/book/src/wasserstein.md")]
pub mod wasserstein {}
#[doc = include_str!("../../../docs/book/src/hybrids.md")]
pub mod hybrids {}
#[doc = include_str!("../../../docs/book/src/measuring.md")]
pub mod measuring {}
