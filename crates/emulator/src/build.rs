//! Which files make the libraries, with which flags, and where they go.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::Error;
use crate::compile::{Unit, hash, run};
use crate::error::at;

/// What watches the kernels while they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Instrumentation {
    /// Nothing but the scheduler.
    None,
    /// AddressSanitizer: accesses out of the bounds of an allocation or a shared array, and misaligned ones.
    Address,
    /// ThreadSanitizer: accesses of two threads of a block that no barrier orders.
    Thread,
}

impl Instrumentation {
    /// What must stand in the environment of a process that loads the libraries: which of them, and a sanitizer's own
    /// library, which must come before anything else, with its options. Without instrumentation that is nothing.
    ///
    /// # Errors
    /// There is no g++, or it comes without the sanitizer.
    pub fn environment(self) -> Result<Vec<(&'static str, String)>, Error> {
        let (name, library, options) = match self {
            Self::None => return Ok(Vec::new()),
            Self::Address => ("address", "libasan.so", ("ASAN_OPTIONS", "detect_leaks=0")),
            // Rust is compiled without the sanitizer, so of what it does only calls into the C library are seen, and what
            // orders them is not.
            Self::Thread => {
                ("thread", "libtsan.so", ("TSAN_OPTIONS", "halt_on_error=1:ignore_interceptors_accesses=1"))
            }
        };
        let found = run(Command::new("g++").arg(format!("-print-file-name={library}")), Path::new("g++"))?;
        let path = String::from_utf8_lossy(&found).trim().to_owned();
        if !path.starts_with('/') {
            return Err(Error::NoSanitizer(library));
        }
        Ok(vec![("WENGERT_EMULATOR", name.into()), ("LD_PRELOAD", path), (options.0, options.1.into())])
    }
}

const DRIVER: [&str; 7] = [
    "crash.cpp",
    "fibre.cpp",
    "runtime.cpp",
    "driver_device.cpp",
    "driver_memory.cpp",
    "driver_stream.cpp",
    "driver_launch.cpp",
];

/// Compiles the stand-in `libcuda.so`, with all `kernels/*.cu` and those of `extra_kernels`, and `libnvrtc.so`; returns
/// the folder they are in.
///
/// Only what changed is compiled: a build from the same files returns the folder of the first. Processes that build at the
/// same time take turns.
///
/// # Errors
/// There is no g++, or it refuses a file, or the target folder cannot be written.
pub fn build(instrumentation: Instrumentation, extra_kernels: Option<&Path>) -> Result<PathBuf, Error> {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cpp = crate_folder.join("cpp");
    let workspace = crate_folder.join("../..");
    let workspace = workspace.canonicalize().map_err(at(&workspace))?;
    let kernels = workspace.join("kernels");

    let target =
        match std::env::var_os("CARGO_TARGET_DIR").or(option_env!("CARGO_TARGET_DIR").map(Into::into)) {
            Some(folder) => workspace.join(folder),
            None => workspace.join("target"),
        };
    let folder = target.join("emulator");
    let objects = folder.join("objects");
    fs::create_dir_all(&objects).map_err(at(&objects))?;

    // The lock is let go when the file is closed.
    let lock_path = folder.join("lock");
    let lock = File::create(&lock_path).map_err(at(&lock_path))?;
    lock.lock().map_err(at(&lock_path))?;

    let common = flags(&cpp, &kernels);
    let mut kernel_files = files_in(&kernels, &["cu"])?;
    let mut read = files_in(&kernels, &["cu", "cuh"])?;
    read.extend(files_in(&cpp, &["cpp", "hpp"])?);
    if let Some(extra) = extra_kernels {
        kernel_files.extend(files_in(extra, &["cu"])?);
        read.extend(files_in(extra, &["cu", "cuh"])?);
    }
    let library = folder.join(library_name(instrumentation, &common, &read)?);
    if library.join("complete").exists() {
        return Ok(library);
    }

    let mut units: Vec<Unit> = kernel_files
        .into_iter()
        .map(|file| Unit { file, flags: with(&common, kernel_flags(instrumentation)), kernels: true })
        .collect();
    units.extend(DRIVER.iter().map(|name| Unit {
        file: cpp.join(name),
        flags: with(&common, runtime_flags(instrumentation)),
        kernels: false,
    }));
    let driver = compile_all(&units, &objects)?;
    let compiler = Unit { file: cpp.join("nvrtc.cpp"), flags: common, kernels: false }.compile(&objects)?;

    fs::create_dir_all(&library).map_err(at(&library))?;
    link(&driver, &library.join("libcuda.so"), link_flags(instrumentation))?;
    link(&[compiler], &library.join("libnvrtc.so"), &[])?;
    let complete = library.join("complete");
    File::create(&complete).map_err(at(&complete))?;
    prune(&folder);
    prune(&objects);
    Ok(library)
}

