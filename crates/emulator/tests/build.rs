//! Building the libraries: what is built once, and what goes wrong.

use std::path::{Path, PathBuf};
use std::process::Command;

use wengert_emulator::{Error, Instrumentation, build};

/// A folder with one kernel file, which the test removes.
fn folder_with(name: &str, kernel: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("wengert-emulator-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.cu")), kernel).unwrap();
    folder
}

fn error_of(name: &str, kernel: &str) -> Error {
    let folder = folder_with(name, kernel);
    let error = build(Instrumentation::None, Some(&folder)).unwrap_err();
    std::fs::remove_dir_all(folder).unwrap();
    error
}

#[test]
fn the_same_files_are_built_once() {
    let first = build(Instrumentation::None, None).unwrap();
    let made = std::fs::metadata(first.join("libcuda.so")).unwrap().modified().unwrap();
    assert_eq!(build(Instrumentation::None, None).unwrap(), first);
    assert_eq!(std::fs::metadata(first.join("libcuda.so")).unwrap().modified().unwrap(), made);
    let folder =
        folder_with("another", "#include \"common.cuh\"\nKERNEL(another)(float* y) { *y = 1.0f; }\n");
    assert_ne!(build(Instrumentation::None, Some(&folder)).unwrap(), first);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_kernel_that_does_not_compile_is_shown_with_its_line() {
    let error = error_of("broken", "#include \"common.cuh\"\n\nKERNEL(broken)(float* y) { *y = missing; }\n");
    assert!(matches!(&error, Error::Compile { file, .. } if file.ends_with("broken.cu")), "{error}");
    assert!(error.to_string().contains("broken.cu:3:"), "{error}");
}

#[test]
fn a_kernel_with_a_mangled_name_is_refused() {
    let error =
        error_of("mangled", "#include \"common.cuh\"\n__global__ void mangled(float* y) { *y = 1.0f; }\n");
    assert!(error.to_string().contains("mangled.cu: a kernel must be declared as KERNEL(name)"), "{error}");
}

/// Builds without a search path; else it is a test that does nothing.
#[test]
fn child() {
    if std::env::var_os("WENGERT_TEST_WITHOUT_COMPILER").is_some() {
        println!("answer: {}", wengert_emulator::load().unwrap_err());
    }
}

#[test]
fn a_machine_without_a_compiler_is_told_so() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env("WENGERT_TEST_WITHOUT_COMPILER", "1");
    let output = command.env("PATH", Path::new("/nonexistent")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("answer: the CUDA emulator needs the C++ compiler g++, which cannot be run"),
        "{text}"
    );
}
