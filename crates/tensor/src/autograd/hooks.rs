//! Functions that see, and may replace, the cotangent of one tensor.

use super::node::lock;
use crate::{Error, Result, Tensor};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};

type Hook = Arc<dyn Fn(&Tensor) -> Option<Tensor> + Send + Sync>;

type Registered = Mutex<Vec<(u64, Hook)>>;

/// The hooks of one tensor. Most tensors have none, and then there is no list either.
#[derive(Default)]
pub(crate) struct Hooks(OnceLock<Box<Registered>>);

/// Names a registered hook, for removing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookHandle(u64);

impl Hooks {
    pub fn add(&self, hook: Hook) -> HookHandle {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Relaxed);
        lock(self.0.get_or_init(Box::default)).push((id, hook));
        HookHandle(id)
    }

    pub fn remove(&self, handle: HookHandle) {
        if let Some(hooks) = self.0.get() {
            lock(hooks).retain(|(id, _)| *id != handle.0);
        }
    }

    /// The cotangent as the hooks leave it, one after the other.
    pub fn run(&self, mut cotangent: Tensor) -> Result<Tensor> {
        let Some(hooks) = self.0.get() else { return Ok(cotangent) };
        // Not under the lock: a hook may remove itself.
        let hooks: Vec<Hook> = lock(hooks).iter().map(|(_, hook)| hook.clone()).collect();
        for hook in hooks {
            if let Some(replacement) = hook(&cotangent) {
                if replacement.spec() != cotangent.spec() {
                    let (found, wanted) = (replacement.spec(), cotangent.spec());
                    return Err(Error::autograd(format!(
                        "a hook replaced a cotangent of {wanted} by {found}"
                    )));
                }
                cotangent = replacement;
            }
        }
        Ok(cotangent)
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} hooks", self.0.get().map_or(0, |hooks| lock(hooks).len()))
    }
}
