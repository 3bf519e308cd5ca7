//! The walk back: order, accumulation, freeing, errors, hooks, and what it costs in memory and stack.

use std::sync::{Arc, Mutex};
use wengert_tensor::autograd::{
    BackwardOptions, GradOptions, checkpoint, detect_anomaly, grad, grad_from, is_grad_enabled,
};
use wengert_tensor::inspect::{Graph, GraphInput, observe};
use wengert_tensor::{Error, Generator, Tensor, no_grad, scope};

fn leaf(values: &[f64]) -> Tensor {
    Tensor::from_slice(values, values.len()).requires_grad_(true)
}

#[test]
fn gradients_add_up_over_paths_and_over_passes() {
    let x = leaf(&[2.0, 3.0]);
    let loss = || (&x * &x + &x * 3.0).sum_all();
    loss().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec::<f64>(), [7.0, 9.0]);
    loss().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec::<f64>(), [14.0, 18.0]);
    x.zero_grad();
    assert!(x.grad().is_none());
}

#[test]
fn a_chain_of_300_000_ops_runs_backward_and_drops() {
    // On a small stack, so that recursion anywhere would be noticed.
    std::thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(|| {
            let x = leaf(&[1.0]);
            let mut y = x.clone();
            for _ in 0..300_000 {
                y = y.add_scalar(1e-6);
            }
            let loss = y.sum_all();
            let graph = Graph::of(&loss);
            assert_eq!(graph.nodes.len(), 300_001);
            loss.backward().unwrap();
            assert_eq!(x.grad().unwrap().item(), 1.0);
            drop((y, loss));
        })
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn a_factor_is_saved_only_for_the_gradient_of_another() {
    let (x, constant) = (leaf(&[2.0]), Tensor::scalar(3.0));
    let saved = |y: &Tensor| Graph::of(y).nodes.pop().unwrap().saved_inputs;
    assert_eq!(saved(&(&x * &x)), [0, 1]);
    assert_eq!(saved(&(&x * &constant)), [1]);
    assert_eq!(saved(&(&constant * &x)), [0]);
    (&x * &constant).sum_all().backward().unwrap();
    assert_eq!(x.grad().unwrap().item(), 3.0);
}

#[test]
fn a_second_pass_needs_retain_graph() {
    let x = leaf(&[2.0]);
    let loss = x.exp().sum_all();
    loss.backward_with(BackwardOptions { retain_graph: true, ..Default::default() }, |_| {}).unwrap();
    loss.backward().unwrap();
    let error = loss.backward().unwrap_err().to_string();
    assert!(error.contains("freed by an earlier backward pass") && error.contains("retain_graph"), "{error}");
}

#[test]
fn a_change_between_forward_and_backward_is_an_error_that_names_both_places() {
    let weight = leaf(&[2.0, 1.0]).named("discriminator.weight");
    let loss = {
        let _layer = scope::enter("discriminator");
        (&weight * &weight).sum_all()
    };
    no_grad(|| weight.update::<f64, _>(|values| values[0] = 5.0));
    let error = loss.backward().unwrap_err();
    assert!(matches!(error, Error::ModifiedAfterSave { .. }));
    let message = error.to_string();
    assert!(
        message.contains("discriminator.weight") && message.contains("mul in discriminator"),
        "{message}"
    );
    assert_eq!(message.matches("autograd.rs:").count(), 2, "{message}");
}

#[test]
fn grad_reaches_intermediate_tensors_and_says_what_it_cannot_reach() {
    let x = leaf(&[1.0, 2.0]);
    let unrelated = leaf(&[1.0]);
    let y = &x * 3.0;
    let loss = (&y * &y).sum_all();
    let keep = GradOptions { retain_graph: true, ..Default::default() };
    let gradients = grad(&[&loss], &[&y, &x], keep).unwrap();
    assert_eq!(gradients[0].to_vec::<f64>(), [6.0, 12.0]);
    assert_eq!(gradients[1].to_vec::<f64>(), [18.0, 36.0]);
    assert!(x.grad().is_none(), "grad accumulates nothing");
    let error = grad(&[&loss], &[&unrelated], keep).unwrap_err().to_string();
    assert!(error.contains("no output depends on input 0"), "{error}");
    let zeros = grad(&[&loss], &[&unrelated], GradOptions { unused_as_zeros: true, ..keep }).unwrap();
    assert_eq!(zeros[0].to_vec::<f64>(), [0.0]);
    let error = y.backward().unwrap_err().to_string();
    assert!(error.contains("starts from one number"), "{error}");
}

#[test]
fn gradients_of_gradients() {
    let x = leaf(&[0.5]);
    let create = GradOptions { create_graph: true, ..Default::default() };
    let y = x.pow_scalar(4.0).sum_all();
    let first = grad(&[&y], &[&x], create).unwrap().remove(0);
    let second = grad_from(&[&first], &[&first.detach().ones_like()], &[&x], create).unwrap().remove(0);
    let third = grad(&[&second.sum_all()], &[&x], create).unwrap().remove(0);
    assert!((first.item() - 0.5).abs() < 1e-12);
    assert!((second.item() - 3.0).abs() < 1e-12);
    assert!((third.item() - 12.0).abs() < 1e-12);
}

#[test]
fn nothing_is_recorded_under_no_grad() {
    let x = leaf(&[1.0]);
    let y = no_grad(|| {
        assert!(!is_grad_enabled());
        &x * 2.0
    });
    assert!(is_grad_enabled() && !y.requires_grad());
    assert!(y.sum_all().backward().unwrap_err().to_string().contains("no_grad"));
    assert!(!(&x * 2.0).detach().requires_grad());
}

#[test]
fn hooks_see_and_replace_cotangents() {
    let x = leaf(&[1.0, 2.0]);
    let y = &x * 2.0;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = seen.clone();
    y.register_hook(move |cotangent| {
        record.lock().unwrap().extend(cotangent.to_vec::<f64>());
        Some(cotangent * 10.0)
    });
    let handle = x.register_hook(|_| panic!("removed"));
    x.remove_hook(handle);
    (&y * &y).sum_all().backward().unwrap();
    assert_eq!(*seen.lock().unwrap(), [4.0, 8.0]);
    assert_eq!(x.grad().unwrap().to_vec::<f64>(), [80.0, 160.0]);
}

#[test]
fn the_step_callback_shows_what_runs() {
    let x = leaf(&[1.0, 2.0]).named("x");
    let loss = (x.tanh() * &x).sum_all();
    let graph = Graph::of(&loss);
    let mut steps = Vec::new();
    loss.backward_with(BackwardOptions::default(), |step| {
        steps.push((step.position, step.op.name(), step.cotangent.shape().clone(), step.gradients.len()));
    })
    .unwrap();
    let names: Vec<&str> = steps.iter().map(|step| step.1).collect();
    assert_eq!(names, ["sum", "mul", "tanh"]);
    let shown: Vec<&str> = graph.nodes.iter().rev().map(|node| node.op.as_str()).collect();
    assert_eq!(names, shown, "what is shown is what executes");
    assert_eq!(graph.nodes[1].inputs, [GraphInput::Node(0), GraphInput::Leaf(0)]);
    assert!(graph.to_text().contains("%1 = mul(%0, @0)"), "{}", graph.to_text());
    assert!(graph.to_dot().contains("op0 -> op1"));
    assert_eq!(graph.to_json()["nodes"][2]["op"], "sum");
}

#[test]
fn an_anomaly_names_the_op_and_the_layer() {
    let x = leaf(&[0.0, 1.0]);
    let (_, forward) = detect_anomaly(|| {
        let _layer = scope::enter("encoder");
        let _inner = scope::enter("fc1");
        x.log()
    });
    let forward = forward.unwrap();
    assert_eq!((forward.op.as_str(), forward.scope.as_str()), ("log", "encoder.fc1"));
    let (result, backward) = detect_anomaly(|| x.sqrt().sum_all().backward());
    result.unwrap();
    let backward = backward.unwrap();
    assert!(backward.backward_of.as_deref().unwrap().starts_with("sqrt"), "{backward}");
    assert!(detect_anomaly(|| x.exp()).1.is_none());
}

#[test]
fn checkpointing_gives_the_same_gradients_and_draws() {
    let run = |checkpointed: bool| {
        let x = leaf(&[0.1, -0.4, 0.7]);
        let weight = leaf(&[1.5, -0.5, 2.0]);
        let generator = Arc::new(Generator::new(7));
        let captured = weight.clone();
        let stretch = move |inputs: &[Tensor]| {
            let noise = generator.normal_like(&inputs[0]);
            (&inputs[0] * &captured + noise).tanh()
        };
        let hidden = if checkpointed {
            checkpoint(stretch, &[&x]).unwrap()
        } else {
            stretch(std::slice::from_ref(&x))
        };
        (&hidden * &hidden).sum_all().backward().unwrap();
        (x.grad().unwrap().to_vec::<f64>(), weight.grad().unwrap().to_vec::<f64>())
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn observers_see_forward_and_backward_ops() {
    let names = Arc::new(Mutex::new(Vec::new()));
    let seen = names.clone();
    let x = leaf(&[1.0]);
    observe(
        move |event| seen.lock().unwrap().push(event.op.name()),
        || x.exp().sum_all().backward().unwrap(),
    );
    let names = names.lock().unwrap();
    assert_eq!(names[..2], ["exp", "sum"]);
    assert!(names.len() > 2, "backward passes through the same door: {names:?}");
}

#[test]
fn a_hook_may_remove_itself_but_not_change_the_shape() {
    let x = Tensor::from_slice(&[1.0, 2.0], 2).requires_grad_(true);
    let handle = std::sync::Arc::new(std::sync::Mutex::new(None));
    let (own, removed_from) = (handle.clone(), x.clone());
    *handle.lock().unwrap() = Some(x.register_hook(move |_| {
        removed_from.remove_hook(own.lock().unwrap().take().expect("called once"));
        None
    }));
    x.sum_all().backward().unwrap();
    x.sum_all().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec::<f64>(), [2.0, 2.0]);
    x.register_hook(|cotangent| Some(cotangent.unsqueeze(0)));
    let error = x.sum_all().backward().unwrap_err().to_string();
    assert!(error.contains("a hook replaced a cotangent of f64[2] by f64[1, 2]"), "{error}");
}
