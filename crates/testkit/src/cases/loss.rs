//! Cases of the losses.

use crate::case::*;
use wengert_tensor::Tensor;
use wengert_tensor::autograd::{GradOptions, grad};
use wengert_tensor::ops::loss::{
    BinaryCrossEntropyOptions, CrossEntropyOptions, GaussianNllOptions, NllLossOptions, Reduction,
};

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    [regression(), divergences(), two_classes(), many_classes(), gaussian(), margins(), gradients()].concat()
}

const REDUCTIONS: [(&str, Reduction); 3] =
    [("none", Reduction::None), ("mean", Reduction::Mean), ("sum", Reduction::Sum)];

type Pairwise = fn(&Tensor, &Tensor, Reduction) -> Tensor;

/// A case for each reduction; `torch` calls a function of x0 and x1 that lacks its last argument and the bracket.
fn pairwise(op: &str, name: &str, inputs: [Input; 2], loss: Pairwise, torch: &str) -> Vec<Case> {
    let case = |(reduction_name, reduction): (&str, Reduction)| {
        Case::new(op, format!("{op}/{name}_{reduction_name}"))
            .inputs(inputs.clone())
            .run(move |x| loss(&x[0], &x[1], reduction))
            .torch(format!("{torch}, reduction='{reduction_name}')"))
    };
    REDUCTIONS.map(case).to_vec()
}

fn regression() -> Vec<Case> {
    let two = || [normal([3, 4]), normal([3, 4])];
    // Differences of at least 0.2 from 0 and 0.1 from the joint at 0.7.
    let off_the_joint = || [floats([6], [0.0; 6]), floats([6], [0.2, -0.4, 0.6, 0.8, -1.1, 3.0])];
    let smooth = |beta: &'static str, loss: Pairwise| {
        pairwise(
            "smooth_l1_loss",
            beta,
            off_the_joint(),
            loss,
            &format!("F.smooth_l1_loss(x0, x1, beta={beta}"),
        )
    };
    [
        pairwise("mse_loss", "basic", two(), Tensor::mse_loss, "F.mse_loss(x0, x1"),
        pairwise("l1_loss", "basic", off_the_joint(), Tensor::l1_loss, "F.l1_loss(x0, x1")
            .into_iter()
            .map(Case::not_smooth)
            .collect(),
        smooth("0.7", |x, t, reduction| x.smooth_l1_loss(t, 0.7, reduction)),
        smooth("0.0", |x, t, reduction| x.smooth_l1_loss(t, 0.0, reduction))
            .into_iter()
            .map(Case::not_smooth)
            .collect(),
    ]
    .concat()
}

fn divergences() -> Vec<Case> {
    let probabilities = || [normal([3, 4]), uniform([3, 4], 0.1, 0.9)];
    let mut cases = [
        pairwise(
            "kl_div",
            "basic",
            probabilities(),
            |x, t, reduction| x.kl_div(t, false, reduction),
            "F.kl_div(x0, x1",
        ),
        pairwise(
            "kl_div",
            "log_target",
            [normal([3, 4]), normal([3, 4])],
            |x, t, reduction| x.kl_div(t, true, reduction),
            "F.kl_div(x0, x1, log_target=True",
        ),
    ]
    .concat();
    cases.push(
        Case::new("kl_div", "kl_div/zero_targets")
            .inputs([normal([4]), floats([4], [0.0, 1.0, 0.0, 0.5])])
            .fixed(1)
            .run(|x| x[0].kl_div(&x[1], false, Reduction::Sum))
            .torch("F.kl_div(x0, x1, reduction='sum')"),
    );
    cases
}

