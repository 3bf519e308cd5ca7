//! A thread that prepares the next items while the caller works on the present one.

use crate::error::{Error, Result};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

/// An iterator whose items are made on another thread, up to a fixed number ahead, in the same order.
///
/// Errors are items like any other. A panic of the other thread goes on in the thread that asks for the next item.
/// Dropping this ends the thread after the item that it is making.
#[derive(Debug)]
pub struct Prefetch<T> {
    /// `None` only while dropping: the thread ends when it finds nobody listening.
    items: Option<Receiver<T>>,
    worker: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Prefetch<T> {
    /// Starts to run through `items`, at most `ahead` of them (and the one being made) before they are asked for.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn new(items: impl Iterator<Item = T> + Send + 'static, ahead: usize) -> Result<Self> {
        let (sender, receiver) = sync_channel(ahead);
        let work = move || {
            for item in items {
                if sender.send(item).is_err() {
                    break;
                }
            }
        };
        let worker =
            std::thread::Builder::new().name("prefetch".into()).spawn(work).map_err(Error::Thread)?;
        Ok(Self { items: Some(receiver), worker: Some(worker) })
    }
}

impl<T> Iterator for Prefetch<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if let Ok(item) = self.items.as_ref()?.recv() {
            return Some(item);
        }
        // The sender is gone: the iterator came to its end, or the thread panicked.
        if let Some(Err(panic)) = self.worker.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
        None
    }
}

impl<T> Drop for Prefetch<T> {
    fn drop(&mut self) {
        self.items = None;
        if let Some(worker) = self.worker.take() {
            // A panic that nobody asked for is not worth a second one while dropping.
            let _ = worker.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn yields_the_same_items_in_the_same_order() {
        for ahead in [0, 1, 7, 1000] {
            let items: Vec<u32> = Prefetch::new(0..100, ahead).expect("a thread").collect();
            assert_eq!(items, (0..100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn stays_at_its_end() {
        let mut items = Prefetch::new(0..1, 1).expect("a thread");
        assert_eq!((items.next(), items.next(), items.next()), (Some(0), None, None));
    }

    #[test]
    fn works_ahead_no_further_than_told_and_ends_when_dropped() {
        let made = Arc::new(AtomicUsize::new(0));
        let counter = made.clone();
        let mut items = Prefetch::new((0..).inspect(move |_| _ = counter.fetch_add(1, Ordering::SeqCst)), 3)
            .expect("a thread");
        assert_eq!(items.next(), Some(0));
        // Dropping joins the thread of an endless iterator: this test would not return otherwise.
        drop(items);
        // One handed over, three waiting, one refused.
        assert!(made.load(Ordering::SeqCst) <= 5, "{} items were made", made.load(Ordering::SeqCst));
        assert_eq!(Arc::strong_count(&made), 1, "the iterator is still alive");
    }

    #[test]
    fn passes_a_panic_on_after_the_items_before_it() {
        let failing = (0..5).map(|item| if item == 2 { panic!("item {item} cannot be made") } else { item });
        let mut items = Prefetch::new(failing, 1).expect("a thread");
        assert_eq!((items.next(), items.next()), (Some(0), Some(1)));
        let panic = catch_unwind(AssertUnwindSafe(|| items.next())).expect_err("the panic of the thread");
        assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some("item 2 cannot be made"));
    }
}
