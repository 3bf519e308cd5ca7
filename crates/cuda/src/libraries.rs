//! Where the libraries of NVIDIA are.
//!
//! The system's loader finds what an installed toolkit or driver has registered. What `pip` has put into a folder of
//! Python's, it does not: such a library is loaded by its path first, and a later request by name then finds it.

use std::path::PathBuf;
use std::sync::Once;

/// The environment variable with further folders, separated as in `PATH`.
pub const FOLDERS_VARIABLE: &str = "WENGERT_CUDA_LIBS";

/// A library that is looked for once, and that the program does without where there is none.
pub(crate) struct Library {
    /// Its files: what it loads itself, which must be there first, and last the library.
    files: &'static [&'static str],
    /// Whether cudarc finds it, which must be known before anything else of it is called: cudarc panics without it.
    is_present: fn() -> bool,
    search: Once,
}

/// NVRTC, which compiles kernels.
pub(crate) static COMPILER: Library =
    // SAFETY: loads libnvrtc where there is one; its initialisers are NVIDIA's and have no preconditions.
    Library::new(&["libnvrtc-builtins.so.13.0", "libnvrtc.so.13"], || unsafe {
            cudarc::nvrtc::sys::is_culib_present()
        });

/// cuBLASLt, which multiplies matrices.
pub(crate) static CUBLASLT: Library =
    // SAFETY: as above, libcublasLt.
    Library::new(&["libcublasLt.so.13"], || unsafe { cudarc::cublaslt::sys::is_culib_present() });

impl Library {
    const fn new(files: &'static [&'static str], is_present: fn() -> bool) -> Self {
        Self { files, is_present, search: Once::new() }
    }

    /// Its file name.
    pub fn name(&self) -> &'static str {
        self.files.last().expect("a library is a file")
    }

    /// Its path in one of the known folders.
    pub fn path(&self) -> Option<PathBuf> {
        find(self.name())
    }

    /// Whether it can be used; looks for it at the first call.
    pub fn load(&self) -> bool {
        self.search.call_once(|| {
            if !(self.is_present)() {
                self.files.iter().filter_map(|name| find(name)).for_each(preload);
            }
        });
        (self.is_present)()
    }
}

/// The file's path in one of the known folders.
fn find(name: &str) -> Option<PathBuf> {
    folders().into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Loads a library for good, so that a later request by its name finds it.
fn preload(path: PathBuf) {
    // SAFETY: the file carries the name of a library of NVIDIA's and lies where those are installed or where the user
    // says so; its initialisers have no preconditions.
    if let Ok(library) = unsafe { libloading::Library::new(path) } {
        std::mem::forget(library);
    }
}

/// Folders that may hold the libraries, the user's own first. Never one of `stubs`, whose libcuda does nothing.
fn folders() -> Vec<PathBuf> {
    let named = std::env::var_os(FOLDERS_VARIABLE).unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&named).collect();
    let environments =
        ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(std::env::var_os).map(PathBuf::from);
    for root in environments.chain([PathBuf::from("/usr/local"), PathBuf::from("/usr")]) {
        let Ok(entries) = root.join("lib").read_dir() else { continue };
        // lib/python3.11/site-packages, and what Debian calls dist-packages.
        for entry in
            entries.flatten().filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"python3"))
        {
            for packages in ["site-packages", "dist-packages"] {
                let nvidia = entry.path().join(packages).join("nvidia");
                folders
                    .extend(["cu13/lib", "cuda_nvrtc/lib", "cublas/lib"].map(|folder| nvidia.join(folder)));
            }
        }
    }
    folders.extend(["/usr/local/cuda/lib64", "/usr/local/nvidia/lib64"].map(PathBuf::from));
    folders.retain(|folder| folder.is_dir() && !folder.ends_with("stubs"));
    folders
}
