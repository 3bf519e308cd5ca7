//! The figures of the book, each drawn from what the engine computes or prints.

mod generative;

use crate::svg::{Block, Curve, Plot, diagram};
use std::{cell::RefCell, rc::Rc};
use wengert_nn::{Adam, Optimizer, Sgd};
use wengert_tensor::autograd::{GradOptions, checkpoint, grad};
use wengert_tensor::inspect::{Graph, GraphInput, History, OpEvent, Statistic, observe};
use wengert_tensor::{ConvTranspose1dOptions, DType, Error, Generator, Reduction, Tensor};

/// File names and contents of all figures.
///
/// # Errors
/// What the engine finds wrong.
pub fn all() -> Result<Vec<(&'static str, String)>, Error> {
    Ok(vec![
        ("list.svg", list()),
        ("walk.svg", walk()?),
        ("matmul.svg", matmul()?),
        ("overlap.svg", overlap()),
        ("norm.svg", norm()?),
        ("losses.svg", losses()?),
        ("steps.svg", steps()),
        ("tanh.svg", tanh()?),
        ("memory.svg", memory()?),
        ("valley.svg", valley()?),
        ("gemm.svg", gemm()),
        ("launches.svg", launches()),
        ("elbo.svg", generative::elbo()),
        ("game.svg", generative::game()),
        ("distances.svg", generative::distances()),
        ("likeness.svg", generative::likeness()),
        ("floor.svg", generative::floor()),
    ])
}

/// Leaves and ops of a list as boxes, each with a further text of its own.
fn blocks(graph: &Graph, more: impl Fn(GraphInput) -> Vec<String>) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (i, leaf) in graph.leaves.iter().enumerate() {
        let mut text = vec![format!("@{i} {}", leaf.name)];
        text.extend(more(GraphInput::Leaf(i)));
        blocks.push(Block { text, leaf: true, shaded: false, from: Vec::new() });
    }
    for (i, node) in graph.nodes.iter().enumerate() {
        let mut text = vec![format!("%{i} {}", node.op)];
        text.extend(more(GraphInput::Node(i)));
        let from = node.inputs.iter().enumerate().filter_map(|(position, input)| {
            let thick = node.saved_inputs.contains(&position);
            match input {
                GraphInput::Constant => None,
                GraphInput::Leaf(leaf) => Some((*leaf, thick)),
                GraphInput::Node(node) => Some((graph.leaves.len() + node, thick)),
            }
        });
        blocks.push(Block { text, leaf: false, shaded: node.gradient_of.is_some(), from: from.collect() });
    }
    blocks
}

fn leaf(value: f64, name: &str) -> Tensor {
    Tensor::scalar(value).requires_grad_(true).named(name)
}

/// The list of tanh(a·b + a).
fn list() -> String {
    let (a, b) = (leaf(0.3, "a"), leaf(0.4, "b"));
    let graph = Graph::of(&(&a * &b + &a).tanh());
    diagram(&with_shapes(&graph))
}

/// The list with shapes.
fn with_shapes(graph: &Graph) -> Vec<Block> {
    blocks(graph, |place| match place {
        GraphInput::Node(i) => vec![graph.nodes[i].output.to_string()],
        GraphInput::Leaf(i) => vec![graph.leaves[i].spec.to_string()],
        GraphInput::Constant => Vec::new(),
    })
}

/// The gradient of a matrix product, differentiated again.
fn matmul() -> Result<String, Error> {
    let x = Tensor::ones([64, 100], DType::F32);
    let w = Tensor::ones([100, 10], DType::F32).requires_grad_(true).named("w");
    let loss = x.matmul(&w).square().sum_all();
    let options = GradOptions { create_graph: true, ..Default::default() };
    let gradient = grad(&[&loss], &[&w], options)?.remove(0);
    Ok(diagram(&with_shapes(&Graph::of(&gradient.square().sum_all()))))
}

/// (3x)² · sin 3x, with values and cotangents.
fn walk() -> Result<String, Error> {
    let x = leaf(2.0, "x");
    let history = History::record::<Error>(|| {
        let h = &x * 3.0;
        Ok(h.square() * h.sin())
    })?;
    let numbers = |y: &Statistic, dy: Option<&Statistic>| {
        vec![format!("y = {y}"), dy.map_or_else(String::new, |dy| format!("dy = {dy}"))]
    };
    Ok(diagram(&blocks(&history.graph, |place| match place {
        GraphInput::Node(i) => {
            let step = history.backward.iter().find(|step| step.node == i);
            numbers(&history.values[i], step.map(|step| &step.cotangent))
        }
        GraphInput::Leaf(i) => numbers(&history.leaves[i], history.gradients[i].as_ref()),
        GraphInput::Constant => Vec::new(),
    })))
}

