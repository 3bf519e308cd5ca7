//! `wengert export` and `import`: files for other programs, and theirs.

use super::*;
use wengert::models::export::Part;
use wengert::models::{Checkpoint, Model};
use wengert::tensor::onnx::{self, Input};
use wengert::tensor::{
    Conv2dOptions, ConvTranspose2dOptions, DType, Generator, PadMode, Pool2dOptions, Resize, Tensor, no_grad,
};
use wengert_testkit::notice;

/// Trains a model for two steps.
fn brief(folder: &Path, model: &str, more: &[&str]) -> PathBuf {
    let run = folder.join(model);
    let out = run.to_str().unwrap();
    let arguments = ["train", model, "--out", out, "--steps=2", "--batch=8", "--quiet"];
    let data = ["--set=data.limit=100", "--set=data.test_limit=100"];
    succeed(&[&arguments[..], &data, more].concat());
    run
}

/// Inputs of a part for a batch of five, which is none that was traced, and what the engine makes of them.
fn expected(model: &dyn Model, part: Part) -> Vec<(&'static str, Tensor)> {
    let rng = Generator::new(3);
    let [channels, height, width] = model.image_shape();
    let images = || rng.uniform([5, channels, height, width], 0.0, 1.0, DType::F32);
    let labels = model.classes().map(|classes| rng.randint(0, classes as i64, [5]));
    let (first, output) = no_grad(|| match part {
        Part::Decoder | Part::Generator => {
            let codes = model.draw_codes(5, &rng);
            let images = model.decode(&codes, labels.as_ref());
            (("codes", codes), images)
        }
        Part::Encoder => {
            let images = images();
            let codes = model.encode(&images, labels.as_ref());
            (("images", images), codes)
        }
        Part::Classifier => {
            let images = images();
            let logits = model.classify(&images);
            (("images", images), logits)
        }
        Part::Discriminator => {
            let images = images();
            let scores = model.score(&images, labels.as_ref());
            (("images", images), scores)
        }
    });
    let output = output.expect("the model has this part");
    [Some(first), labels.map(|labels| ("labels", labels)), Some(("output", output))]
        .into_iter()
        .flatten()
        .collect()
}

/// A Python with the packages of scripts/requirements-onnx.txt, where there is one.
fn python() -> Option<PathBuf> {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ci/venv/bin/python");
    let python = std::env::var_os("WENGERT_ONNX_PYTHON").map_or(usual, PathBuf::from);
    let has_packages = Command::new(&python).args(["-c", "import onnx, onnxruntime"]).output();
    has_packages.is_ok_and(|output| output.status.success()).then_some(python)
}

#[test]
fn other_runtimes_agree_with_the_engine() {
    let root = TempDir::new().unwrap();
    let files = root.path().join("files");
    fs::create_dir(&files).unwrap();
    let small = |model: &str| format!("--set={model}.width=4");
    let dense = ["--set=vae.hidden=32", "--latent=3"];
    let models: [(&str, &[&str], &[Part]); 6] = [
        ("vae", &dense, &[Part::Decoder, Part::Encoder]),
        ("conv-vae", &[&small("conv-vae")], &[Part::Decoder, Part::Encoder]),
        ("dcgan", &[&small("dcgan")], &[Part::Generator, Part::Discriminator]),
        ("ss-gan", &["--set=ss-gan.labels=20"], &[Part::Classifier]),
        ("cgan", &[&small("cgan")], &[Part::Generator, Part::Discriminator]),
        ("seq2seq-ae", &[], &[Part::Decoder, Part::Encoder]),
    ];
    for (name, settings, parts) in models {
        let run = brief(root.path(), name, settings);
        let training = Checkpoint::load(&last(&run)).unwrap().model().unwrap();
        for &part in parts {
            let file = files.join(format!("{name}-{}.onnx", part.name()));
            let (run, out) = (run.to_str().unwrap(), file.to_str().unwrap());
            let told = succeed(&["export", run, "--format=onnx", "--part", part.name(), "--out", out]);
            assert!(told.contains("for a batch of any"), "{told}");
            npz::save(
                file.with_extension("npz"),
                expected(training.model(), part).iter().map(|(n, t)| (n, t)),
            )
            .unwrap();
        }
    }
    all_agree(&files, 11);
}

type Function = fn(&Tensor) -> Tensor;

