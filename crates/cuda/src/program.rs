//! Machine code of the kernels: compiled by nvcc when the program was built, or by NVRTC at first use.

#[cfg(test)]
mod tests;

use crate::error::During;
use crate::{Error, Result, cache, libraries::COMPILER};
use cudarc::driver::result::{DriverError, module};
use cudarc::driver::sys as driver;
use cudarc::nvrtc::{result, sys};
use std::ffi::CString;

/// The bytes of a file, which the driver reads in words.
#[allow(unused_macros, reason = "used where nvcc has compiled the kernels")]
macro_rules! include_aligned {
    ($path:literal) => {{
        #[repr(C, align(16))]
        struct Aligned<T: ?Sized>(T);
        static BYTES: &Aligned<[u8]> = &Aligned(*include_bytes!($path));
        &BYTES.0
    }};
}

// `COMPILED_BY`, `SOURCES`, `HEADERS` and `FATBINS`, by `build.rs`.
include!(concat!(env!("OUT_DIR"), "/kernels.rs"));

/// The oldest devices that fat binaries serve.
const FATBIN_CAPABILITY: (i32, i32) = (8, 0);

/// The version of the nvcc that compiled the kernels for devices of this capability when the program was built.
pub(crate) fn built_in(capability: (i32, i32)) -> Option<&'static str> {
    COMPILED_BY.filter(|_| capability >= FATBIN_CAPABILITY)
}

/// Loads the kernels of `file` into the current context of a device of this compute capability.
pub(crate) fn load(file: &'static str, capability: (i32, i32)) -> Result<driver::CUmodule> {
    if let Some(module) = load_fatbin(file, capability)? {
        return Ok(module);
    }
    let image = image(file, capability)?;
    // SAFETY: the image is whole machine code, from the compiler or its cache; the driver copies it.
    unsafe { module::load_data(image.as_ptr().cast()) }.during("loading kernels")
}

/// Loads what was compiled when the program was built, where it serves this device and driver.
fn load_fatbin(file: &str, capability: (i32, i32)) -> Result<Option<driver::CUmodule>> {
    use driver::CUresult as Code;
    let fatbin = FATBINS.iter().find(|(name, _)| *name == file);
    let Some((_, fatbin)) = fatbin.filter(|_| built_in(capability).is_some()) else { return Ok(None) };
    // SAFETY: the bytes are a whole fat binary, aligned for the driver, and live as long as the program.
    match unsafe { module::load_data(fatbin.as_ptr().cast()) } {
        Ok(module) => Ok(Some(module)),
        // A driver that is older than the nvcc of the build does not translate its PTX, and the emulated one takes none.
        Err(DriverError(
            Code::CUDA_ERROR_INVALID_IMAGE
            | Code::CUDA_ERROR_NO_BINARY_FOR_GPU
            | Code::CUDA_ERROR_UNSUPPORTED_PTX_VERSION
            | Code::CUDA_ERROR_JIT_COMPILER_NOT_FOUND
            | Code::CUDA_ERROR_JIT_COMPILATION_DISABLED,
        )) => Ok(None),
        Err(error) => Err(error).during("loading the kernels that were built in"),
    }
}

/// Machine code of the kernels of `file` for a device of this compute capability, from the disk cache or the compiler.
fn image(file: &'static str, capability: (i32, i32)) -> Result<Vec<u8>> {
    let (_, source) = SOURCES.iter().find(|(name, _)| *name == file).unwrap_or_else(|| {
        panic!("{file} is not among the sources of the kernels");
    });
    if !COMPILER.load() {
        return Err(Error::NoCompiler);
    }
    let architecture = architecture(capability);
    let mut parts = vec![file, source, &architecture];
    parts.extend(HEADERS.iter().map(|(_, text)| *text));
    let version = version()?;
    parts.push(&version);
    let path = cache::path(&parts);
    if let Some(image) = path.as_deref().and_then(cache::read) {
        return Ok(image);
    }
    let image = machine_code(file, source, HEADERS, &architecture)?;
    if let Some(path) = path {
        // A folder that cannot be written costs time at the next start and nothing else.
        let _ = cache::write(&path, &image);
    }
    Ok(image)
}

