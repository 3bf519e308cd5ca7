//! A thread that runs loops, and the threads of its pool that help it.
//!
//! Waking a sleeping thread takes tens of microseconds, as long as most loops of a training step. So a helper, once it
//! has been called, stays for a while after each loop and watches for the next one; starting a loop is then a store that
//! it sees within a fraction of a microsecond. Helpers are jobs of the rayon pool that the calling thread belongs to.
//! Nothing depends on them: the calling thread takes every task that no helper has taken.
//!
//! The tasks of a loop are divided into equal runs, one a thread, and a thread that is done with its own goes on with the
//! others': in consecutive loops over the same arrays, most elements meet the core that has them in its cache.

use std::any::Any;
use std::cell::{Cell, RefCell, UnsafeCell};
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::yield_now;
use std::time::{Duration, Instant};

/// How long a helper watches for the next loop without giving its core to other threads that ask for it.
const WATCH: Duration = Duration::from_micros(20);
/// How long a helper stays after a loop.
const STAY: Duration = Duration::from_micros(100);
/// Looks at a place in memory between two looks at the clock: about a microsecond.
const LOOKS: usize = 32;

thread_local! {
    /// Whether this thread is running a task.
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
    /// This thread and its helpers, from its first loop on.
    static CREW: RefCell<Option<Arc<Crew>>> = const { RefCell::new(None) };
}

/// Runs `task(0)`, …, `task(count − 1)`, each once, on this thread and those of its pool. A loop inside a task runs on
/// the task's thread.
///
/// # Panics
/// When a task does, with what it panicked with, after all threads have left the loop.
pub(super) fn run(count: usize, task: &(dyn Fn(usize) + Sync)) {
    let threads = rayon::current_num_threads();
    if threads == 1 || count < 2 || IN_TASK.get() {
        (0..count).for_each(task);
    } else {
        Crew::of_this_thread(threads).run(count, task);
    }
}

struct Crew {
    gate: Gate,
    /// One for each thread; the first is the calling thread's.
    seats: Box<[Seat]>,
    /// What a helper's task panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Where helpers enter a loop. On cache lines of its own, together with all that they need to begin.
#[repr(align(128))]
struct Gate {
    /// The number of helpers inside, [`OPEN`] while more may enter, [`FAILED`] after a panic.
    state: AtomicUsize,
    /// Written by the calling thread only, while the gate is closed and nobody is inside; read from inside only.
    work: UnsafeCell<Work>,
}

const OPEN: usize = 1 << (usize::BITS - 1);
const FAILED: usize = OPEN >> 1;
const INSIDE: usize = FAILED - 1;

#[derive(Clone, Copy)]
struct Work {
    task: &'static (dyn Fn(usize) + Sync),
    count: usize,
    /// Runs that the tasks are divided into.
    runs: usize,
}

impl Work {
    /// The first task of run `i`.
    fn start(&self, i: usize) -> usize {
        self.count / self.runs * i + (self.count % self.runs).min(i)
    }
}

/// A thread's place in the crew, and its run of tasks.
#[repr(align(128))]
#[derive(Default)]
struct Seat {
    /// The next task of the run.
    next: AtomicUsize,
    /// Whether a helper has been called to this seat and has not left it.
    taken: AtomicBool,
}

// SAFETY: `Gate::work` is written by the calling thread while nobody else may read it; see there. All else is Sync.
unsafe impl Sync for Crew {}

impl Crew {
    fn of_this_thread(threads: usize) -> Arc<Crew> {
        CREW.with_borrow_mut(|crew| match crew {
            Some(crew) if crew.seats.len() == threads => crew.clone(),
            _ => crew.insert(Arc::new(Crew::new(threads))).clone(),
        })
    }

    fn new(threads: usize) -> Self {
        let work = Work { task: &|_| {}, count: 0, runs: 1 };
        Self {
            gate: Gate { state: AtomicUsize::new(0), work: UnsafeCell::new(work) },
            seats: (0..threads).map(|_| Seat::default()).collect(),
            panic: Mutex::new(None),
        }
    }

