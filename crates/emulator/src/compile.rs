//! Runs the compiler, once for each text: an object's name is the hash of what it was made from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::error::at;
use crate::{Error, source};

/// A translation unit to compile.
pub(crate) struct Unit {
    pub file: PathBuf,
    pub flags: Vec<String>,
    /// Whether kernels are to be looked for and registered.
    pub kernels: bool,
}

impl Unit {
    /// The object file of this unit in `folder`, compiled if it is not there yet.
    pub fn compile(&self, folder: &Path) -> Result<PathBuf, Error> {
        let source = self.file.to_string_lossy().into_owned();
        let output =
            run(Command::new("g++").args(&self.flags).args(["-E", "-x", "c++", &source]), &self.file)?;
        let mut text = String::from_utf8_lossy(&output).into_owned();
        if self.kernels {
            text.push_str(&registrations(&source::kernels(&text, &self.file)?, &self.file));
        }

        let name = hash([self.flags.join(" ").as_bytes(), text.as_bytes()]);
        let object = folder.join(format!("{name}.o"));
        if object.exists() {
            return Ok(object);
        }
        let preprocessed = folder.join(format!("{name}.ii"));
        let unfinished = folder.join(format!("{name}.o.part"));
        fs::write(&preprocessed, text).map_err(at(&preprocessed))?;
        let mut command = Command::new("g++");
        command.args(&self.flags).arg("-c").arg(&preprocessed).arg("-o").arg(&unfinished);
        run(&mut command, &self.file)?;
        fs::remove_file(&preprocessed).map_err(at(&preprocessed))?;
        fs::rename(&unfinished, &object).map_err(at(&object))?;
        Ok(object)
    }
}

/// C++ that makes the kernels known when the library is loaded.
fn registrations(kernels: &[source::Kernel], file: &Path) -> String {
    let unit = file.file_stem().unwrap_or_default().to_string_lossy();
    let mut text = String::from("\n# 1 \"registrations\"\nnamespace {\n");
    for source::Kernel { name, max_threads } in kernels {
        let bound = max_threads.as_deref().unwrap_or("1024");
        text.push_str(&format!(
            "const ::emulator::Registration<decltype(::{name}), &::{name}> registration_of_{name}(\"{name}\", \"{unit}\", {bound});\n"
        ));
    }
    text + "}\n"
}

/// Runs the compiler, and hands over what it printed to its standard output.
pub(crate) fn run(command: &mut Command, file: &Path) -> Result<Vec<u8>, Error> {
    let output = command.env("LC_ALL", "C").env_remove("LD_PRELOAD").output().map_err(Error::NoCompiler)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let output = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    Err(Error::Compile { file: file.to_path_buf(), output })
}

/// A short name for some bytes.
pub(crate) fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut state = Sha256::new();
    for part in parts {
        state.update((part.len() as u64).to_le_bytes());
        state.update(part);
    }
    state.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}
