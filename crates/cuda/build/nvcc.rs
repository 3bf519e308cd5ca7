//! Finds nvcc and has it compile kernels.

use crate::{Result, at};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

/// Which nvcc, or none where it is empty or 0.
const VARIABLE: &str = "WENGERT_NVCC";

/// The first to make what the kernels are tested with.
const OLDEST: (u32, u32) = (13, 0);

/// Flags of every file: machine code for Hopper, whose own instructions come under the name with an "a", and PTX, which the
/// driver translates for any other device from compute capability 8.0 on. `scripts/check_kernels.py` adds its own by
/// `$NVCC_APPEND_FLAGS`, which nvcc reads itself.
const FLAGS: [&str; 6] = [
    "-fatbin",
    "-std=c++17",
    "-gencode",
    "arch=compute_80,code=compute_80",
    "-gencode",
    "arch=compute_90a,code=sm_90a",
];

/// Flags that nvcc takes from the environment.
const FLAG_VARIABLES: [&str; 2] = ["NVCC_PREPEND_FLAGS", "NVCC_APPEND_FLAGS"];

/// A compiler that can be used.
pub struct Nvcc {
    path: PathBuf,
    version: (u32, u32),
    /// All that it says of itself.
    description: String,
}

/// The compiler that `$WENGERT_NVCC` names, else one that lies where they usually do; none where it must not be looked for.
///
/// # Errors
/// Where the one that was named cannot be used. Of others that is a warning.
pub fn find() -> Result<Option<Nvcc>> {
    for name in [VARIABLE, "CUDA_HOME"].into_iter().chain(FLAG_VARIABLES) {
        println!("cargo::rerun-if-env-changed={name}");
    }
    if let Some(named) = env::var_os(VARIABLE) {
        if named.is_empty() || named == "0" {
            return Ok(None);
        }
        let path = on_path(Path::new(&named)).unwrap_or_else(|| named.clone().into());
        let unusable = |error| {
            format!(
                "{VARIABLE}: {error}; name an nvcc of CUDA 13, or set it to 0 to compile kernels at first use"
            )
        };
        return Nvcc::new(path).map(Some).map_err(unusable);
    }
    // Documentation is written without compiling anything.
    if env::var_os("DOCS_RS").is_some() {
        return Ok(None);
    }
    let home = env::var_os("CUDA_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let installed = home.into_iter().chain([PathBuf::from("/usr/local/cuda")]);
    let program = format!("nvcc{}", env::consts::EXE_SUFFIX);
    let usual = installed.map(|folder| folder.join("bin").join(&program));
    let Some(path) = on_path(Path::new(&program)).into_iter().chain(usual).find(|path| path.is_file()) else {
        return Ok(None);
    };
    let nvcc = Nvcc::new(path);
    if let Err(error) = &nvcc {
        println!("cargo::warning={error}; kernels will be compiled at first use");
    }
    Ok(nvcc.ok())
}

/// A program of this name in one of the folders of `$PATH`.
fn on_path(name: &Path) -> Option<PathBuf> {
    let folders = env::var_os("PATH").filter(|_| name.components().count() == 1)?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

impl Nvcc {
    fn new(path: PathBuf) -> Result<Nvcc> {
        println!("cargo::rerun-if-changed={}", path.display());
        let output = Command::new(&path).arg("--version").output().map_err(at(&path))?;
        let description = String::from_utf8_lossy(&output.stdout).into_owned();
        let version =
            version(&description).ok_or_else(|| format!("{} does not tell its version", path.display()))?;
        if version < OLDEST {
            let (path, (major, minor), (oldest, least)) = (path.display(), version, OLDEST);
            return Err(format!("{path} is of CUDA {major}.{minor}, and {oldest}.{least} is needed"));
        }
        Ok(Nvcc { path, version, description })
    }

    pub fn version(&self) -> String {
        let (major, minor) = self.version;
        format!("{major}.{minor}")
    }

    /// The fat binary of each of `sources`, in the folder `out`: kept from an earlier build where nothing that it follows from
    /// has changed.
    pub fn compile_all(&self, sources: &[PathBuf], out: &Path) -> Result<Vec<PathBuf>> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let jobs = env::var("NUM_JOBS").ok().and_then(|jobs| jobs.parse().ok()).unwrap_or(cores);
        let next = AtomicUsize::new(0);
        let results = Mutex::new(vec![Ok(PathBuf::new()); sources.len()]);
        thread::scope(|scope| {
            for _ in 0..jobs.clamp(1, cores) {
                scope.spawn(|| {
                    while let Some((index, source)) = take(sources, &next) {
                        let result = self.compile(source, out);
                        if result.is_err() {
                            // What would come after it does not matter.
                            next.store(sources.len(), Ordering::Relaxed);
                        }
                        results.lock().expect("no thread panics while it holds the lock")[index] = result;
                    }
                });
            }
        });
        results.into_inner().expect("no thread panics while it holds the lock").into_iter().collect()
    }

    /// Beside the fat binary lies, as `.log`, what the compiler said: nothing, where it was not asked to tell more.
    fn compile(&self, source: &Path, out: &Path) -> Result<PathBuf> {
        let stem = source.file_stem().unwrap_or_default().to_string_lossy();
        let name = format!("{stem}-{:016x}", self.key(source)?);
        let [fatbin, log, unfinished] =
            ["fatbin", "log", "unfinished"].map(|extension| out.join(format!("{name}.{extension}")));
        if fatbin.is_file() {
            return Ok(fatbin);
        }
        remove_earlier(out, &stem)?;
        let mut command = Command::new(&self.path);
        let run =
            command.args(FLAGS).arg(source).arg("-o").arg(&unfinished).output().map_err(at(&self.path))?;
        let said =
            [run.stdout, run.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        if !run.status.success() {
            let (nvcc, source, status) = (self.path.display(), source.display(), run.status);
            return Err(format!(
                "{nvcc} does not compile {source} ({status}); set {VARIABLE}=0 to compile kernels at first use\n{said}"
            ));
        }
        fs::write(&log, &said).map_err(at(&log))?;
        for line in said.lines().filter(|line| line.contains("warning")) {
            println!("cargo::warning={line}");
        }
        // Whole or not at all, should the build be stopped.
        fs::rename(&unfinished, &fatbin).map_err(at(&fatbin))?;
        Ok(fatbin)
    }

    /// Tells apart whatever would be compiled to something else.
    fn key(&self, source: &Path) -> Result<u64> {
        let mut hasher = DefaultHasher::new();
        (&self.description, FLAGS, FLAG_VARIABLES.map(env::var_os)).hash(&mut hasher);
        for file in with_includes(source)? {
            file.file_name().hash(&mut hasher);
            fs::read(&file).map_err(at(&file))?.hash(&mut hasher);
        }
        Ok(hasher.finish())
    }
}

/// The next of `sources` that nobody works on.
fn take<'a>(sources: &'a [PathBuf], next: &AtomicUsize) -> Option<(usize, &'a PathBuf)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((index, sources.get(index)?))
}

/// The version in "… release 13.0, V13.0.88 …".
fn version(description: &str) -> Option<(u32, u32)> {
    let (_, rest) = description.split_once("release ")?;
    let (major, minor) = rest.split_once(',')?.0.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// A file and the files of its folder that it includes, and so on.
fn with_includes(source: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut open = vec![source.to_path_buf()];
    while let Some(file) = open.pop() {
        if !found.insert(file.clone()) {
            continue;
        }
        let text = fs::read_to_string(&file).map_err(at(&file))?;
        let name = |line: &str| Some(line.trim().strip_prefix("#include \"")?.split_once('"')?.0.to_string());
        // What lies elsewhere is the emulator's own.
        let included = text.lines().filter_map(name).map(|name| file.with_file_name(name));
        open.extend(included.filter(|path| path.is_file()));
    }
    Ok(found)
}

/// Removes what was made of earlier versions of a source.
fn remove_earlier(out: &Path, stem: &str) -> Result<()> {
    for entry in fs::read_dir(out).map_err(at(out))? {
        let path = entry.map_err(at(out))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.rsplit_once('-').is_some_and(|(found, _)| found == stem) {
            fs::remove_file(&path).map_err(at(&path))?;
        }
    }
    Ok(())
}