/// Removes what was built long ago. What is needed after all is built again, so a failure matters to nobody.
fn prune(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_none_or(|age| age < Duration::from_secs(14 * 24 * 3600)) {
            continue;
        }
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "o") {
            let _ = fs::remove_file(path);
        } else if path.join("complete").exists() {
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// The flags of every file. Arithmetic is what is written: a product and a sum are fused only where it says `fmaf`, which
/// with `-mfma` is an instruction and not a call.
fn flags(cpp: &Path, kernels: &Path) -> Vec<String> {
    let mut flags: Vec<String> = [
        "-std=gnu++17",
        "-O1",
        "-fPIC",
        "-fvisibility=hidden",
        "-ffp-contract=off",
        "-fno-math-errno",
        "-fno-diagnostics-show-caret",
    ]
    .map(String::from)
    .into();
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("fma") {
        flags.push("-mfma".into());
    }
    // Attributes that g++ does not know mark the kernels, and pragmas it does not know unroll loops.
    flags.extend(
        ["-Wall", "-Wno-attributes", "-Wno-unknown-pragmas", "-Wno-unused-function"].map(String::from),
    );
    flags.push(format!("-I{}", cpp.display()));
    flags.push(format!("-I{}", kernels.display()));
    flags
}

fn kernel_flags(instrumentation: Instrumentation) -> &'static [&'static str] {
    match instrumentation {
        Instrumentation::None => &["-include", "kernel.hpp"],
        Instrumentation::Address => &[
            "-include",
            "kernel.hpp",
            "-g1",
            "-fno-omit-frame-pointer",
            "-fsanitize=address,alignment",
            "-fno-sanitize-recover=alignment",
        ],
        Instrumentation::Thread => {
            &["-include", "kernel.hpp", "-g1", "-fno-omit-frame-pointer", "-fsanitize=thread"]
        }
    }
}

/// The scheduler is not watched itself: what it does to let threads take turns would be found faulty.
fn runtime_flags(instrumentation: Instrumentation) -> &'static [&'static str] {
    match instrumentation {
        Instrumentation::None => &["-O2"],
        Instrumentation::Address => &["-O2", "-DEMULATOR_ADDRESS=1"],
        Instrumentation::Thread => &["-O2", "-DEMULATOR_THREAD=1"],
    }
}

fn link_flags(instrumentation: Instrumentation) -> &'static [&'static str] {
    match instrumentation {
        Instrumentation::None => &[],
        Instrumentation::Address => &["-fsanitize=address,alignment"],
        Instrumentation::Thread => &["-fsanitize=thread"],
    }
}

fn with(common: &[String], more: &[&str]) -> Vec<String> {
    common.iter().cloned().chain(more.iter().map(|&flag| flag.into())).collect()
}

/// Names the library after all that goes into it, the compiler included.
fn library_name(
    instrumentation: Instrumentation,
    flags: &[String],
    files: &[PathBuf],
) -> Result<String, Error> {
    let kind = match instrumentation {
        Instrumentation::None => "plain",
        Instrumentation::Address => "address",
        Instrumentation::Thread => "thread",
    };
    let version = run(Command::new("g++").args(["-dumpfullversion", "-dumpmachine"]), Path::new("g++"))?;
    let mut texts = vec![kind.as_bytes().to_vec(), version, flags.join(" ").into_bytes()];
    texts.push(kernel_flags(instrumentation).join(" ").into_bytes());
    for file in files {
        texts.push(file.to_string_lossy().into_owned().into_bytes());
        texts.push(fs::read(file).map_err(at(file))?);
    }
    Ok(format!("{kind}-{}", hash(texts.iter().map(Vec::as_slice))))
}

/// The files of a folder with one of the extensions, in the order of their names.
fn files_in(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let file = entry.map_err(at(folder))?.path();
        if file.extension().is_some_and(|extension| extensions.iter().any(|wanted| extension == *wanted)) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// Compiles on all processors; the objects are in the order of the units.
fn compile_all(units: &[Unit], folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let next = AtomicUsize::new(0);
    let objects = Mutex::new(vec![None; units.len()]);
    let first_error = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(at) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&at| at < units.len())
                {
                    match units[at].compile(folder) {
                        Ok(object) => objects.lock().expect("no panic in a thread")[at] = Some(object),
                        Err(error) => {
                            first_error.lock().expect("no panic in a thread").get_or_insert(error);
                            next.store(units.len(), Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    match first_error.into_inner().expect("no panic in a thread") {
        Some(error) => Err(error),
        None => Ok(objects.into_inner().expect("no panic in a thread").into_iter().flatten().collect()),
    }
}

/// The library's own name is the one that `cudarc` asks for first: the loader then finds it loaded.
fn link(objects: &[PathBuf], library: &Path, flags: &[&str]) -> Result<(), Error> {
    let name = library.file_name().unwrap_or_default().to_string_lossy();
    let mut command = Command::new("g++");
    command.args(["-shared", "-Wl,-Bsymbolic", &format!("-Wl,-soname,{name}")]).args(flags).args(objects);
    run(command.arg("-o").arg(library), library).map(drop)
}