/// Ops that few models use, each by itself: of x, f32 `[batch, 2, 6, 6]` in −2..2.
const OPS: &[(&str, Function)] = &[
    ("expm1", |x| x.expm1()),
    ("log1p", |x| x.abs().log1p()),
    ("rsqrt", |x| x.abs().add_scalar(0.1).rsqrt()),
    ("log_sigmoid", |x| x.log_sigmoid()),
    ("softplus", |x| x.softplus()),
    ("selu", |x| x.selu()),
    ("elu", |x| x.elu(0.7)),
    ("gelu", |x| x.gelu()),
    ("silu", |x| x.silu()),
    ("hardtanh", |x| x.hardtanh(-0.5, 1.0)),
    ("clamp", |x| x.clamp(None, Some(0.3))),
    ("erf", |x| x.erf()),
    ("round", |x| x.mul_scalar(2.5).round()),
    ("pow", |x| x.abs().pow(&x.cos())),
    ("maximum", |x| x.maximum(&x.neg())),
    ("compare", |x| x.gt_scalar(0.5).logical_or(&x.ne(&x.abs()).logical_not()).to_dtype(DType::F32)),
    ("where", |x| x.lt_scalar(0.0).where_(&x.square(), x)),
    ("masked_fill", |x| x.masked_fill(&x.lt_scalar(0.0), -3.0)),
    ("mean", |x| x.mean(&[0, -1], true)),
    ("prod", |x| x.prod(&[2], false)),
    ("amax", |x| x.amax(&[1, 3], false)),
    ("logsumexp", |x| x.logsumexp(&[-1], false)),
    ("argmin", |x| x.argmin(2, true)),
    ("sum_all", |x| x.sum_all()),
    ("softmax", |x| x.softmax(1)),
    ("cumsum", |x| x.cumsum(2)),
    ("flip", |x| x.flip(&[1, 3])),
    ("slice", |x| x.narrow(2, 1, 4)),
    ("cat", |x| Tensor::cat(&[x, &x.permute(&[0, 1, 3, 2])], 1)),
    ("reflect", |x| x.pad(&[(0, 0), (0, 0), (1, 2), (2, 0)], PadMode::Reflect)),
    ("replicate", |x| x.pad(&[(0, 0), (0, 0), (1, 2), (2, 0)], PadMode::Replicate)),
    ("crop", |x| x.pad(&[(0, 0), (0, 0), (-1, 2), (2, -3)], PadMode::Constant(0.5))),
    ("tril", |x| x.tril(1)),
    ("triu", |x| x.triu(-1)),
    ("index_select", |x| x.index_select(3, &Tensor::from_slice(&[5i64, 0, 0], 3))),
    ("gather", |x| x.gather(3, &x.argmax(3, true))),
    ("scatter", |x| x.scatter(3, &x.argmax(3, true), &x.narrow(3, 0, 1))),
    ("scatter_add", |x| x.scatter_add(3, &x.argmax(3, true), &x.narrow(3, 0, 1))),
    ("max_pool2d", |x| x.max_pool2d(Pool2dOptions::new([3, 2]).stride(2).padding(1))),
    ("avg_pool2d", |x| x.avg_pool2d(Pool2dOptions::new([3, 3]).stride(2).padding(1))),
    ("avg_pool2d_inside", |x| {
        x.avg_pool2d(Pool2dOptions::new([3, 3]).stride(2).padding(1).count_include_pad(false))
    }),
    ("adaptive_avg_pool2d", |x| x.adaptive_avg_pool2d([2, 3])),
    ("upsample_nearest2d", |x| x.upsample_nearest2d(Resize::Size([12, 9]))),
    ("upsample_bilinear2d", |x| x.upsample_bilinear2d(Resize::Size([9, 4]), false)),
    ("upsample_corners", |x| x.upsample_bilinear2d(Resize::Size([9, 4]), true)),
    ("layer_norm", |x| x.layer_norm(&[6], None, None, 1e-5)),
    ("conv2d", |x| {
        let weight = weight([4, 1, 3, 3]);
        x.conv2d(&weight, None, Conv2dOptions::default().stride(2).padding(2).dilation(2).groups(2))
    }),
    ("conv_transpose2d", |x| {
        let weight = weight([2, 3, 3, 3]);
        let options = ConvTranspose2dOptions::default().stride(2).padding(1).output_padding(1).groups(2);
        x.conv_transpose2d(&weight, None, options)
    }),
];

fn weight(shape: [usize; 4]) -> Tensor {
    Tensor::from_vec((0..shape.iter().product()).map(|i| (i as f32).sin()).collect(), shape)
}

#[test]
fn ops_agree_one_by_one() {
    let root = TempDir::new().unwrap();
    let x = Generator::new(5).uniform([5, 2, 6, 6], -2.0, 2.0, DType::F32);
    let input = Input { name: "x", axes: vec![2, 6, 6], dtype: DType::F32 };
    for (name, function) in OPS {
        let exported =
            onnx::export(std::slice::from_ref(&input), "y", &[], |inputs| Some(function(&inputs[0])));
        let exported = exported.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(exported.batch, None, "{name}");
        let file = root.path().join(format!("{name}.onnx"));
        fs::write(&file, exported.bytes).unwrap();
        npz::save(file.with_extension("npz"), [("x", &x), ("output", &function(&x))]).unwrap();
    }
    all_agree(root.path(), OPS.len());
}

