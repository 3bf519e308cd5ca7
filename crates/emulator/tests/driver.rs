//! The stand-in driver: captures and graphs, copies, launch limits, memory, and what the environment says it is.

mod common;

use std::process::Command;

use common::{Device, noise, shape};
use cudarc::driver::sys::{self, CUresult, CUstreamCaptureMode};
use cudarc::driver::{CudaContext, DriverError, LaunchConfig, PushKernelArg, result};
use cudarc::nvrtc::{CompileOptions, Ptx, compile_ptx_with_opts};

const THIS_THREAD: CUstreamCaptureMode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
const INSTANTIATE: sys::CUgraphInstantiate_flags =
    sys::CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH;

#[test]
fn a_graph_replays_what_was_captured() {
    let device = Device::new();
    let (stream, axpy) = (&device.stream, device.function("axpy"));
    let x = stream.clone_htod(&noise(1000, 1)).unwrap();
    let mut y = stream.alloc_zeros::<f32>(1000).unwrap();
    stream.begin_capture(THIS_THREAD).unwrap();
    {
        // The graph keeps the arguments of the launch, not the variables.
        let (a, n) = (2.0f32, 1000i64);
        let mut launch = stream.launch_builder(&axpy);
        launch.arg(&a).arg(&x).arg(&mut y).arg(&n);
        // SAFETY: the arguments are those of the kernel, and both buffers hold n elements.
        unsafe { launch.launch(shape(2, 64)) }.unwrap();
    }
    let graph = stream.end_capture(INSTANTIATE).unwrap().unwrap();
    assert_eq!(stream.clone_dtoh(&y).unwrap(), [0.0; 1000], "a capture does not run");
    graph.upload().unwrap();
    for round in 1..=3 {
        graph.launch().unwrap();
        let wanted: Vec<f32> =
            noise(1000, 1).iter().map(|x| (0..round).fold(0.0, |y, _| 2.0f32.mul_add(*x, y))).collect();
        assert_eq!(stream.clone_dtoh(&y).unwrap(), wanted);
    }
}