    /// Called by the thread whose crew it is, outside of all tasks.
    fn run(self: &Arc<Self>, count: usize, task: &(dyn Fn(usize) + Sync)) {
        // SAFETY: the reference is used by threads inside the loop only, and this function does not return before all
        // have left it and none can enter any more.
        let task =
            unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(task) };
        let work = Work { task, count, runs: count.min(self.seats.len()) };
        for (i, seat) in self.seats[..work.runs].iter().enumerate() {
            seat.next.store(work.start(i), Relaxed);
        }
        // SAFETY: the last loop has left the gate closed and nobody inside.
        unsafe { *self.gate.work.get() = work };
        self.gate.state.store(OPEN, Release);
        for i in 1..work.runs {
            self.call(i);
        }
        let outcome = self.take_part(0, work);
        self.close();
        let mut patience = Patience::default();
        let state = loop {
            let state = self.gate.state.load(Acquire);
            if state & INSIDE == 0 {
                break state;
            }
            patience.wait();
        };
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
        if state & FAILED != 0 {
            let panic = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
            resume_unwind(panic.expect("a helper leaves what its task panicked with"));
        }
    }

    /// Sees to it that a helper is or will be at this seat.
    fn call(self: &Arc<Self>, seat: usize) {
        if !self.seats[seat].taken.load(Relaxed) {
            self.seats[seat].taken.store(true, Relaxed);
            let crew = self.clone();
            rayon::spawn(move || crew.help(seat));
        }
    }

    /// What a helper does. One that comes while its own thread is in a task, or turns out to be the calling thread itself,
    /// is of no use.
    fn help(self: Arc<Self>, seat: usize) {
        let own = CREW.with_borrow(|crew| crew.as_ref().is_some_and(|crew| Arc::ptr_eq(crew, &self)));
        while !own && !IN_TASK.get() && self.watch() {
            if self.enter() {
                // SAFETY: this thread is inside.
                let outcome = self.take_part(seat, unsafe { *self.gate.work.get() });
                self.close();
                if let Err(panic) = outcome {
                    *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
                    self.gate.state.fetch_or(FAILED, Relaxed);
                }
                self.gate.state.fetch_sub(1, Release);
            }
        }
        self.seats[seat].taken.store(false, Relaxed);
    }

    /// Waits for the gate to open, for a while.
    fn watch(&self) -> bool {
        let mut patience = Patience::default();
        loop {
            if self.gate.state.load(Relaxed) & OPEN != 0 {
                return true;
            }
            if patience.wait() > STAY {
                return false;
            }
        }
    }

    fn enter(&self) -> bool {
        let state = self.gate.state.load(Relaxed);
        state & OPEN != 0 && self.gate.state.compare_exchange(state, state + 1, Acquire, Relaxed).is_ok()
    }

    /// Lets nobody in any more: there are no tasks left to take.
    fn close(&self) {
        self.gate.state.fetch_and(!OPEN, Relaxed);
    }

    /// Runs tasks until none is left, those of its own run first.
    fn take_part(&self, seat: usize, work: Work) -> Result<(), Box<dyn Any + Send>> {
        IN_TASK.set(true);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            for run in (seat..work.runs).chain(0..seat) {
                let (next, end) = (&self.seats[run].next, work.start(run + 1));
                loop {
                    let i = next.fetch_add(1, Relaxed);
                    if i >= end {
                        break;
                    }
                    (work.task)(i);
                }
            }
        }));
        IN_TASK.set(false);
        outcome
    }
}

/// A wait for another thread: at first with the core to itself, later giving way to whoever asks for it.
#[derive(Default)]
struct Patience {
    looks: usize,
    since: Option<Instant>,
    waited: Duration,
}

impl Patience {
    /// Lets some time pass before the next look, more and more politely; returns how long the wait has been.
    fn wait(&mut self) -> Duration {
        self.looks += 1;
        if self.looks.is_multiple_of(LOOKS) || self.waited > WATCH {
            self.waited = self.since.get_or_insert_with(Instant::now).elapsed();
        }
        if self.waited > WATCH {
            yield_now()
        } else {
            spin_loop()
        }
        self.waited
    }
}