/// Holds so many files of a folder against onnxruntime, where there is one.
pub fn all_agree(files: &Path, count: usize) {
    let Some(python) = python() else {
        notice("skipped: no Python with onnx and onnxruntime; WENGERT_ONNX_PYTHON names one");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/onnx_run.py");
    let output = Command::new(python).arg(script).arg(files).output().unwrap();
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}{errors}");
    assert_eq!(told.lines().filter(|line| line.contains(": agrees")).count(), count, "{told}");
}

#[test]
fn what_cannot_be_exported_is_told() {
    let root = TempDir::new().unwrap();
    let run = brief(root.path(), "gan", &["--set=gan.width=4"]);
    let run = run.to_str().unwrap();
    let onnx = ["export", run, "--format=onnx"];
    refuse(
        &[&onnx[..], &["--part=encoder"]].concat(),
        &["has no encoder", "decoder, generator, discriminator"],
    );
    refuse(&[&onnx[..], &["--out=/nowhere/x.onnx"]].concat(), &["/nowhere/x.onnx"]);
    refuse(&["export", run, "--format=safetensors", "--part=decoder"], &["--part", "leave it out"]);
    refuse(&["export", "/nowhere", "--format=onnx"], &["/nowhere"]);
    for wrong in [&["export", run, "--format=pt"][..], &[&onnx[..], &["--part=x"]].concat(), &["export", run]]
    {
        assert_eq!(output(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn weights_go_out_and_come_back() {
    let root = TempDir::new().unwrap();
    let file = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    let run = brief(root.path(), "vae", &["--set=vae.hidden=16", "--latent=3"]);
    let weights = file("vae.safetensors");
    let told = succeed(&["export", run.to_str().unwrap(), "--format=safetensors", "--out", &weights]);
    assert!(told.contains("10 weights"), "{told}");
    let exported = safetensors::load(&weights).unwrap();
    assert_eq!(exported.metadata["model"], "vae");
    assert!(exported.tensors.keys().all(|name| name.starts_with("fc")), "{:?}", exported.tensors.keys());

    let theirs = file("theirs");
    let settings = ["--model=vae", "--set=vae.hidden=16", "--set=vae.latent=3", "--set=data.limit=100"];
    let import = [&["import", &weights], &settings[..], &["--out", &theirs]].concat();
    succeed(&import);
    let [ours, again] = [&file("ours.npz"), &file("again.npz")];
    let trained = last(&run);
    succeed(&["sample", trained.to_str().unwrap(), "--count=4", "--out", ours]);
    succeed(&["sample", &theirs, "--count=4", "--out", again]);
    assert_eq!(bytes(ours), bytes(again), "the same weights draw the same images");
    succeed(&["train", "--resume", &theirs, "--steps=1", "--quiet"]);

    refuse(&import, &["theirs", "not empty"]);
    let other = file("other");
    refuse(
        &["import", &weights, "--model=vae", "--out", &other],
        &["vae.safetensors", "fc1.weight", "needs f32"],
    );
    assert!(!Path::new(&other).exists(), "nothing is left of a run that did not begin");
    let whole = trained.to_str().unwrap();
    refuse(
        &["import", whole, "--model=vae"],
        &[whole, "checkpoint of wengert already", "train --resume", "--format safetensors"],
    );
    refuse(&["import", &weights, "--model=vea"], &["did you mean `vae`"]);
    refuse(&["import", "weights.bin", "--model=vae"], &["weights.bin", ".pt, .pth and .safetensors"]);
    refuse(&["import", "/nowhere.pt", "--model=vae"], &["/nowhere.pt"]);
}

#[test]
fn state_dictionaries_of_pytorch_are_read_without_running_them() {
    let root = TempDir::new().unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/pytorch/state.pt");
    let out = root.path().join("run");
    let out = out.to_str().unwrap();
    // Another model's: all that is missing and all that is too much is named.
    let parts = ["state.pt", "missing: fc1.weight", "unexpected: 0.bias, 0.weight"];
    refuse(&["import", golden.to_str().unwrap(), "--model=vae", "--out", out], &parts);
    // The networks of a small `vae`, as PyTorch's own example calls them.
    let [theirs, twin] = ["vae.pt", "vae.safetensors"].map(|name| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/pytorch").join(name);
        let run = root.path().join(name).to_str().unwrap().to_owned();
        let settings = ["--model=vae", "--set=vae.hidden=2", "--set=vae.latent=1", "--set=data.limit=100"];
        let told = succeed(&[&["import", file.to_str().unwrap(), "--out", &run], &settings[..]].concat());
        assert!(told.contains("vae with 10 tensors"), "{told}");
        let images = root.path().join(format!("{name}.npz"));
        succeed(&["sample", &run, "--count=4", "--out", images.to_str().unwrap()]);
        bytes(images)
    });
    assert_eq!(theirs, twin);
    let not_zip = root.path().join("old.pt");
    fs::write(&not_zip, b"\x80\x02}.").unwrap();
    refuse(&["import", not_zip.to_str().unwrap(), "--model=vae", "--out", out], &["old.pt", "zip archive"]);
}
