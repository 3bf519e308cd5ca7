//! Tensor methods as functions that may fail, for callers whose mistakes come from outside.

use crate::{Error, Result};
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Whether this thread is inside of [`attempt`]: a panic is then somebody's answer, and no hook need report it.
pub fn is_attempting() -> bool {
    DEPTH.get() > 0
}

/// Runs `body`, in which tensor methods and operators may meet shapes, types and numbers that nobody has checked.
///
/// # Errors
/// What a method would have panicked with: the error that [`apply`](crate::apply()) gives, or [`Error::Refused`].
pub fn attempt<R>(body: impl FnOnce() -> R) -> Result<R> {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }
    DEPTH.set(DEPTH.get() + 1);
    let _leave = Leave;
    // Nothing is left half done: locks are used on after a panic, and thread-local state is restored by guards.
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| match payload.downcast::<Error>() {
        Ok(error) => *error,
        Err(payload) => Error::Refused(message(payload.as_ref())),
    })
}

/// Panics with `error`: silently where [`attempt`] waits for it.
#[track_caller]
pub(crate) fn fail(error: Error) -> ! {
    match is_attempting() {
        true => resume_unwind(Box::new(error)),
        false => panic!("{error}"),
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text =
        payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Tensor};

    #[test]
    fn a_mistake_is_the_error_that_apply_gives() {
        let (a, b) = (Tensor::ones(2, DType::F32), Tensor::ones(3, DType::F32));
        assert!(matches!(attempt(|| &a + &b), Err(Error::Shape { op: "add", .. })));
        assert!(matches!(attempt(|| a.to_dtype(DType::I64).exp()), Err(Error::DType { op: "exp", .. })));
        assert_eq!(attempt(|| a.sum_all().item()).unwrap(), 2.0);
        assert!(!is_attempting());
    }

    #[test]
    fn a_refusal_keeps_its_message() {
        let refused = attempt(|| Tensor::arange(0, 3, 0)).unwrap_err();
        assert!(matches!(&refused, Error::Refused(message) if message.contains("the step must not be zero")));
    }
}
