//! Memory that tensors live in: aligned buffers, the cache they come from, the same on a device, and a version of each.

mod buffer;
mod cache;
mod cell;

pub(crate) use buffer::Buffer;
pub use buffer::{Foreign, Lease};
pub use cache::{live_bytes, peak_bytes, release_cache};
pub(crate) use cell::{ReadGuard, Storage, WriteGuard};