fn two_classes() -> Vec<Case> {
    const PROBABILITIES: &str = "binary_cross_entropy";
    const LOGITS: &str = "binary_cross_entropy_with_logits";
    let with_logits: Pairwise = |x, t, reduction| x.binary_cross_entropy_with_logits(t, reduction);
    let probabilities = || [uniform([3, 4], 0.1, 0.9), uniform([3, 4], 0.0, 1.0)];
    let logits = || [normal([3, 4]), uniform([3, 4], 0.0, 1.0)];
    let weighted =
        |name: &str, weights: Input, options: fn(Tensor) -> BinaryCrossEntropyOptions, torch: &str| {
            Case::new("binary_cross_entropy of plain ops", format!("{LOGITS}/{name}"))
                .inputs([normal([3, 4]), uniform([3, 4], 0.0, 1.0), weights])
                .fixed(2)
                .run(move |x| x[0].binary_cross_entropy_with_logits(&x[1], options(x[2].clone())))
                .torch(format!("F.binary_cross_entropy_with_logits(x0, x1, {torch})"))
        };
    let mut cases = [
        pairwise(
            PROBABILITIES,
            "basic",
            probabilities(),
            Tensor::binary_cross_entropy,
            "F.binary_cross_entropy(x0, x1",
        ),
        pairwise(LOGITS, "basic", logits(), with_logits, "F.binary_cross_entropy_with_logits(x0, x1"),
    ]
    .concat();
    cases.extend([
        // Certain answers, right and wrong: the logarithm stops at −100.
        Case::new(PROBABILITIES, "binary_cross_entropy/certain")
            .inputs([floats([4], [0.0, 1.0, 0.0, 1.0]), floats([4], [0.0, 1.0, 1.0, 0.0])])
            .run(|x| x[0].binary_cross_entropy(&x[1], Reduction::None))
            .torch("F.binary_cross_entropy(x0, x1, reduction='none')")
            .no_gradient(),
        Case::new(LOGITS, format!("{LOGITS}/wide"))
            .inputs([floats([4], [-800.0, -40.0, 40.0, 800.0]), floats([4], [0.0, 1.0, 0.0, 1.0])])
            .run(|x| x[0].binary_cross_entropy_with_logits(&x[1], Reduction::Sum))
            .torch("F.binary_cross_entropy_with_logits(x0, x1, reduction='sum')"),
        weighted(
            "weight",
            positive([4]),
            |weight| BinaryCrossEntropyOptions { weight: Some(weight), ..Default::default() },
            "weight=x2",
        ),
        weighted(
            "positive_weight",
            positive([4]),
            |weight| BinaryCrossEntropyOptions { positive_weight: Some(weight), ..Default::default() },
            "pos_weight=x2",
        ),
    ]);
    cases
}

