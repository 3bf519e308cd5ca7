//! What the commands that compute share.

use anyhow::{Context, Result, bail};
use wengert_models::run::Reserved;

/// Threads to compute on, as many as there are cores for 0.
pub fn pool(threads: usize) -> Result<rayon::ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.context("the threads could not be started; pass a smaller --threads")
}

/// What came of a command that reserved a run folder. Where it failed before the run began, the folder is left as it was found,
/// and what cannot be brought back is told.
pub fn or_undo<T, E>(result: Result<T, E>, reserved: &mut Reserved) -> Result<T, E> {
    result.inspect_err(|_| {
        if let Err(left) = reserved.undo() {
            eprintln!("note: {left}");
        }
    })
}

/// Checks a count from the command line.
pub fn check_count(flag: &str, count: usize) -> Result<()> {
    if !(1..=100_000).contains(&count) {
        bail!("{flag} is {count}; it must be from 1 to 100000");
    }
    Ok(())
}
