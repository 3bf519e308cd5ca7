//! Loops, their cuts and the threads that run them.

use super::*;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

#[test]
fn every_element_is_visited_once_whatever_the_chunk() {
    for (len, chunk) in [(0, 4), (1, 4), (4, 4), (5, 4), (1000, 7), (3, 0)] {
        let mut out = vec![0; len];
        chunks_mut(&mut out, chunk, |start, part| {
            part.iter_mut().enumerate().for_each(|(i, value)| *value += start + i + 1);
        });
        assert_eq!(out, (1..=len).collect::<Vec<_>>());
        let sums = map_ranges(len, chunk, |range| range.sum::<usize>());
        assert_eq!(sums.len(), len.div_ceil(chunk.max(1)));
        assert_eq!(sums.iter().sum::<usize>(), (0..len).sum());
    }
}

#[test]
fn rows_of_two_arrays_stay_together() {
    for count in [0, 1, 5, 3000] {
        let (mut wide, mut narrow) = (vec![0; count * 3], vec![0; count]);
        rows_of_arrays_mut([&mut wide, &mut narrow], [3, 1], 100, |first, [wide, narrow]| {
            for (i, (wide, narrow)) in wide.chunks_exact_mut(3).zip(narrow).enumerate() {
                wide.fill(first + i);
                *narrow += first + i;
            }
        });
        assert!((0..count).all(|row| wide[row * 3..][..3] == [row; 3] && narrow[row] == row));
    }
}

#[test]
fn groups_are_filled_in_order() {
    for weights in
        [vec![], vec![CHUNK; 3], vec![1; 2 * CHUNK + 1], vec![CHUNK / 3, CHUNK, 0, 5, CHUNK - 5, 1]]
    {
        let mut items: Vec<(usize, usize)> = weights.iter().map(|&weight| (weight, 0)).collect();
        groups_mut(
            &mut items,
            |&(weight, _)| weight,
            |group| {
                let before_the_last: usize = group.iter().rev().skip(1).map(|&(weight, _)| weight).sum();
                assert!(before_the_last < CHUNK);
                group.iter_mut().for_each(|(_, visits)| *visits += 1);
            },
        );
        assert!(items.iter().all(|&(_, visits)| visits == 1));
    }
}

/// Calls `body` in a pool of so many threads.
fn with_threads<R: Send>(threads: usize, body: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start").install(body)
}

/// Runs `count` tasks and expects each to have run once.
fn expect_each_once(count: usize, during: impl Fn(usize) + Sync) {
    let runs: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
    tasks(count, &|i| {
        during(i);
        runs[i].fetch_add(1, Relaxed);
    });
    assert!(runs.iter().all(|runs| runs.load(Relaxed) == 1));
}

#[test]
fn every_task_runs_once_for_any_number_of_threads() {
    for threads in [1, 2, 3, 8] {
        with_threads(threads, || {
            for round in 0..200 {
                expect_each_once(round % 40, |_| {});
            }
        });
    }
    expect_each_once(100, |_| {});
}

#[test]
fn a_helper_that_has_left_is_called_again() {
    with_threads(2, || {
        for pause in [0, 1, 50, 5000, 100, 10_000] {
            std::thread::sleep(Duration::from_micros(pause));
            // The first task to start waits for the second, which another thread must take.
            let started = AtomicUsize::new(0);
            let wait = |_| {
                let first = started.fetch_add(1, Relaxed) == 0;
                let start = Instant::now();
                while first && started.load(Relaxed) < 2 && start.elapsed() < Duration::from_secs(5) {
                    std::thread::yield_now();
                }
            };
            expect_each_once(2, wait);
        }
    });
}

#[test]
fn loops_within_tasks_and_in_several_threads_at_once() {
    let nested = || {
        for _ in 0..50 {
            expect_each_once(9, |_| expect_each_once(5, |_| expect_each_once(2, |_| {})));
        }
    };
    with_threads(3, nested);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(nested);
        }
    });
    // Callers that are themselves threads of one pool, and whose helpers therefore are.
    with_threads(2, || rayon::join(nested, || rayon::join(nested, nested)));
}

#[test]
fn a_panic_in_a_task_reaches_the_caller_and_the_next_loop_runs() {
    for threads in [1, 2, 4] {
        with_threads(threads, || {
            for guilty in 0..8 {
                let attempt = || tasks(8, &|i| assert!(i != guilty, "task {i} fails"));
                let panic = std::panic::catch_unwind(attempt).expect_err("a task fails");
                assert_eq!(*panic.downcast::<String>().expect("a message"), format!("task {guilty} fails"));
                expect_each_once(8, |_| {});
            }
        });
    }
}

#[test]
fn a_panic_in_a_helper_reaches_the_caller() {
    with_threads(2, || {
        let caller = std::thread::current().id();
        let (helper_came, start) = (AtomicBool::new(false), Instant::now());
        let attempt = || {
            tasks(2, &|_| {
                if std::thread::current().id() != caller {
                    helper_came.store(true, Relaxed);
                    panic!("a helper fails");
                }
                while !helper_came.load(Relaxed) && start.elapsed() < Duration::from_secs(5) {
                    std::thread::yield_now();
                }
            });
        };
        let panic =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(attempt)).expect_err("a task fails");
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"a helper fails"));
        expect_each_once(2, |_| {});
    });
}