fn many_classes() -> Vec<Case> {
    let images = || normal([2, 5, 2, 3]);
    let pixels = || integers([2, 2, 3], 0, 5);
    let some_ignored = || indices([4], [2, -1, 0, 4]);
    let cross_entropy =
        |name: &str, inputs: Vec<Input>, options: fn(&[Tensor]) -> CrossEntropyOptions, torch: &str| {
            // With class weights or soft targets it is made of plain ops; only without them does the fused op run.
            let fused = inputs.len() == 2 && !inputs[1].is_float();
            Case::new(
                if fused { "cross_entropy" } else { "cross_entropy of plain ops" },
                format!("cross_entropy/{name}"),
            )
            .inputs(inputs)
            .run(move |x| x[0].cross_entropy(&x[1], options(x)))
            .torch(format!("F.cross_entropy(x0, x1{torch})"))
        };
    let nll = |name: &str, inputs: Vec<Input>, options: fn(&[Tensor]) -> NllLossOptions, torch: &str| {
        Case::new("nll_loss", format!("nll_loss/{name}"))
            .inputs(inputs)
            .run(move |x| x[0].nll_loss(&x[1], options(x)))
            .torch(format!("F.nll_loss(x0, x1{torch})"))
    };
    vec![
        cross_entropy("basic", vec![normal([4, 5]), integers([4], 0, 5)], |_| Reduction::Mean.into(), ""),
        cross_entropy(
            "none",
            vec![normal([4, 5]), integers([4], 0, 5)],
            |_| Reduction::None.into(),
            ", reduction='none'",
        ),
        cross_entropy("images", vec![images(), pixels()], |_| Reduction::Sum.into(), ", reduction='sum'"),
        cross_entropy("one_sample", vec![normal([5]), indices([], [3])], |_| Reduction::Mean.into(), ""),
        cross_entropy(
            "label_smoothing",
            vec![images(), pixels()],
            |_| CrossEntropyOptions { label_smoothing: 0.1, ..Default::default() },
            ", label_smoothing=0.1",
        ),
        cross_entropy(
            "ignore_index",
            vec![normal([4, 5]), some_ignored()],
            |_| CrossEntropyOptions { ignore_index: -1, ..Default::default() },
            ", ignore_index=-1",
        ),
        cross_entropy(
            "everything",
            vec![normal([4, 5]), some_ignored(), positive([5])],
            everything,
            ", weight=x2, ignore_index=-1, label_smoothing=0.2",
        )
        .fixed(2),
        cross_entropy(
            "everything_none",
            vec![normal([4, 5]), some_ignored(), positive([5])],
            |x| CrossEntropyOptions { reduction: Reduction::None, ..everything(x) },
            ", weight=x2, ignore_index=-1, label_smoothing=0.2, reduction='none'",
        )
        .fixed(2),
        cross_entropy(
            "probabilities",
            vec![normal([4, 5]), uniform([4, 5], 0.0, 1.0)],
            |_| CrossEntropyOptions { label_smoothing: 0.1, ..Default::default() },
            ", label_smoothing=0.1",
        ),
        cross_entropy(
            "probabilities_weight",
            vec![images(), uniform([2, 5, 2, 3], 0.0, 1.0), positive([5])],
            |x| CrossEntropyOptions { weight: Some(x[2].clone()), ..Default::default() },
            ", weight=x2",
        )
        .fixed(2),
        nll("basic", vec![normal([4, 5]), integers([4], 0, 5)], |_| Reduction::Mean.into(), ""),
        nll("images", vec![images(), pixels()], |_| Reduction::None.into(), ", reduction='none'"),
        nll("one_sample", vec![normal([5]), indices([], [3])], |_| Reduction::Mean.into(), ""),
        nll(
            "weight_and_ignore_index",
            vec![normal([4, 5]), some_ignored(), positive([5])],
            |x| NllLossOptions { weight: Some(x[2].clone()), ignore_index: -1, reduction: Reduction::Mean },
            ", weight=x2, ignore_index=-1",
        )
        .fixed(2),
    ]
}

/// Class weights, an index to ignore and label smoothing at once.
fn everything(x: &[Tensor]) -> CrossEntropyOptions {
    CrossEntropyOptions {
        weight: Some(x[2].clone()),
        ignore_index: -1,
        label_smoothing: 0.2,
        reduction: Reduction::Mean,
    }
}

fn gaussian() -> Vec<Case> {
    let two = || [normal([3, 4]), normal([3, 4])];
    let nll = |name: &str, variance: Input, options: GaussianNllOptions, torch: &str| {
        Case::new("gaussian_nll_loss", format!("gaussian_nll_loss/{name}"))
            .inputs([normal([3, 4]), normal([3, 4]), variance])
            .run(move |x| x[0].gaussian_nll_loss(&x[1], &x[2], options))
            .torch(format!("F.gaussian_nll_loss(x0, x1, x2{torch})"))
    };
    let plain = GaussianNllOptions::default();
    vec![
        Case::new("gaussian_kl", "gaussian_kl/basic")
            .inputs(two())
            .run(|x| x[0].gaussian_kl(&x[1], Reduction::None))
            .torch("-0.5 * (1 + x1 - x0.pow(2) - x1.exp())")
            .elementwise(),
        Case::new("gaussian_kl", "gaussian_kl/sum")
            .inputs(two())
            .run(|x| x[0].gaussian_kl(&x[1], Reduction::Sum))
            .torch("-0.5 * torch.sum(1 + x1 - x0.pow(2) - x1.exp())"),
        Case::new("reparameterise", "reparameterise/basic")
            .inputs([normal([3, 4]), normal([3, 4]), normal([3, 4])])
            .run(|x| x[0].reparameterise(&x[1], &x[2]))
            .torch("x0 + torch.exp(0.5 * x1) * x2")
            .elementwise(),
        nll("basic", positive([3, 4]), plain, ""),
        nll(
            "one_variance_a_row",
            positive([3, 1]),
            GaussianNllOptions { full: true, ..plain },
            ", full=True",
        ),
        nll(
            "sum",
            positive([3, 4]),
            GaussianNllOptions { reduction: Reduction::Sum, ..plain },
            ", reduction='sum'",
        ),
        // Variances below the bound; PyTorch's gradient passes it.
        nll("epsilon", uniform([3, 4], 0.0, 0.1), GaussianNllOptions { epsilon: 0.2, ..plain }, ", eps=0.2")
            .at_kink(),
    ]
}

