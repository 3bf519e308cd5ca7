//! The sources of the kernels and their compilation by NVRTC.

use crate::{Error, Result, cache, libraries};
use cudarc::nvrtc::{result, sys};
use std::ffi::CString;

/// A file of `kernels/`, which travels inside the program.
macro_rules! source {
    ($file:literal) => {
        ($file, include_str!(concat!("../../../kernels/", $file)))
    };
}

/// Files with kernels.
const SOURCES: &[(&str, &str)] = &[
    source!("batch_norm.cu"),
    source!("binary.cu"),
    source!("check.cu"),
    source!("compare.cu"),
    source!("conv2d.cu"),
    source!("conv2d_double.cu"),
    source!("conv2d_parts.cu"),
    source!("conv2d_tensor.cu"),
    source!("conv2d_tf32.cu"),
    source!("conv2d_weight_grad.cu"),
    source!("copy.cu"),
    source!("cross_entropy.cu"),
    source!("gemm.cu"),
    source!("gemm_fma.cu"),
    source!("gemm_integer.cu"),
    source!("gemm_tf32.cu"),
    source!("index.cu"),
    source!("join.cu"),
    source!("layer_norm.cu"),
    source!("loss.cu"),
    source!("optimize.cu"),
    source!("pad.cu"),
    source!("plane_map.cu"),
    source!("pool.cu"),
    source!("random.cu"),
    source!("recurrent.cu"),
    source!("reduce.cu"),
    source!("replay.cu"),
    source!("scan.cu"),
    source!("scatter.cu"),
    source!("softmax.cu"),
    source!("sort.cu"),
    source!("unary.cu"),
    source!("unfold.cu"),
];

/// Files that they include.
const HEADERS: &[(&str, &str)] = &[
    source!("async_copy.cuh"),
    source!("channels.cuh"),
    source!("common.cuh"),
    source!("conv2d.cuh"),
    source!("convolve.cuh"),
    source!("epilogue.cuh"),
    source!("fma_tile.cuh"),
    source!("gemm.cuh"),
    source!("map.cuh"),
    source!("matmul.cuh"),
    source!("mma.cuh"),
    source!("numbers.cuh"),
    source!("operand.cuh"),
    source!("philox.cuh"),
    source!("plain.cuh"),
    source!("plane_map.cuh"),
    source!("reduction.cuh"),
    source!("rows.cuh"),
    source!("strides.cuh"),
    source!("tensor_product.cuh"),
    source!("tensor_tile.cuh"),
    source!("tile.cuh"),
    source!("weight_grad.cuh"),
    source!("window.cuh"),
];

/// Machine code of the kernels of `file` for a device of this compute capability, from the disk cache or the compiler.
pub(crate) fn image(file: &'static str, capability: (i32, i32)) -> Result<Vec<u8>> {
    let (_, source) = SOURCES.iter().find(|(name, _)| *name == file).unwrap_or_else(|| {
        panic!("{file} is not among the sources of the kernels");
    });
    let architecture = architecture(capability);
    if !libraries::load_compiler() {
        return Err(Error::NoCompiler);
    }
    let mut parts = vec![file, source, &architecture];
    parts.extend(HEADERS.iter().map(|(_, text)| *text));
    let version = version()?;
    parts.push(&version);
    let path = cache::path(&parts);
    if let Some(image) = path.as_deref().and_then(cache::read) {
        return Ok(image);
    }
    let image = compile(file, source, &architecture)?;
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
    // SAFETY: the library is there (`load_compiler`), and the call writes two integers.
    refused(unsafe { sys::nvrtcVersion(&mut major, &mut minor) }, "asking for the compiler's version")?;
    Ok(format!("{major}.{minor}"))
}

fn compile(file: &'static str, source: &str, architecture: &str) -> Result<Vec<u8>> {
    let text = |text: &str| CString::new(text).expect("sources have no zero bytes");
    let headers: Vec<CString> = HEADERS.iter().map(|(_, source)| text(source)).collect();
    let names: Vec<CString> = HEADERS.iter().map(|(name, _)| text(name)).collect();
    let header_pointers: Vec<_> = headers.iter().map(|text| text.as_ptr()).collect();
    let name_pointers: Vec<_> = names.iter().map(|text| text.as_ptr()).collect();
    let (source, name) = (text(source), text(file));
    let mut program = std::ptr::null_mut();
    // SAFETY: all strings and both lists live until the call returns, which copies them; the lists are as long as said.
    let created = unsafe {
        sys::nvrtcCreateProgram(
            &mut program,
            source.as_ptr(),
            name.as_ptr(),
            HEADERS.len() as i32,
            header_pointers.as_ptr(),
            name_pointers.as_ptr(),
        )
    };
    refused(created, "creating a program")?;
    let options = [format!("--gpu-architecture={architecture}"), "--std=c++17".into()];
    // SAFETY: the program was created above and is destroyed below.
    let compiled = unsafe { result::compile_program(program, &options) };
    let image = match compiled {
        Ok(()) => machine_code(program),
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

fn machine_code(program: sys::nvrtcProgram) -> Result<Vec<u8>> {
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
