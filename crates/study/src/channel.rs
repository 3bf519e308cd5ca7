//! A channel from one sender to many receivers that never makes the sender wait: each receiver has room for so many
//! messages, and where it is full the oldest goes.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

/// The sending end; clones send to the same receivers.
#[derive(Debug)]
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

#[derive(Debug)]
struct Shared<T> {
    receivers: Mutex<Vec<Weak<Mutex<Queue<T>>>>>,
    /// How many receivers there are, to be read without the lock.
    count: AtomicUsize,
    room: usize,
}

/// What waits for a receiver.
#[derive(Debug)]
struct Queue<T> {
    messages: VecDeque<T>,
    dropped: u64,
    is_closed: bool,
    waker: Option<Waker>,
}

/// Makes receivers for as long as there is a sender.
#[derive(Debug)]
pub struct Subscriber<T> {
    shared: Weak<Shared<T>>,
}

/// A receiving end. It gets what is sent after it was made.
#[derive(Debug)]
pub struct Receiver<T> {
    queue: Arc<Mutex<Queue<T>>>,
    shared: Weak<Shared<T>>,
}

/// What a receiver takes out at once.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch<T> {
    /// The messages, the oldest first.
    pub messages: Vec<T>,
    /// How many were dropped before them since the last batch.
    pub dropped: u64,
}

/// Everything under these locks is changed in single steps, so it is whole even if a thread has died holding one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Clone> Sender<T> {
    /// A channel whose receivers keep at most `room` messages each.
    ///
    /// # Panics
    /// When `room` is 0.
    pub fn new(room: usize) -> Self {
        assert!(room > 0, "a receiver needs room for a message");
        let shared = Shared { receivers: Mutex::default(), count: AtomicUsize::new(0), room };
        Self { shared: Arc::new(shared) }
    }

    /// What makes receivers, and does not keep the channel open.
    pub fn subscriber(&self) -> Subscriber<T> {
        Subscriber { shared: Arc::downgrade(&self.shared) }
    }

    /// How many receivers there are.
    pub fn receivers(&self) -> usize {
        self.shared.count.load(Ordering::Relaxed)
    }

    /// Hands a message to each receiver and comes back at once, whatever the receivers do.
    pub fn send(&self, message: T) {
        if self.receivers() == 0 {
            return;
        }
        let mut wakers = Vec::new();
        lock(&self.shared.receivers).retain(|receiver| {
            let Some(queue) = receiver.upgrade() else { return false };
            let mut queue = lock(&queue);
            if queue.messages.len() == self.shared.room {
                queue.messages.pop_front();
                queue.dropped += 1;
            }
            queue.messages.push_back(message.clone());
            wakers.extend(queue.waker.take());
            true
        });
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl<T> Subscriber<T> {
    /// How many receivers there are.
    pub fn receivers(&self) -> usize {
        self.shared.upgrade().map_or(0, |shared| shared.count.load(Ordering::Relaxed))
    }

    /// Whether the sender is gone.
    pub fn is_closed(&self) -> bool {
        self.shared.strong_count() == 0
    }

    /// A new receiver; one that is closed already where the sender is gone.
    pub fn subscribe(&self) -> Receiver<T> {
        let shared = self.shared.upgrade();
        let is_closed = shared.is_none();
        let queue = Queue { messages: VecDeque::new(), dropped: 0, is_closed, waker: None };
        let queue = Arc::new(Mutex::new(queue));
        if let Some(shared) = shared {
            lock(&shared.receivers).push(Arc::downgrade(&queue));
            shared.count.fetch_add(1, Ordering::Relaxed);
        }
        Receiver { queue, shared: self.shared.clone() }
    }
}

impl<T> Clone for Subscriber<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        for receiver in lock(&self.receivers).drain(..) {
            let Some(queue) = receiver.upgrade() else { continue };
            let mut queue = lock(&queue);
            queue.is_closed = true;
            if let Some(waker) = queue.waker.take() {
                waker.wake();
            }
        }
    }
}

impl<T> Receiver<T> {
    /// All that waits; `None` where nothing does and the sender is gone. With nothing there the context is woken by the
    /// next message.
    pub fn poll_batch(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Batch<T>>> {
        let mut queue = lock(&self.queue);
        if !queue.messages.is_empty() {
            let messages = queue.messages.drain(..).collect();
            let dropped = std::mem::take(&mut queue.dropped);
            return Poll::Ready(Some(Batch { messages, dropped }));
        }
        if queue.is_closed {
            return Poll::Ready(None);
        }
        queue.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.count.fetch_sub(1, Ordering::Relaxed);
            let queue = Arc::downgrade(&self.queue);
            lock(&shared.receivers).retain(|receiver| !receiver.ptr_eq(&queue));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;
    use std::task::Wake;

    #[derive(Default)]
    struct Flag(AtomicBool);

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    fn poll(receiver: &mut Receiver<u32>, flag: &Arc<Flag>) -> Poll<Option<Batch<u32>>> {
        let waker = Waker::from(flag.clone());
        Pin::new(receiver).poll_batch(&mut Context::from_waker(&waker))
    }

    fn ready(messages: &[u32], dropped: u64) -> Poll<Option<Batch<u32>>> {
        Poll::Ready(Some(Batch { messages: messages.to_vec(), dropped }))
    }

    #[test]
    fn the_oldest_message_makes_room_and_is_counted() {
        let sender = Sender::new(3);
        let (mut slow, flag) = (sender.subscriber().subscribe(), Arc::default());
        (0..5).for_each(|number| sender.send(number));
        assert_eq!(poll(&mut slow, &flag), ready(&[2, 3, 4], 2));
        assert_eq!(poll(&mut slow, &flag), Poll::Pending);
        sender.send(5);
        assert_eq!(poll(&mut slow, &flag), ready(&[5], 0));
    }

    #[test]
    fn a_message_wakes_whoever_waits_and_the_end_does_too() {
        let sender = Sender::new(1);
        let (mut receiver, flag) = (sender.subscriber().subscribe(), Arc::<Flag>::default());
        assert_eq!(poll(&mut receiver, &flag), Poll::Pending);
        sender.send(1);
        assert!(flag.0.swap(false, Ordering::SeqCst));
        assert_eq!(poll(&mut receiver, &flag), ready(&[1], 0));
        assert_eq!(poll(&mut receiver, &flag), Poll::Pending);
        let subscriber = sender.subscriber();
        drop(sender);
        assert!(flag.0.load(Ordering::SeqCst));
        assert_eq!(poll(&mut receiver, &flag), Poll::Ready(None));
        assert_eq!(poll(&mut subscriber.subscribe(), &flag), Poll::Ready(None));
    }

    #[test]
    fn a_receiver_that_is_gone_is_forgotten() {
        let sender = Sender::new(2);
        let receivers: Vec<_> = (0..10).map(|_| sender.subscriber().subscribe()).collect();
        assert_eq!(sender.receivers(), 10);
        drop(receivers);
        assert_eq!((sender.receivers(), lock(&sender.shared.receivers).len()), (0, 0));
        sender.send(1);
        let (mut late, flag) = (sender.subscriber().subscribe(), Arc::default());
        assert_eq!(poll(&mut late, &flag), Poll::Pending);
    }
}