fn margins() -> Vec<Case> {
    let signs = || floats([6], [1.0, -1.0, 1.0, -1.0, -1.0, 1.0]);
    let off_the_kink = || floats([6], [0.3, 0.2, 1.7, -2.0, 1.4, -0.4]);
    let rows = |name: &str, margin: f64, (reduction_name, reduction): (&str, Reduction)| {
        Case::new("cosine_embedding_loss", format!("cosine_embedding_loss/{name}"))
            .inputs([normal([6, 4]), normal([6, 4]), signs()])
            .fixed(2)
            .run(move |x| x[0].cosine_embedding_loss(&x[1], &x[2], margin, reduction))
            .torch(format!(
                "F.cosine_embedding_loss(x0, x1, x2, margin={margin}, reduction='{reduction_name}')"
            ))
    };
    let mut cases = vec![
        Case::new("hinge_loss", "hinge_loss/basic")
            .inputs([off_the_kink(), signs()])
            .fixed(1)
            .run(|x| x[0].hinge_loss(&x[1], Reduction::Mean))
            .torch("torch.clamp(1 - x1 * x0, min=0).mean()")
            .not_smooth(),
        Case::new("cosine_similarity", "cosine_similarity/basic")
            .inputs([normal([3, 4]), normal([3, 4])])
            .run(|x| x[0].cosine_similarity(&x[1], 1, 1e-8))
            .torch("F.cosine_similarity(x0, x1, dim=1)"),
        Case::new("cosine_similarity", "cosine_similarity/broadcast")
            .inputs([normal([3, 4, 2]), normal([4, 1])])
            .run(|x| x[0].cosine_similarity(&x[1], -2, 1e-8))
            .torch("F.cosine_similarity(x0, x1, dim=-2)"),
        // A vector of zeros; the others are ordinary.
        Case::new("cosine_similarity", "cosine_similarity/zero_vector")
            .inputs([floats([2, 2], [0.0, 0.0, 1.0, 2.0]), floats([2, 2], [3.0, 1.0, -1.0, 0.5])])
            .run(|x| x[0].cosine_similarity(&x[1], 1, 1e-2))
            .torch("F.cosine_similarity(x0, x1, dim=1, eps=1e-2)")
            .at_kink(),
        rows("basic", 0.0, REDUCTIONS[1]),
        rows("margin", 0.3, REDUCTIONS[0]),
    ];
    let embedding = pairwise(
        "hinge_embedding_loss",
        "basic",
        [off_the_kink(), signs()],
        |x, t, reduction| x.hinge_embedding_loss(t, 1.0, reduction),
        "F.hinge_embedding_loss(x0, x1",
    );
    cases.extend(embedding.into_iter().map(|case| case.fixed(1).not_smooth()));
    cases
}