#[test]
fn a_capture_refuses_what_a_graph_cannot_hold() {
    let device = Device::new();
    let stream = &device.stream;
    let mut y = stream.alloc_zeros::<f32>(8).unwrap();
    let refused = DriverError(CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    type Deed<'a> = Box<dyn FnMut() -> Result<(), DriverError> + 'a>;
    let mut deeds: Vec<(&str, Deed<'_>)> = vec![
        // SAFETY: never read.
        ("allocation", Box::new(|| unsafe { stream.alloc::<f32>(8) }.map(drop))),
        ("synchronisation", Box::new(|| stream.synchronize())),
        ("copy to the device", Box::new(|| stream.memcpy_htod(&[1.0f32; 8], &mut y))),
    ];
    for (name, deed) in &mut deeds {
        stream.begin_capture(THIS_THREAD).unwrap();
        assert_eq!(deed(), Err(refused), "{name}");
        let status = stream.capture_status().unwrap();
        assert_eq!(status, sys::CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_INVALIDATED, "{name}");
        let end = stream.end_capture(INSTANTIATE).map(|graph| graph.is_some());
        assert_eq!(end, Err(DriverError(CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED)), "{name}");
        assert_eq!(deed(), Ok(()), "{name} after the capture");
    }
    drop(deeds);
    stream.begin_capture(THIS_THREAD).unwrap();
    assert_eq!(stream.clone_dtoh(&y).map(drop), Err(refused));
    stream.end_capture(INSTANTIATE).map(drop).unwrap_err();
}

#[test]
fn machine_code_of_a_gpu_is_refused() {
    let device = Device::new();
    device.context.bind_to_thread().unwrap();
    let image = |bytes: &[u8]| {
        // SAFETY: the bytes end with a zero, and are the mark of a fat binary or a name.
        unsafe { result::module::load_data(bytes.as_ptr().cast()) }.map(drop)
    };
    assert_eq!(image(b"\x50\xed\x55\xba\x01\0"), Err(DriverError(CUresult::CUDA_ERROR_INVALID_IMAGE)));
    assert_eq!(image(b"faulty.cu\0"), Ok(()));
    assert_eq!(image(b"\0"), Ok(()));
}

#[test]
fn copies_stay_within_an_allocation() {
    let device = Device::new();
    let invalid = Err(DriverError(CUresult::CUDA_ERROR_INVALID_VALUE));
    device.context.bind_to_thread().unwrap();
    // SAFETY: the driver is to refuse what is out of bounds; the buffers live to the end.
    unsafe {
        let (a, b) = (result::malloc_sync(64).unwrap(), result::malloc_sync(64).unwrap());
        let mut bytes = [0u8; 65];
        assert_eq!(result::memcpy_htod_sync(a, &bytes), invalid);
        assert_eq!(result::memcpy_dtoh_sync(&mut bytes, a), invalid);
        assert_eq!(result::memcpy_dtod_sync(b + 1, a, 64), invalid);
        assert_eq!(result::memset_d8_sync(a, 0, 65), invalid);
        assert_eq!(result::memcpy_htod_sync(a + 1, &bytes[..63]), Ok(()));
        assert_eq!(result::memcpy_dtod_sync(b, a, 64), Ok(()));
        assert_eq!(result::memcpy_dtoh_sync(&mut bytes[..64], b), Ok(()));
        assert_eq!((bytes[0], bytes[1]), (0xff, 0), "new memory is NaN");
        result::free_sync(a).unwrap();
        assert_eq!(result::memcpy_dtoh_sync(&mut bytes[..1], a), invalid);
        assert_eq!(result::free_sync(a), invalid);
        result::free_sync(b).unwrap();
    }
}

#[test]
fn launches_the_device_would_refuse_are_refused() {
    let device = Device::new();
    let (places, healthy) = (device.function("places"), device.function("healthy"));
    let product = device.function("tensor_core_product");
    let mut y = device.stream.alloc_zeros::<i32>(64).unwrap();
    let mut launch = |function, grid_dim, block_dim, shared_mem_bytes| {
        let mut launch = device.stream.launch_builder(function);
        // SAFETY: as many arguments as any of these kernels has; none is to run but one, which has n = 0.
        unsafe {
            launch.arg(&mut y).arg(&0i32).arg(&0u64).arg(&0i32).arg(&0i32);
            launch.launch(LaunchConfig { grid_dim, block_dim, shared_mem_bytes }).map(drop)
        }
    };
    let invalid = Err(DriverError(CUresult::CUDA_ERROR_INVALID_VALUE));
    let one = (1, 1, 1);
    for (grid, block) in [
        ((0, 1, 1), one),
        ((1, 65536, 1), one),
        ((1, 1, 65536), one),
        ((1 << 31, 1, 1), one),
        (one, (1025, 1, 1)),
        (one, (32, 33, 1)),
        (one, (1, 1, 65)),
        (one, (1, 0, 1)),
    ] {
        assert_eq!(launch(&places, grid, block, 0), invalid, "{grid:?}, {block:?}");
    }
    assert_eq!(launch(&product, one, (64, 1, 1), 0), invalid, "it has 32 threads at most");
    let (few, many) = (48 << 10, 100 << 10);
    assert_eq!(launch(&healthy, one, (64, 1, 1), few), Ok(()));
    assert_eq!(launch(&healthy, one, (64, 1, 1), many), invalid);
    let shared = sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
    assert_eq!(healthy.set_attribute(shared, 228 << 10), invalid);
    healthy.set_attribute(shared, many as i32).unwrap();
    assert_eq!(launch(&healthy, one, (64, 1, 1), many), Ok(()));
}

#[test]
fn parameters_have_the_sizes_of_the_signature() {
    let device = Device::new();
    let axpy = device.function("axpy");
    // SAFETY: the function is loaded.
    let parameter = |index| unsafe {
        let (mut offset, mut size) = (0, 0);
        sys::cuFuncGetParamInfo(axpy.cu_function(), index, &mut offset, &mut size)
            .result()
            .map(|()| (offset, size))
    };
    let all: Vec<_> = (0..4).map(|index| parameter(index).unwrap()).collect();
    assert_eq!(all, [(0, 4), (8, 8), (16, 8), (24, 8)]);
    assert!(parameter(4).is_err());
}

#[test]
fn the_run_time_compiler_names_the_module() {
    let device = Device::new();
    let options = CompileOptions { name: Some("healthy.cu".into()), ..Default::default() };
    let ptx = compile_ptx_with_opts("the source", options).unwrap();
    assert_eq!(ptx.to_src(), "healthy.cu");
    let module = device.context.load_module(ptx).unwrap();
    assert!(module.load_function("axpy").is_ok());
    let error = module.load_function("skips_a_barrier").map(drop);
    assert_eq!(error, Err(DriverError(CUresult::CUDA_ERROR_NOT_FOUND)), "it stands in another file");
    let all = device.context.load_module(Ptx::from_src("anything")).unwrap();
    assert!(all.load_function("skips_a_barrier").is_ok());
}

#[test]
fn a_failed_launch_leaves_the_device_working() {
    let device = Device::new();
    let mut y = device.stream.alloc_zeros::<f32>(64).unwrap();
    let mut launch = |name: &str| {
        let function = device.function(name);
        let mut launch = device.stream.launch_builder(&function);
        launch.arg(&mut y).arg(&64i32);
        // SAFETY: none is meant for the faulty one.
        unsafe { launch.launch(LaunchConfig { shared_mem_bytes: 256, ..shape(1, 64) }) }.map(drop)
    };
    for _ in 0..20 {
        assert_eq!(launch("skips_a_barrier"), Err(DriverError(CUresult::CUDA_ERROR_LAUNCH_FAILED)));
        assert_eq!(launch("healthy"), Ok(()));
    }
}

/// Prints what a child is asked for; without the variable it is a test that does nothing.
#[test]
fn child() {
    match std::env::var("WENGERT_TEST_ASKS").as_deref() {
        Ok("devices") => {
            common::libraries();
            println!("answer: {:?}", CudaContext::device_count());
        }
        Ok("version") => {
            common::libraries();
            let mut version = 0;
            // SAFETY: the pointer is good.
            unsafe { sys::cuDriverGetVersion(&mut version) }.result().unwrap();
            println!("answer: {version}");
        }
        Ok("memory") => {
            let device = Device::new();
            // SAFETY: never read.
            let some = unsafe { device.stream.alloc::<u8>(5 << 20) }.unwrap();
            // SAFETY: never read.
            let more = unsafe { device.stream.alloc::<u8>(4 << 20) }.map(drop);
            drop(some);
            // SAFETY: never read.
            let again = unsafe { device.stream.alloc::<u8>(4 << 20) }.map(drop);
            println!("answer: {more:?} {again:?}");
        }
        Ok("blocks") => {
            let device = Device::new();
            let mut y = device.stream.alloc_zeros::<i32>(1).unwrap();
            let function = device.function("last_block");
            // SAFETY: one number.
            unsafe { device.stream.launch_builder(&function).arg(&mut y).launch(shape(9, 32)) }.unwrap();
            println!("answer: {:?}", device.stream.clone_dtoh(&y).unwrap());
        }
        _ => {}
    }
}

#[test]
fn the_environment_says_what_the_device_is() {
    let ask = |what: &str, variable: &str, value: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child", "--nocapture"]).env("WENGERT_TEST_ASKS", what).env(variable, value);
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().find_map(|line| Some(line.split_once("answer: ")?.1.to_owned())).unwrap_or(text)
    };
    assert_eq!(ask("devices", "WENGERT_EMULATOR_DEVICES", "3"), "Ok(3)");
    assert!(ask("devices", "WENGERT_EMULATOR_DEVICES", "0").contains("CUDA_ERROR_NO_DEVICE"));
    assert_eq!(ask("version", "WENGERT_EMULATOR_DRIVER", "11040"), "11040");
    let memory = ask("memory", "WENGERT_EMULATOR_MEMORY", "8");
    assert!(memory.contains("CUDA_ERROR_OUT_OF_MEMORY") && memory.ends_with("Ok(())"), "{memory}");
    assert_eq!(ask("blocks", "WENGERT_EMULATOR_BLOCKS", ""), "[8]");
    assert_eq!(ask("blocks", "WENGERT_EMULATOR_BLOCKS", "reversed"), "[0]");
}