/// How many taps of a transposed convolution with stride 2 reach each output.
fn overlap() -> String {
    let curve = |size: usize| {
        let ones = |n| Tensor::ones([1, 1, n], DType::F64);
        let options = ConvTranspose1dOptions::default().stride(2);
        let counts = ones(8).conv_transpose1d(&ones(size), None, options).to_vec::<f64>();
        let points = counts.into_iter().enumerate().map(|(i, count)| (i as f64, count)).collect();
        Curve { name: format!("kernel of {size}"), points }
    };
    Plot { x: "output", y: "taps", logarithmic: [false; 2], curves: vec![curve(3), curve(4)] }.draw()
}

/// Norms of the gradient in a weight vector that is scaled.
fn norm() -> Result<String, Error> {
    let rng = Generator::new(0);
    let (x, w) = (rng.normal([64, 16], 0.0, 1.0, DType::F64), rng.normal([16, 1], 0.0, 0.25, DType::F64));
    let mut curves = Vec::new();
    for (name, normalised) in [("without", false), ("with batch norm", true)] {
        let mut points = Vec::new();
        for step in 0..=40 {
            let scale = 10f64.powf(f64::from(step) / 20.0 - 1.0);
            let w = (&w * scale).detach().requires_grad_(true);
            let h = x.matmul(&w);
            let h = if normalised { h.batch_norm(None, None, 1e-12) } else { h };
            let gradient = grad(&[&h.tanh().sum_all()], &[&w], GradOptions::default())?.remove(0);
            points.push((scale, gradient.square().sum_all().item().sqrt()));
        }
        curves.push(Curve { name: name.to_owned(), points });
    }
    Ok(Plot { x: "scale of the weights", y: "norm of the gradient", logarithmic: [true; 2], curves }.draw())
}

/// Slopes of cross-entropy and of the squared error in the score of the right class.
fn losses() -> Result<String, Error> {
    let truth = Tensor::from_slice(&[0.0, 1.0], [1, 2]);
    let class = Tensor::from_slice(&[1i64], 1);
    let mut curves = vec![Curve { name: "cross-entropy".into(), points: Vec::new() }];
    curves.push(Curve { name: "squared error".into(), points: Vec::new() });
    for step in -60..=60 {
        let score = f64::from(step) / 5.0;
        let scores = Tensor::from_slice(&[0.0, score], [1, 2]).requires_grad_(true);
        let losses =
            [scores.cross_entropy(&class, Reduction::Mean), (scores.softmax(1) - &truth).square().sum_all()];
        for (curve, loss) in curves.iter_mut().zip(losses) {
            let gradient = grad(&[&loss], &[&scores], GradOptions::default())?.remove(0);
            curve.points.push((score, -gradient.to_vec::<f64>()[1]));
        }
    }
    let (x, y) = ("score of the right class, the other being 0", "how fast the loss falls");
    Ok(Plot { x, y, logarithmic: [false; 2], curves }.draw())
}

/// Errors of central differences of tanh.
fn steps() -> String {
    let exact = 1.0 - 0.7f64.tanh().powi(2);
    let curve = |dtype: DType, smallest: i32| {
        let at = |x: f64| Tensor::scalar(x).to_dtype(dtype).tanh().item();
        let points = (2 * smallest..=-1).map(|half| {
            let step = 10f64.powf(f64::from(half) / 2.0);
            (step, ((at(0.7 + step) - at(0.7 - step)) / (2.0 * step) - exact).abs())
        });
        Curve { name: dtype.to_string(), points: points.collect() }
    };
    let curves = vec![curve(DType::F32, -6), curve(DType::F64, -12)];
    Plot { x: "step", y: "error", logarithmic: [true; 2], curves }.draw()
}

/// tanh and its derivatives.
fn tanh() -> Result<String, Error> {
    let x = Tensor::linspace(-3.0, 3.0, 121, DType::F64).requires_grad_(true);
    let options = GradOptions { create_graph: true, ..Default::default() };
    let (mut y, mut curves) = (x.tanh(), Vec::new());
    for name in ["tanh", "first", "second", "third"] {
        let points = x.to_vec::<f64>().into_iter().zip(y.to_vec::<f64>()).collect();
        curves.push(Curve { name: name.to_owned(), points });
        y = grad(&[&y.sum_all()], &[&x], options)?.remove(0);
    }
    Ok(Plot { x: "x", y: "value", logarithmic: [false; 2], curves }.draw())
}

/// Mebibytes alive after each op of sixteen layers, with and without checkpoints.
fn memory() -> Result<String, Error> {
    let x = Tensor::full([1 << 18], 0.5, DType::F32).requires_grad_(true);
    let segment = |h: &Tensor| (0..4).fold(h.clone(), |h, _| h.tanh());
    let run = |cut: bool| -> Result<(), Error> {
        let mut h = x.clone();
        for _ in 0..4 {
            h = if cut { checkpoint(move |x| segment(&x[0]), &[&h])? } else { segment(&h) };
        }
        h.sum_all().backward()
    };
    let mut curves = Vec::new();
    for (name, cut) in [("all kept", false), ("four checkpoints", true)] {
        x.zero_grad();
        let before = wengert_tensor::memory::live_bytes();
        let points = Rc::new(RefCell::new(vec![(0.0, 0.0)]));
        let noted = points.clone();
        let watch = move |_: &OpEvent| {
            let bytes = wengert_tensor::memory::live_bytes() - before;
            let mut points = noted.borrow_mut();
            let op = points.len() as f64;
            points.push((op, (bytes >> 20) as f64));
        };
        observe(watch, || run(cut))?;
        curves.push(Curve { name: name.to_owned(), points: points.take() });
    }
    Ok(Plot { x: "op", y: "mebibytes", logarithmic: [false; 2], curves }.draw())
}