/// The fused gradients by themselves, as functions of all that they depend on.
fn gradients() -> Vec<Case> {
    // Gradient of ⟨losses(x0), x1⟩ in x0, itself a function of x0 and x1.
    let gradient = |x: &[Tensor], losses: &dyn Fn(&Tensor) -> Tensor| {
        // A tensor that asks for a gradient even where the caller's does not.
        let logits = if x[0].requires_grad() { x[0].clone() } else { x[0].detach().requires_grad_(true) };
        let product = (losses(&logits) * &x[1]).sum_all();
        let options = GradOptions { create_graph: true, ..Default::default() };
        grad(&[&product], &[&logits], options).expect("the loss has a gradient").remove(0)
    };
    vec![
        Case::new("binary_cross_entropy_with_logits_grad", "binary_cross_entropy_with_logits_grad/basic")
            .inputs([normal([3, 4]), normal([3, 4]), uniform([3, 4], 0.0, 1.0)])
            .run(move |x| {
                gradient(x, &|logits| logits.binary_cross_entropy_with_logits(&x[2], Reduction::None))
            })
            .torch("x1 * (torch.sigmoid(x0) - x2)"),
        Case::new("binary_cross_entropy_with_logits_grad", "binary_cross_entropy_with_logits_grad/mean")
            .inputs([normal([3, 4]), normal([]), uniform([3, 4], 0.0, 1.0)])
            .run(move |x| {
                gradient(x, &|logits| logits.binary_cross_entropy_with_logits(&x[2], Reduction::Mean))
            })
            .torch("x1 / 12 * (torch.sigmoid(x0) - x2)"),
        Case::new("gaussian_kl_grad", "gaussian_kl_grad/mean")
            .inputs([normal([3, 4]), normal([3, 4]), normal([3, 4])])
            .run(move |x| gradient(x, &|mean| mean.gaussian_kl(&x[2], Reduction::None)))
            .torch("x1 * x0 + 0 * x2"),
        Case::new("gaussian_kl_grad", "gaussian_kl_grad/log_variance")
            .inputs([normal([3, 4]), normal([]), normal([3, 4])])
            .run(move |x| gradient(x, &|log_variance| x[2].gaussian_kl(log_variance, Reduction::Sum)))
            .torch("x1 / 2 * (torch.exp(x0) - 1) + 0 * x2"),
        Case::new("mse_loss_grad", "mse_loss_grad/basic")
            .inputs([normal([3, 4]), normal([]), normal([3, 4])])
            .run(move |x| gradient(x, &|input| input.mse_loss(&x[2], Reduction::Mean)))
            .torch("x1 / 6 * (x0 - x2)"),
        Case::new("reparameterise_grad", "reparameterise_grad/basic")
            .inputs([normal([3, 4]), normal([3, 4]), normal([3, 4])])
            .run(move |x| gradient(x, &|log_variance| x[0].detach().reparameterise(log_variance, &x[2])))
            .torch("x1 * x2 * torch.exp(x0 / 2) / 2"),
        Case::new("cross_entropy_grad", "cross_entropy_grad/basic")
            .inputs([normal([4, 5]), normal([4]), indices([4], [2, -1, 0, 4])])
            .run(move |x| {
                let options = CrossEntropyOptions {
                    ignore_index: -1,
                    label_smoothing: 0.2,
                    reduction: Reduction::None,
                    weight: None,
                };
                gradient(x, &|logits| logits.cross_entropy(&x[2], options.clone()))
            })
            .torch(
                "torch.where(x2 >= 0, x1, 0)[:, None] * \
                 (torch.softmax(x0, 1) - 0.8 * F.one_hot(x2.clamp(min=0), 5).double() - 0.04)",
            ),
        Case::new("cross_entropy_grad", "cross_entropy_grad/mean")
            .inputs([normal([4, 5]), normal([]), indices([4], [2, -1, 0, 4])])
            .run(move |x| {
                let options = CrossEntropyOptions { ignore_index: -1, ..Default::default() };
                gradient(x, &|logits| logits.cross_entropy(&x[2], options.clone()))
            })
            .torch(
                "x1 / 3 * torch.where(x2 >= 0, 1, 0)[:, None] * \
                 (torch.softmax(x0, 1) - F.one_hot(x2.clamp(min=0), 5).double())",
            ),
    ]
}
