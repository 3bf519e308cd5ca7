//! CUDA against the CPU at sizes at which kernels share out their work otherwise than at those of the case table: long rows,
//! sums over several blocks, several tiles.

use wengert_tensor::ops::loss::{CrossEntropyOptions, Reduction};
use wengert_tensor::{Activation, PadMode, Pool2dOptions, Resize, Tensor, UnfoldOptions, no_grad};
use wengert_testkit::case::*;
use wengert_testkit::golden::Goldens;
use wengert_testkit::{Case, modes};

/// Value and gradient in f64 and in f32. Sums of many numbers in f32 may be further apart.
#[track_caller]
fn agree(cases: impl IntoIterator<Item = Case>) {
    let goldens = Goldens::of_family("softmax");
    let failures: Vec<String> = cases
        .into_iter()
        .map(|case| case.not_smooth().layouts(false).single_tolerance(5e-4, 1e-4))
        .filter_map(|case| {
            let both = || modes::cuda(&case, &goldens).and_then(|()| modes::cuda_single(&case, &goldens));
            Some(format!("  {}: {}", case.id, modes::attempt(both).err()?))
        })
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn softmax() {
    let shapes: [(&[usize], isize); 6] =
        [(&[700, 10], 1), (&[3, 1500], 1), (&[2, 9000], 1), (&[300, 3], 1), (&[70, 40], 0), (&[3, 7, 45], 1)];
    agree(shapes.into_iter().flat_map(|(shape, dim)| {
        [false, true].map(|log| {
            Case::new("softmax", format!("softmax/{log}/{shape:?}"))
                .input(normal(shape))
                .run(move |x| if log { x[0].log_softmax(dim) } else { x[0].softmax(dim) })
        })
    }));
}

#[test]
fn cross_entropy() {
    let classes =
        |count: usize, of: i64| -> Vec<i64> { (0..count as i64).map(|i| (i * 7 + 3) % of - 1).collect() };
    let shapes: [&[usize]; 4] = [&[600, 10], &[5, 1300], &[4, 6, 11, 13], &[1200, 3]];
    agree(shapes.into_iter().flat_map(|shape| {
        [Reduction::None, Reduction::Mean, Reduction::Sum].map(|reduction| {
            let mut samples = shape.to_vec();
            let count = samples.remove(1) as i64;
            let targets = classes(samples.iter().product(), count + 1);
            Case::new("cross_entropy", format!("cross_entropy/{reduction:?}/{shape:?}"))
                .inputs([normal(shape), indices(samples, targets)])
                .run(move |x| {
                    let options = CrossEntropyOptions {
                        ignore_index: -1,
                        label_smoothing: 0.1,
                        reduction,
                        weight: None,
                    };
                    x[0].cross_entropy(&x[1], options)
                })
        })
    }));
}

#[test]
fn losses_of_pairs() {
    let shapes: [&[usize]; 3] = [&[61, 81], &[130, 97], &[5, 4099]];
    agree(shapes.into_iter().flat_map(|shape| {
        let case = |name: &str, run: fn(&[Tensor]) -> Tensor| {
            Case::new(name, format!("{name}/{shape:?}")).inputs([normal(shape), normal(shape)]).run(run)
        };
        [
            case("mse_loss", |x| x[0].mse_loss(&x[1], Reduction::Mean)),
            case("gaussian_kl", |x| x[0].gaussian_kl(&x[1], Reduction::Sum)),
            case("binary_cross_entropy_with_logits", |x| {
                x[0].binary_cross_entropy_with_logits(&x[1], Reduction::Mean)
            }),
        ]
    }));
}

#[test]
fn batch_norm() {
    let shapes: [&[usize]; 7] = [
        &[64, 3, 12, 12],
        &[9, 2, 700],
        &[20, 5, 3, 3],
        &[300, 70],
        &[2000, 3],
        &[2, 40, 4],
        &[40, 1, 28, 28],
    ];
    agree(shapes.into_iter().flat_map(|shape| {
        let inputs = [normal(shape), normal([shape[1]]), normal([shape[1]])];
        let plain = Case::new("batch_norm", format!("batch_norm/{shape:?}"))
            .inputs(inputs.clone())
            .run(|x| x[0].batch_norm(Some(&x[1]), Some(&x[2]), 1e-5));
        // Away from 0, where no element is on the other side of the kink for one that adds up in another order.
        let rectified = Case::new("batch_norm_relu", format!("batch_norm_relu/{shape:?}"))
            .inputs(inputs)
            .run(|x| {
                let statistics = no_grad(|| x[0].batch_norm_statistics());
                x[0].batch_norm_activated(&statistics, &x[1], &x[2], 1e-5, Activation::Relu)
            })
            .single(false);
        [plain, rectified]
    }));
}

#[test]
fn layer_norm() {
    let shapes: [&[usize]; 5] = [&[700, 16], &[5, 1500], &[3, 9000], &[600, 3], &[4000, 40]];
    agree(shapes.into_iter().map(|shape| {
        Case::new("layer_norm", format!("layer_norm/{shape:?}"))
            .inputs([normal(shape), normal([shape[1]]), normal([shape[1]])])
            .run(|x| x[0].layer_norm(x[1].dims(), Some(&x[1]), Some(&x[2]), 1e-5))
    }));
}

/// More units and examples than a tile has, and more than one depth.
#[test]
fn recurrent() {
    let sizes = [(3, 9, 70), (2, 17, 16), (4, 1, 33)];
    agree(sizes.into_iter().flat_map(|(steps, batch, hidden)| {
        let case = |name: &str, gates: usize, states: usize, run: fn(&[Tensor]) -> Tensor| {
            let mut inputs =
                vec![normal([steps, batch, gates * hidden]), uniform([gates * hidden, hidden], -0.2, 0.2)];
            inputs.push(normal([gates * hidden]));
            inputs.extend((0..states).map(|_| normal([batch, hidden])));
            Case::new(name, format!("{name}/{steps}x{batch}x{hidden}")).inputs(inputs).run(run)
        };
        [
            case("gru", 3, 1, |x| x[0].gru(&x[1], Some(&x[2]), &x[3])),
            case("lstm", 4, 2, |x| {
                let (outputs, last_cell) = x[0].lstm(&x[1], Some(&x[2]), [&x[3], &x[4]]);
                Tensor::cat(&[&outputs, &last_cell.unsqueeze(0)], 0)
            }),
        ]
    }));
}

/// Contents that are wrong are errors on the device too.
#[test]
fn wide_windows() {
    let case = |name: &str, shape: [usize; 4], run: fn(&[Tensor]) -> Tensor| {
        Case::new(name, format!("{name}/{shape:?}")).input(distinct(shape)).run(run)
    };
    let eleven = |stride| Pool2dOptions::new([11, 9]).stride(stride).padding(4);
    let options = [eleven(1), eleven(3).ceil_mode(true), eleven(4).count_include_pad(false)];
    agree(options.into_iter().flat_map(|options| {
        let case =
            |name: &str| Case::new(name, format!("{name}/{options:?}")).input(distinct([2, 3, 19, 17]));
        [
            case("avg_pool2d").run(move |x| x[0].avg_pool2d(options)),
            case("max_pool2d").run(move |x| x[0].max_pool2d(options)),
        ]
    }));
    agree([
        case("adaptive_avg_pool2d", [3, 5, 12, 13], |x| x[0].global_avg_pool2d()),
        case("adaptive_avg_pool2d", [2, 3, 31, 33], |x| x[0].adaptive_avg_pool2d([3, 4])),
        case("adaptive_avg_pool2d", [2, 3, 2, 1], |x| x[0].adaptive_avg_pool2d([19, 17])),
        case("max_pool2d", [3, 5, 12, 13], |x| x[0].global_max_pool2d()),
        case("upsample_nearest2d", [2, 3, 2, 3], |x| x[0].upsample_nearest2d(Resize::Size([23, 31]))),
        case("upsample_bilinear2d", [2, 3, 2, 3], |x| {
            x[0].upsample_bilinear2d(Resize::Size([23, 31]), false)
        }),
        case("upsample_bilinear2d", [2, 3, 1, 2], |x| x[0].upsample_bilinear2d(Resize::Size([23, 31]), true)),
        case("unfold", [3, 4, 17, 19], |x| x[0].unfold(UnfoldOptions::new([5, 6]).stride(2).padding(3))),
    ]);
}

#[test]
fn padding_of_several_axes() {
    let modes = [PadMode::Constant(0.5), PadMode::Reflect, PadMode::Replicate, PadMode::Circular];
    agree(modes.into_iter().flat_map(|mode| {
        [[(0, 0), (3, -1), (-2, 4)], [(2, 1), (0, 0), (5, 5)], [(-1, -1), (4, 0), (0, -3)]].map(|amounts| {
            Case::new("pad", format!("pad/{mode:?}/{amounts:?}"))
                .input(normal([4, 7, 9]))
                .run(move |x| x[0].pad(&amounts, mode))
        })
    }));
}

#[test]
fn wrong_contents_are_named() {
    use wengert_tensor::ops::loss::{BinaryCrossEntropy, CrossEntropy};
    use wengert_tensor::{DType, Device, apply};
    let device = modes::cuda_device().unwrap();
    let on = |tensor: Tensor| tensor.to_device(device).unwrap();
    let op = CrossEntropy { ignore_index: -100, label_smoothing: 0.0, reduction: Reduction::Mean };
    let logits = on(Tensor::zeros([3, 4], DType::F32));
    let targets = on(Tensor::from_slice(&[1i64, -100, 4], 3));
    let error = apply(op, &[&logits, &targets]).unwrap_err().to_string();
    assert!(error.contains("4 is not a class; there are 4"), "{error}");
    let p = on(Tensor::from_slice(&[0.5f32, 0.0, 1.0, 1.5, -1.0, f32::NAN], 6));
    let error = apply(BinaryCrossEntropy, &[&p.narrow(0, 1, 4), &p.narrow(0, 0, 4)]).unwrap_err().to_string();
    assert!(error.contains("1.5 is not a probability"), "{error}");
    assert_ne!(device, Device::Cpu);
}
