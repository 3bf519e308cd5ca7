//! Lists the files of `kernels/` for the program and, where there is an nvcc, compiles them into it.
//!
//! `src/program.rs` includes the list. Without an nvcc it holds the sources alone, which NVRTC compiles at first use; then
//! all that happens here is that a folder is read.

#[path = "build/nvcc.rs"]
mod nvcc;

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Lines that say what is wrong, and how to mend it.
type Result<T> = std::result::Result<T, String>;

fn main() {
    if let Err(error) = list_kernels() {
        error.lines().for_each(|line| println!("cargo::error={line}"));
    }
}

fn list_kernels() -> Result<()> {
    let kernels = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../kernels");
    let kernels = kernels.canonicalize().map_err(at(&kernels))?;
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed={}", kernels.display());
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: build with cargo")?);

    let sources = files(&kernels, "cu")?;
    let headers = files(&kernels, "cuh")?;
    let (version, fatbins) = match nvcc::find()? {
        Some(nvcc) => (Some(nvcc.version()), nvcc.compile_all(&sources, &out)?),
        None => (None, Vec::new()),
    };
    let text = [
        "/// The version of the nvcc that has compiled the kernels.\n".to_string(),
        format!("pub(crate) const COMPILED_BY: Option<&str> = {version:?};\n"),
        list("SOURCES: &[(&str, &str)]", "Files with kernels", &sources, &sources, "include_str!"),
        list("HEADERS: &[(&str, &str)]", "Files that they include", &headers, &headers, "include_str!"),
        list(
            "FATBINS: &[(&str, &[u8])]",
            "Files with kernels, compiled",
            &sources,
            &fatbins,
            "include_aligned!",
        ),
    ];
    let path = out.join("kernels.rs");
    fs::write(&path, text.concat()).map_err(at(&path))
}

/// A constant of Rust: the name of each file, and the contents of what stands for it.
fn list(name: &str, doc: &str, files: &[PathBuf], contents: &[PathBuf], include: &str) -> String {
    let line = |(file, content): (&PathBuf, &PathBuf)| {
        format!("    ({:?}, {include}({content:?})),\n", file.file_name().unwrap_or_default())
    };
    let lines: String = files.iter().zip(contents).map(line).collect();
    format!("\n/// {doc}.\nconst {name} = &[\n{lines}];\n")
}

/// The files of a folder with this extension, in the order of their names.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Says which file it was.
fn at(path: &Path) -> impl Fn(io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}
