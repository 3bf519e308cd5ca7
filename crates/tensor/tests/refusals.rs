//! Whatever shapes, dims, indices and attributes an op is given, absurd ones among them: it answers, forwards and
//! backwards, or refuses in its own words. It never trips over an index, an overflow or an unwrapped nothing.

use proptest::collection::vec;
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wengert_tensor::{
    Conv2dOptions, ConvTranspose2dOptions, DType, Generator, PadMode, Pool2dOptions, Resize, Tensor,
    UnfoldOptions,
};

/// Fails unless `call` returns, and its result can be differentiated, or panics with the message of an op: its name, a
/// colon and the reason.
fn answers(call: impl FnOnce() -> Tensor) -> Result<(), TestCaseError> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let output = call();
        // A view may have more elements than memory.
        if output.requires_grad() && output.numel() < 10_000 {
            output.sum_all().backward().unwrap_or_else(|error| panic!("{error}"));
        }
    }));
    let Err(payload) = outcome else { return Ok(()) };
    let message = payload.downcast_ref::<String>().cloned();
    let message = message.or_else(|| payload.downcast_ref::<&str>().map(|text| text.to_string()));
    let message = message.expect("a panic with a text");
    let name = message.split_once(": ").map(|(name, _)| name);
    let is_op = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    prop_assert!(name.is_some_and(is_op), "not the words of an op: {message}");
    Ok(())
}

/// A leaf that counts from 0.
fn numbers(shape: &[usize]) -> Tensor {
    let count = shape.iter().product::<usize>();
    Tensor::from_vec((0..count).map(|i| i as f64).collect(), shape).requires_grad_(true)
}

fn indices(values: &[i64]) -> Tensor {
    Tensor::from_slice(values, values.len())
}

fn shape() -> impl Strategy<Value = Vec<usize>> {
    vec(0..4usize, 0..5)
}

/// An image, or nearly: any number of axes around four.
fn image() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![8 => vec(0..6usize, 4), 1 => vec(0..4usize, 0..6)]
}

/// A count that an attribute may be, or one that no memory holds. Nothing between: it would be granted and take long.
fn count() -> impl Strategy<Value = usize> {
    let absurd =
        vec![1 << 58, 1 << 61, isize::MAX as usize, isize::MAX as usize + 1, usize::MAX - 1, usize::MAX];
    prop_oneof![12 => 0..4usize, 1 => proptest::sample::select(absurd)]
}

fn signed() -> impl Strategy<Value = isize> {
    let absurd = vec![isize::MIN, isize::MIN + 1, -(1 << 58), 1 << 58, 1 << 62, isize::MAX - 1, isize::MAX];
    prop_oneof![12 => -4..5isize, 1 => proptest::sample::select(absurd)]
}

fn index() -> impl Strategy<Value = i64> {
    prop_oneof![12 => -1..4i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)]
}

fn pair() -> impl Strategy<Value = [usize; 2]> {
    [count(), count()]
}

