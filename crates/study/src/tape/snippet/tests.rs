use super::*;
use wengert_tensor::{DType, Generator, Tensor};

fn error(text: &str) -> String {
    record(text).expect_err(text)
}

#[test]
fn a_snippet_is_what_the_engine_computes() {
    let history = record(
        "x = normal(4, 3, seed=1)\nw = param(normal(3, 2, seed=2)); b = param(zeros(2))  # two leaves\n\
         y = tanh(x @ w + b)\nloss = sum((y - 0.5)^2)",
    )
    .unwrap();
    let normal = |shape: [usize; 2], seed| Generator::new(seed).normal(shape, 0.0, 1.0, DType::F64);
    let x = normal([4, 3], 1);
    let w = normal([3, 2], 2).to_parameter("w").unwrap();
    let b = Tensor::zeros(2, DType::F64).to_parameter("b").unwrap();
    let expected = History::record::<wengert_tensor::Error>(|| {
        Ok(((x.matmul(&w) + &b).tanh() - 0.5).square().sum_all())
    })
    .unwrap();
    assert_eq!(history.values, expected.values);
    assert_eq!(history.gradients, expected.gradients);
    let cotangents =
        |history: &History| history.backward.iter().map(|step| step.cotangent.clone()).collect::<Vec<_>>();
    assert_eq!(cotangents(&history), cotangents(&expected));
    let names: Vec<&str> = history.graph.leaves.iter().map(|leaf| leaf.name.as_str()).collect();
    assert_eq!(names, ["w", "b"]);
    let scopes: Vec<&str> = history.graph.nodes.iter().map(|node| node.scope.as_str()).collect();
    assert_eq!(scopes, ["y", "y", "y", "loss", "loss", "loss"]);
}

#[test]
fn operators_bind_as_in_mathematics() {
    let value = |expression: &str| {
        let history = record(&format!("a = param(full(value=2))\nloss = {expression}")).unwrap();
        history.values.last().unwrap().mean
    };
    for (expression, expected) in [
        ("a + 3 * 4", 14.0),
        ("(a + 3) * 4", 20.0),
        ("-a^2", -4.0),
        ("a^-1", 0.5),
        ("a^3^2", 512.0),
        ("8 / a / 2", 2.0),
        ("10 - a - 3", 5.0),
        ("2 - -a", 4.0),
        ("a * 1e1 + .5", 20.5),
        ("sum([[1, 2], [3, 4]] * a)", 20.0),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn a_gradient_can_be_differentiated_again() {
    let history = record("x = param([1, 2]); y = sum(x^3); loss = sum(grad(y, x)^2)").unwrap();
    assert!(history.graph.nodes.iter().any(|node| node.gradient_of.is_some()));
    // Σ (3x²)² and its slope 36x³.
    assert_eq!(history.values.last().unwrap().mean, 9.0 + 144.0);
    assert_eq!(history.gradients[0].as_ref().unwrap().first, [36.0, 288.0]);
}

#[test]
fn an_error_says_where_and_what_would_be_right() {
    for (text, part) in [
        ("y = tanh(q)", "line 1, column 10: nothing is called q so far"),
        (
            "x = param(normal(3))\ny = tan(x)",
            "line 2, column 5: there is no function tan; did you mean `tanh`",
        ),
        ("x = normal(3", "this bracket is not closed by `)`"),
        ("x = normal(3))", "should end here"),
        ("x 3", "after x there must be `=`"),
        ("= 3", "a statement begins with a name"),
        ("x = ", "is wanted here, and not the end of the statement"),
        ("x = 1..2", "`1..2` is no number"),
        ("x = 1e999", "is no number"),
        ("x = é", "`é` means nothing here"),
        ("x = normal(0)", "a size is a whole number"),
        ("x = normal(1e300)", "a size is a whole number"),
        ("x = normal(65536, 2)", "a tensor may have 65536"),
        ("x = zeros(65536, 1); y = x + transpose(x)", "a tensor may have 65536"),
        ("x = zeros(65536, 1); y = x @ transpose(x)", "a tensor may have 65536"),
        ("x = zeros(2, 3) @ zeros(2, 3)", "[m, k] and [k, n]"),
        ("x = zeros(2) + zeros(3)", "do not broadcast"),
        ("x = zeros(3) @ zeros(3)", "[m, k] and [k, n]"),
        ("x = [[1, 2], [3]]", "all must be alike"),
        ("x = sum(zeros(2), dim=3)", "sum"),
        ("x = sum(zeros(2), axis=0)", "sum has no option axis"),
        ("x = tanh(1, 2)", "tanh takes 1 tensors, and here are 2"),
        ("x = clamp(1)", "clamp"),
        ("x = normal(2, std=-1)", "normal"),
        ("x = reshape(zeros(4), 3)", "would have 3"),
        ("x = transpose(zeros(4))", "last two axes"),
        ("x = softmax(1)", "softmax"),
        ("x = sum(normal(3))", "nothing behind x needs a gradient"),
        ("x = param(normal(3))", "must be one number and is [3]"),
        ("x = param(normal(1))", "is a parameter itself"),
        ("x = 3", "x is a plain number"),
        ("# nothing", "there is no statement here"),
        ("x = normal(1, 1, 1, 1, 1, 1, 1)", "may have 6 axes"),
    ] {
        let message = error(text);
        assert!(message.contains(part), "{text}: {message}");
    }
    let shown = error("x = param(normal(3))\ny = x * tanh(q)");
    assert!(shown.ends_with("\n  y = x * tanh(q)\n               ^"), "{shown}");
}

#[test]
fn nothing_is_without_end() {
    let deep = |inside: &str, times| format!("x = {}", inside.repeat(times));
    for text in [
        deep("(", 100_000),
        deep("(", 1000),
        deep("-", 16_000),
        deep("[", 5000),
        deep("tanh(", 3000),
        deep("2^", 8000),
        deep("1+", 8000),
        "x".repeat(16 << 10) + " = 1",
        "x = 1\n".repeat(2500) + "y = (",
    ] {
        record(&text).unwrap_err();
    }
    let long = format!("x = param(full(value=1)); loss = x{}", "+x".repeat(499));
    assert!(error(&long).contains("may have 500 operators"), "the calls of param and full count too");
}
