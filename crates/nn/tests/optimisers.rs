//! Optimisers against PyTorch, from `tests/goldens/nn.safetensors`, which `scripts/nn_goldens.py` writes; their saved
//! state; and learning rates of groups.

mod common;

use common::{assert_close, golden};
use wengert_nn::*;
use wengert_tensor::{DType, Tensor, attempt};

const STEPS: usize = 5;

fn parameters(golden: &StateDict) -> Vec<Tensor> {
    (0..2).map(|p| golden[&format!("start/{p}")].copy().requires_grad_(true)).collect()
}

fn step(optimizer: &mut dyn Optimizer, golden: &StateDict, step: usize) {
    for (p, parameter) in optimizer.parameters().iter().enumerate() {
        parameter.set_grad(golden.get(&format!("gradient/{step}/{p}")).cloned());
    }
    optimizer.step().unwrap();
}

/// Takes the golden steps; then again, with the state handed to a fresh optimiser half way, to the same bits.
fn check<O: Optimizer>(case: &str, make: impl Fn(Vec<Tensor>) -> O) {
    let golden = golden(&format!("optimiser/{case}"));
    let mut whole = make(parameters(&golden));
    for i in 0..STEPS {
        step(&mut whole, &golden, i);
        for (p, parameter) in whole.parameters().iter().enumerate() {
            let what = format!("{case}: parameter {p} after step {i}");
            assert_close(&what, parameter, &golden[&format!("value/{i}/{p}")]);
        }
    }
    let state = whole.state_dict();
    for (name, expected) in golden.iter().filter_map(|(name, t)| Some((name.strip_prefix("state/")?, t))) {
        let name = format!("state.{}", name.replace('/', "."));
        assert_close(&format!("{case}: {name}"), &state[&name], expected);
    }

    let mut first = make(parameters(&golden));
    (0..2).for_each(|i| step(&mut first, &golden, i));
    let copies = first.parameters().iter().map(|parameter| parameter.copy().requires_grad_(true)).collect();
    let mut second = make(copies);
    second.load_state_dict(&first.state_dict()).unwrap();
    (2..STEPS).for_each(|i| step(&mut second, &golden, i));
    for (resumed, straight) in second.parameters().iter().zip(whole.parameters()) {
        assert_eq!(
            resumed.to_vec::<f64>(),
            straight.to_vec::<f64>(),
            "{case}: a resumed run has the same bits"
        );
    }
}

#[test]
fn sgd() {
    check("sgd", |p| Sgd::new(p, 0.1).weight_decay(0.3));
    check("sgd_momentum", |p| Sgd::new(p, 0.1).momentum(0.8).dampening(0.3).weight_decay(0.2));
    check("sgd_nesterov", |p| Sgd::new(p, 0.1).momentum(0.8).nesterov(true));
}

#[test]
fn adam() {
    check("adam", |p| Adam::new(p, 0.1));
    check("adam_amsgrad", |p| Adam::new(p, 0.1).betas(0.5, 0.7).weight_decay(0.2).amsgrad(true));
    check("adamw", |p| AdamW::new(p, 0.1).eps(1e-3));
    check("adamw_amsgrad", |p| AdamW::new(p, 0.1).weight_decay(0.5).amsgrad(true));
}

#[test]
fn rmsprop_and_adagrad() {
    check("rmsprop", |p| RmsProp::new(p, 0.1));
    check("rmsprop_centered", |p| {
        RmsProp::new(p, 0.1).alpha(0.9).eps(1e-3).momentum(0.7).centered(true).weight_decay(0.1)
    });
    check("adagrad", |p| Adagrad::new(p, 0.1));
    check("adagrad_decay", |p| {
        Adagrad::new(p, 0.1).learning_rate_decay(0.2).initial_accumulator(0.5).eps(1e-3).weight_decay(0.1)
    });
}

#[test]
fn groups_have_their_own_rates() {
    check("groups", |mut p| {
        let second = ParameterGroup::new(p.split_off(1), 0.3).weight_decay(0.0);
        let mut adamw = AdamW::new(p, 0.1);
        adamw.add_group(second);
        adamw
    });
    let weight = || Tensor::zeros(2, DType::F32).requires_grad_(true);
    let mut sgd = Sgd::new(vec![weight()], 0.1);
    sgd.add_group(ParameterGroup::new(vec![weight()], 0.4));
    sgd.scale_learning_rate(0.5);
    assert_eq!(sgd.slots().learning_rates(), [0.05, 0.2]);
    sgd.set_learning_rate(0.3);
    sgd.scale_learning_rate(1.0);
    assert_eq!(sgd.slots().learning_rates(), [0.3, 0.3]);
}