fn paddings() -> impl Strategy<Value = [(usize, usize); 2]> {
    [(count(), count()), (count(), count())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn views(
        shape in shape(), a in signed(), b in signed(), n in count(), m in count(),
        signed_sizes in vec(signed(), 0..5), sizes in vec(count(), 0..5), mode in 0..4usize,
    ) {
        let x = numbers(&shape);
        answers(|| x.reshape(&signed_sizes))?;
        answers(|| x.expand(&signed_sizes))?;
        answers(|| x.unflatten(a, &signed_sizes))?;
        answers(|| x.broadcast_to(&sizes))?;
        answers(|| x.permute(&signed_sizes))?;
        answers(|| x.flip(&signed_sizes))?;
        answers(|| x.repeat(&sizes))?;
        answers(|| x.tile(&sizes))?;
        answers(|| x.transpose(a, b))?;
        answers(|| x.movedim(a, b))?;
        answers(|| x.flatten(a, b))?;
        answers(|| x.squeeze(a))?;
        answers(|| x.unsqueeze(a))?;
        answers(|| x.narrow(a, n, m))?;
        answers(|| x.slice(a, b, signed_sizes.first().copied().unwrap_or(isize::MAX), n))?;
        answers(|| x.narrow(a, n, 1).slice(a, 0, isize::MAX, m))?;
        answers(|| x.select(a, b))?;
        answers(|| x.diagonal(a, b))?;
        answers(|| x.diag())?;
        answers(|| x.expand([isize::MAX / 2]).diag())?;
        answers(|| x.split(n, a).pop().unwrap_or(x.clone()))?;
        answers(|| x.chunk(n, a).pop().unwrap_or(x.clone()))?;
        answers(|| Tensor::stack(&[&x, &x], a))?;
        answers(|| Tensor::cat(&[&x, &x.unsqueeze(0)], a))?;
        let mode = [PadMode::Constant(1.0), PadMode::Reflect, PadMode::Replicate, PadMode::Circular][mode];
        let amounts: Vec<_> = signed_sizes.iter().zip(signed_sizes.iter().rev()).map(|(&a, &b)| (a, b)).collect();
        answers(|| x.pad(&amounts, mode))?;
        answers(|| x.pad(&vec![(a, b); shape.len()], mode))?;
    }

    #[test]
    fn made_from_nothing(a in index(), b in index(), step in index(), n in count(), sizes in vec(count(), 0..4)) {
        answers(|| Tensor::arange(a, b, step))?;
        answers(|| Tensor::linspace(0.0, 1.0, n, DType::F32))?;
        answers(|| Tensor::eye(n, DType::F32))?;
        answers(|| Tensor::zeros(&sizes, DType::U8))?;
        answers(|| Generator::new(0).normal(&sizes, 0.0, 1.0, DType::F64))?;
        answers(|| Generator::new(0).randint(a, b, &sizes))?;
        answers(|| Generator::new(0).randperm(n))?;
    }

    #[test]
    fn indexing(
        shape in shape(), other in shape(), dim in signed(), places in vec(index(), 0..5), n in count(),
        diagonal in index(),
    ) {
        let (x, y, flat) = (numbers(&shape), numbers(&other), indices(&places));
        let shaped = Tensor::full(&other[..], places.first().copied().unwrap_or(0) as f64, DType::I64);
        answers(|| x.index_select(dim, &flat))?;
        answers(|| x.index_add(dim, &flat, &y))?;
        answers(|| x.index_add(dim, &flat, &x.index_select(dim, &flat)))?;
        for index in [&flat, &shaped] {
            answers(|| x.gather(dim, index))?;
            answers(|| x.scatter(dim, index, &y))?;
            answers(|| x.scatter_add(dim, index, &y))?;
            answers(|| x.scatter_value(dim, index, 2.0))?;
            answers(|| x.embedding(index, Some(n).filter(|n| n % 2 == 0)))?;
            answers(|| index.one_hot(n))?;
        }
        answers(|| x.tril(diagonal))?;
        answers(|| x.triu(diagonal))?;
        answers(|| x.topk(n, dim, true).0)?;
        answers(|| x.sort(dim, false).0)?;
    }

    #[test]
    fn reductions(shape in shape(), dims in vec(signed(), 0..4), dim in signed(), keepdim: bool) {
        let x = numbers(&shape);
        for reduce in [Tensor::sum, Tensor::mean, Tensor::prod, Tensor::amax, Tensor::amin, Tensor::logsumexp] {
            answers(|| reduce(&x, &dims, keepdim))?;
            answers(|| reduce(&x.detach().to_dtype(DType::I64), &dims, keepdim))?;
        }
        for p in [0.0, 1.0, 2.0, 3.0, -1.0, f64::INFINITY] {
            answers(|| x.norm(p, &dims, keepdim))?;
        }
        answers(|| x.var(&dims, 1.0, keepdim))?;
        answers(|| x.std(&dims, 0.0, keepdim))?;
        answers(|| x.any(&dims, keepdim))?;
        answers(|| x.argmax(dim, keepdim))?;
        answers(|| x.argmin(dim, keepdim))?;
        answers(|| x.cumsum(dim))?;
        answers(|| x.cumprod(dim))?;
        answers(|| x.softmax(dim))?;
        answers(|| x.log_softmax(dim))?;
    }

    #[test]
    fn products(left in shape(), right in shape()) {
        let (a, b) = (numbers(&left), numbers(&right));
        answers(|| a.matmul(&b))?;
        answers(|| a.bmm(&b))?;
        answers(|| a.dot(&b))?;
        answers(|| a.outer(&b))?;
        answers(|| a.linear(&b, None))?;
        answers(|| a.linear(&b, Some(&a)))?;
        answers(|| &a + &b)?;
        answers(|| a.flip(&[-1]).matmul(&a.flip(&[0]).transpose(-1, -2)))?;
        for equation in ["ij,jk->ik", "...i,i->...", "ii,jk", "ab,bc", "i...,...i->..."] {
            answers(|| Tensor::einsum(equation, &[&a, &b]))?;
        }
    }

    #[test]
    fn convolutions(
        image in image(), weight in image(), stride in pair(), padding in paddings(), dilation in pair(),
        groups in count(), output_padding in pair(), fitting: bool,
    ) {
        let mut weight = weight;
        // Half of the weights have the channels that the image asks for.
        if let (true, Some(&channels), true) = (fitting, image.get(1), weight.len() == 4) {
            weight[1] = channels.checked_div(groups).unwrap_or(channels);
        }
        let (x, w) = (numbers(&image), numbers(&weight));
        let options = Conv2dOptions { stride, padding, dilation, groups };
        answers(|| x.conv2d(&w, None, options))?;
        answers(|| x.conv2d(&w, Some(&Tensor::zeros(weight[..].first().copied().unwrap_or(0), DType::F64)), options))?;
        let options = ConvTranspose2dOptions { stride, padding, output_padding, dilation, groups };
        answers(|| x.conv_transpose2d(&w, None, options))?;
        answers(|| x.conv_transpose2d(&w.transpose(0, 1), None, options))?;
    }

    #[test]
    fn windows(
        image in image(), kernel in pair(), stride in pair(), padding in paddings(), dilation in pair(),
        ceil_mode: bool, count_include_pad: bool, size in pair(), factor in count(),
    ) {
        let x = numbers(&image);
        let options = Pool2dOptions { kernel, stride, padding, dilation, ceil_mode, count_include_pad };
        answers(|| x.max_pool2d(options))?;
        answers(|| x.avg_pool2d(options))?;
        answers(|| x.adaptive_avg_pool2d(size))?;
        answers(|| x.global_max_pool2d())?;
        let options = UnfoldOptions { kernel, stride, padding, dilation };
        answers(|| x.unfold(options))?;
        answers(|| x.unfold(options).fold([x.dim(-2), x.dim(-1)], options))?;
        answers(|| x.flatten(0, 1).fold(size, options))?;
        for resize in [Resize::Size(size), Resize::Scale(size.map(|size| size as f64 * 0.7))] {
            answers(|| x.upsample_nearest2d(resize))?;
            answers(|| x.upsample_bilinear2d(resize, ceil_mode))?;
        }
        answers(|| x.pixel_shuffle(factor))?;
        answers(|| x.pixel_unshuffle(factor))?;
    }
}