/// Paths of three optimisers.
fn valley() -> Result<String, Error> {
    let steepness = Tensor::from_slice(&[1.0, 30.0], 2);
    let mut curves = Vec::new();
    type Maker = fn(Vec<Tensor>) -> Box<dyn Optimizer>;
    let makers: [(&str, Maker); 3] = [
        ("plain, 0.06", |x| Box::new(Sgd::new(x, 0.06))),
        ("momentum 0.7, 0.03", |x| Box::new(Sgd::new(x, 0.03).momentum(0.7))),
        ("Adam, 0.1", |x| Box::new(Adam::new(x, 0.1))),
    ];
    for (name, maker) in makers {
        let x = Tensor::from_slice(&[-2.0, 0.6], 2).requires_grad_(true);
        let mut optimizer = maker(vec![x.clone()]);
        let mut points = Vec::new();
        for _ in 0..60 {
            let place = x.to_vec::<f64>();
            points.push((place[0], place[1]));
            optimizer.zero_grad();
            ((x.square() * &steepness).sum_all() * 0.5).backward()?;
            optimizer.step().map_err(|error| Error::autograd(error.to_string()))?;
        }
        curves.push(Curve { name: name.to_owned(), points });
    }
    Ok(Plot { x: "x", y: "y", logarithmic: [false; 2], curves }.draw())
}

/// Lines that a cache of 128 fetches for each multiply-add, for three orders of the loops of a matrix product.
fn gemm() -> String {
    /// One line's number for each place.
    struct Cache([usize; 128], usize);
    impl Cache {
        fn touch(&mut self, place: usize) {
            let line = place / 16;
            if self.0[line % 128] != line {
                self.0[line % 128] = line;
                self.1 += 1;
            }
        }
    }
    let by_definition = |n: usize, cache: &mut Cache| {
        for (i, j) in (0..n * n).map(|k| (k / n, k % n)) {
            for p in 0..n {
                cache.touch(i * n + p);
                cache.touch(n * n + p * n + j);
            }
            cache.touch(2 * n * n + i * n + j);
        }
    };
    let along_rows = |n: usize, cache: &mut Cache| {
        for (i, p) in (0..n * n).map(|k| (k / n, k % n)) {
            cache.touch(i * n + p);
            for j in 0..n {
                cache.touch(n * n + p * n + j);
                cache.touch(2 * n * n + i * n + j);
            }
        }
    };
    let tiled = |n: usize, cache: &mut Cache| {
        for (i, j) in (0..n * n / 64).map(|k| (k / (n / 8) * 8, k % (n / 8) * 8)) {
            for p in 0..n {
                (0..8).for_each(|row| cache.touch((i + row) * n + p));
                (0..8).for_each(|column| cache.touch(n * n + p * n + j + column));
            }
            (0..64).for_each(|k| cache.touch(2 * n * n + (i + k / 8) * n + j + k % 8));
        }
    };
    let curve = |name: &str, run: &dyn Fn(usize, &mut Cache)| {
        let points = (1..=10).map(|eighths| {
            let (n, mut cache) = (8 * eighths, Cache([usize::MAX; 128], 0));
            run(n, &mut cache);
            (n as f64, cache.1 as f64 / (n * n * n) as f64)
        });
        Curve { name: name.to_owned(), points: points.collect() }
    };
    let curves = vec![
        curve("by definition", &by_definition),
        curve("along rows", &along_rows),
        curve("tiles of 8", &tiled),
    ];
    Plot { x: "size", y: "lines for each multiply-add", logarithmic: [false; 2], curves }.draw()
}

/// Ticks of a hundred kernels with an order each, and with one for all.
fn launches() -> String {
    let curve = |name: &str, orders: usize| {
        let points = (0..=40).map(|step| {
            let kernel = 10f64.powf(f64::from(step) / 20.0 - 1.0);
            let (mut host, mut device) = (0.0_f64, 0.0_f64);
            for i in 0..100 {
                host += if i < orders { 1.0 } else { 0.0 };
                device = device.max(host) + kernel;
            }
            (kernel, device)
        });
        Curve { name: name.to_owned(), points: points.collect() }
    };
    let curves = vec![curve("an order each", 100), curve("one for all", 1)];
    Plot { x: "length of a kernel", y: "time of a step", logarithmic: [true; 2], curves }.draw()
}