/// Hopper's own instructions come under a name of their own.
fn architecture((major, minor): (i32, i32)) -> String {
    let own = if (major, minor) == (9, 0) { "a" } else { "" };
    format!("sm_{major}{minor}{own}")
}

fn version() -> Result<String> {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: the library is there (`COMPILER.load`), and the call writes two integers.
    refused(unsafe { sys::nvrtcVersion(&mut major, &mut minor) }, "asking for the compiler's version")?;
    Ok(format!("{major}.{minor}"))
}

/// Machine code, for devices of this compute capability, of kernels that are not this crate's own. They may include the
/// headers of `kernels/` and those in `headers`, each a name and its text. `file` is what messages call the source.
///
/// # Errors
/// When there is no NVRTC, or the kernels do not compile.
pub fn compile(
    file: &'static str,
    source: &str,
    headers: &[(&str, &str)],
    capability: (i32, i32),
) -> Result<Vec<u8>> {
    if !COMPILER.load() {
        return Err(Error::NoCompiler);
    }
    machine_code(file, source, &[HEADERS, headers].concat(), &architecture(capability))
}

/// The compiler is there.
fn machine_code(
    file: &'static str,
    source: &str,
    headers: &[(&str, &str)],
    architecture: &str,
) -> Result<Vec<u8>> {
    let text = |text: &str| {
        CString::new(text).map_err(|_| Error::Argument(format!("{file}: sources have no zero bytes")))
    };
    let contents = headers.iter().map(|(_, source)| text(source)).collect::<Result<Vec<_>>>()?;
    let names = headers.iter().map(|(name, _)| text(name)).collect::<Result<Vec<_>>>()?;
    let content_pointers: Vec<_> = contents.iter().map(|text| text.as_ptr()).collect();
    let name_pointers: Vec<_> = names.iter().map(|text| text.as_ptr()).collect();
    let (source, name) = (text(source)?, text(file)?);
    let mut program = std::ptr::null_mut();
    // SAFETY: all strings and both lists live until the call returns, which copies them; the lists are as long as said.
    let created = unsafe {
        sys::nvrtcCreateProgram(
            &mut program,
            source.as_ptr(),
            name.as_ptr(),
            headers.len() as i32,
            content_pointers.as_ptr(),
            name_pointers.as_ptr(),
        )
    };
    refused(created, "creating a program")?;
    let options = [format!("--gpu-architecture={architecture}"), "--std=c++17".into()];
    // SAFETY: the program was created above and is destroyed below.
    let compiled = unsafe { result::compile_program(program, &options) };
    let image = match compiled {
        Ok(()) => read_machine_code(program),
        Err(_) => {
            // SAFETY: as above.
            let log = unsafe { result::get_program_log(program) }.unwrap_or_default();
            let log = log.iter().map(|&byte| byte as u8).take_while(|&byte| byte != 0).collect();
            let log = String::from_utf8(log).unwrap_or_default();
            Err(Error::Compile { file, architecture: architecture.into(), log })
        }
    };
    // SAFETY: created above; nothing uses it from here on.
    let _ = unsafe { result::destroy_program(program) };
    image
}

fn read_machine_code(program: sys::nvrtcProgram) -> Result<Vec<u8>> {
    let mut size = 0;
    // SAFETY: the program has been compiled.
    refused(unsafe { sys::nvrtcGetCUBINSize(program, &mut size) }, "asking for the size of machine code")?;
    let mut image = vec![0u8; size];
    // SAFETY: the buffer is as large as the call before said.
    refused(unsafe { sys::nvrtcGetCUBIN(program, image.as_mut_ptr().cast()) }, "asking for machine code")?;
    Ok(image)
}

fn refused(code: sys::nvrtcResult, what: &str) -> Result<()> {
    let refusal = |error| Error::Driver { what: format!("NVRTC: {what}"), reason: format!("{error:?}") };
    code.result().map_err(refusal)
}
