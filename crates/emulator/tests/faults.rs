//! Kernels with a deliberate fault: what finds each, and that a healthy kernel passes there.
//!
//! A kernel runs in a process of its own, this test's program started again: a sanitizer ends the process at what it finds
//! and must be loaded before anything else, and the report of the emulator goes to standard error.

mod common;

use std::process::Command;

use common::{Device, shape};
use cudarc::driver::{LaunchConfig, PushKernelArg};
use wengert_emulator::Instrumentation;

const KERNEL: &str = "WENGERT_TEST_KERNEL";

/// The part of this file that runs in the child; without the variable it is a test that does nothing.
#[test]
fn child() {
    let Ok(kernel) = std::env::var(KERNEL) else { return };
    let device = Device::new();
    let mut y = device.stream.alloc_zeros::<f32>(64).unwrap();
    let function = device.function(&kernel);
    let mut launch = device.stream.launch_builder(&function);
    launch.arg(&mut y).arg(&64i32);
    // SAFETY: none is meant; the emulator is to notice.
    match unsafe { launch.launch(LaunchConfig { shared_mem_bytes: 256, ..shape(1, 64) }) } {
        Ok(_) => println!("passed: {:?}", device.stream.clone_dtoh(&y).unwrap()),
        Err(error) => println!("refused: {error:?}"),
    }
}

struct Outcome {
    passed: bool,
    text: String,
}

fn run(kernel: &str, watched_by: Instrumentation) -> Outcome {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]).env(KERNEL, kernel);
    command.env_remove("WENGERT_EMULATOR").env_remove("WENGERT_EMULATOR_BLOCKS");
    let output = command.envs(watched_by.environment().unwrap()).output().unwrap();
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Outcome { passed: output.status.success() && text.contains("passed: "), text }
}

fn assert_finds(watched_by: Instrumentation, kernel: &str, wanted: &str) {
    let Outcome { passed, text } = run(kernel, watched_by);
    assert!(!passed && text.contains(wanted), "{kernel}: {wanted:?} is not in:\n{text}");
    assert!(text.contains("faulty.cu:"), "{kernel}: no source line in:\n{text}");
}

fn assert_healthy(watched_by: Instrumentation) {
    for kernel in ["healthy", "keeps_an_array"] {
        let Outcome { passed, text } = run(kernel, watched_by);
        assert!(passed, "{kernel}: {text}");
    }
}

#[test]
fn the_scheduler_finds_threads_that_do_not_come() {
    assert_healthy(Instrumentation::None);
    assert_finds(
        Instrumentation::None,
        "skips_a_barrier",
        "a barrier that 48 threads of the block do not reach: they have returned",
    );
    assert_finds(
        Instrumentation::None,
        "waits_at_two_barriers",
        "a barrier that other threads do not reach: they wait at",
    );
    assert_finds(
        Instrumentation::None,
        "shuffles_without_half_of_a_warp",
        "a warp function waits for lane 16, which has returned",
    );
    assert_finds(
        Instrumentation::None,
        "reads_a_lane_outside_its_mask",
        "a shuffle reads lane 20, which is not in the mask",
    );
}

#[test]
fn a_crash_names_the_kernel() {
    let Outcome { passed, text } = run("reads_memory_that_is_not_there", Instrumentation::None);
    let wanted = "reads_memory_that_is_not_there, block (0,0,0), thread (7,0,0): signal 11";
    assert!(!passed && text.contains(wanted), "{text}");
}

#[test]
fn address_sanitizer_finds_accesses_out_of_bounds() {
    assert_healthy(Instrumentation::Address);
    assert_finds(Instrumentation::Address, "writes_beyond_a_buffer", "heap-buffer-overflow");
    assert_finds(Instrumentation::Address, "writes_beyond_shared_memory", "global-buffer-overflow");
    assert_finds(Instrumentation::Address, "writes_beyond_dynamic_shared_memory", "heap-buffer-overflow");
    assert_finds(Instrumentation::Address, "reads_a_misaligned_vector", "misaligned address");
}

#[test]
fn thread_sanitizer_finds_missing_barriers() {
    assert_healthy(Instrumentation::Thread);
    assert_finds(Instrumentation::Thread, "lacks_a_barrier", "data race");
    assert_finds(Instrumentation::Thread, "lacks_a_barrier_before_the_next_round", "data race");
    assert_finds(Instrumentation::Thread, "lacks_a_barrier_of_a_warp", "data race");
}