#[test]
fn a_foreign_state_is_refused_and_changes_nothing() {
    let weight = |n: usize| Tensor::zeros(n, DType::F32).requires_grad_(true);
    let stepped = |n: usize| {
        let mut adam = Adam::new(vec![weight(n)], 0.1);
        adam.parameters()[0].set_grad(Some(Tensor::ones(n, DType::F32)));
        adam.step().unwrap();
        adam
    };
    let mut adam = Adam::new(vec![weight(3)], 0.7);
    let refuse = |adam: &mut Adam, state: StateDict| adam.load_state_dict(&state).unwrap_err().to_string();
    let error = refuse(&mut adam, stepped(2).state_dict());
    assert!(error.contains("state.0.exp_avg (needs f32[3], the file has f32[2])"), "{error}");
    let mut lacking = stepped(3).state_dict();
    lacking.remove("state.0.exp_avg_sq");
    let error = refuse(&mut adam, lacking);
    assert!(error.contains("missing: state.0.exp_avg_sq"), "{error}");
    let mut negative = stepped(3).state_dict();
    negative.insert("state.0.step".to_owned(), Tensor::scalar(-1i64));
    let error = refuse(&mut adam, negative);
    assert!(error.contains("state.0.step is -1"), "{error}");
    let error = refuse(
        &mut adam,
        Sgd::new(vec![weight(3), weight(1)], 0.1)
            .state_dict()
            .into_iter()
            .chain([("state.1.step".to_owned(), Tensor::scalar(1i64))])
            .collect(),
    );
    assert!(error.contains("unexpected: state.1.step"), "{error}");
    assert_eq!(adam.learning_rate(), 0.7);
}

#[test]
#[should_panic(expected = "given to the optimiser twice")]
fn a_tied_weight_is_given_once() {
    let weight = Tensor::zeros(2, DType::F32).requires_grad_(true);
    Sgd::new(vec![weight.clone(), weight], 0.1);
}

#[test]
fn hyperparameters_out_of_range_are_refused() {
    let weight = || vec![Tensor::zeros(2, DType::F32).requires_grad_(true)];
    let refusals: [(&str, &dyn Fn()); 14] = [
        ("learning rate must be a number from 0 on, got -1", &|| drop(Adam::new(weight(), -1.0))),
        ("learning rate must be a number from 0 on, got NaN", &|| drop(Sgd::new(weight(), f64::NAN))),
        ("learning rate must", &|| Sgd::new(weight(), 0.1).set_learning_rate(-0.1)),
        ("learning rate must", &|| Sgd::new(weight(), 0.1).add_group(ParameterGroup::new(weight(), -0.1))),
        ("beta1 must be at least 0 and below 1, got 1", &|| drop(Adam::new(weight(), 0.1).betas(1.0, 0.9))),
        ("beta2 must", &|| drop(AdamW::new(weight(), 0.1).betas(0.9, 1.1))),
        ("eps must", &|| drop(Adam::new(weight(), 0.1).eps(-1e-8))),
        ("weight decay must", &|| drop(AdamW::new(weight(), 0.1).weight_decay(-0.1))),
        ("momentum must", &|| drop(Sgd::new(weight(), 0.1).momentum(-0.1))),
        ("alpha must lie in 0..=1, got 1.5", &|| drop(RmsProp::new(weight(), 0.1).alpha(1.5))),
        ("learning rate decay must", &|| drop(Adagrad::new(weight(), 0.1).learning_rate_decay(-1.0))),
        ("initial accumulator must", &|| drop(Adagrad::new(weight(), 0.1).initial_accumulator(-1.0))),
        ("Nesterov needs a momentum", &|| drop(Sgd::new(weight(), 0.1).nesterov(true))),
        ("a dampening of 0, set before; they are 0.9 and 0.1", &|| {
            drop(Sgd::new(weight(), 0.1).momentum(0.9).dampening(0.1).nesterov(true))
        }),
    ];
    for (expected, wrong) in refusals {
        let message = attempt(wrong).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
