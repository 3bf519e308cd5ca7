"""Differentiation."""

import pytest

import wengert
from wengert import autograd


def test_gradients_add_up_in_leaves():
    x = wengert.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    (x * 3.0).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]
    x.grad = None
    assert x.grad is None
    (x * x).backward(wengert.tensor([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 40.0]


def test_gradients_of_gradients():
    x = wengert.tensor(2.0, dtype=wengert.float64, requires_grad=True)
    (first,) = wengert.grad(x**3.0, x, create_graph=True)
    (second,) = wengert.grad(first, x, create_graph=True)
    (third,) = wengert.grad(second, x)
    assert (first.item(), second.item(), third.item()) == (12.0, 12.0, 6.0)


def test_unused_inputs_and_constants_are_told():
    x, y = wengert.ones(2, requires_grad=True), wengert.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="no output depends"):
        wengert.grad(x.sum(), y)
    assert wengert.grad(x.sum(), [x, y], materialize_grads=True)[1].tolist() == [0.0, 0.0]
    with pytest.raises(RuntimeError):
        wengert.ones(2).sum().backward()


def test_a_change_between_forward_and_backward_is_told():
    w = wengert.ones(2, requires_grad=True)
    loss = (w * w).sum()
    with wengert.no_grad():
        w += 1.0
    with pytest.raises(RuntimeError, match="has been changed since"):
        loss.backward()


def test_recording_is_switched_and_restored():
    x = wengert.ones(1, requires_grad=True)
    with wengert.no_grad():
        assert not (x * 2.0).requires_grad
        with wengert.enable_grad():
            assert (x * 2.0).requires_grad

    @wengert.no_grad()
    def constant():
        return x * 2.0

    assert not constant().requires_grad and wengert.is_grad_enabled()
    with pytest.raises(ValueError):
        with wengert.no_grad():
            wengert.ones(2) + wengert.ones(3)
    assert wengert.is_grad_enabled()


def test_functions_of_functions():
    x = wengert.tensor([1.0, 2.0], dtype=wengert.float64)
    v = wengert.tensor([1.0, 0.0], dtype=wengert.float64)
    cube = lambda t: (t**3.0).sum()
    assert autograd.hessian(cube, x).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    assert autograd.hvp(cube, x, v).tolist() == [6.0, 0.0]
    assert autograd.jacobian(lambda t: t * t, x).tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert autograd.jvp(lambda t: t * t, x, v)[1].tolist() == [2.0, 0.0]
    assert autograd.vjp(lambda t: t * t, x, v)[1].tolist() == [2.0, 0.0]


def test_gradients_are_checked():
    x = wengert.tensor([0.3, 0.7], dtype=wengert.float64, requires_grad=True)
    assert autograd.gradcheck(lambda t: t.tanh(), x)
    assert autograd.gradgradcheck(lambda t: t.sigmoid(), x)
    found = autograd.gradcheck(lambda t: t * t.detach(), x)
    assert not found and "worst at input 0" in found.report


def test_exceptions_of_python_pass_through_the_engine(capfd):
    def broken(_):
        raise KeyError("mine")

    x = wengert.ones(2, dtype=wengert.float64)
    with pytest.raises(KeyError, match="mine"):
        autograd.jacobian(broken, x)
    with pytest.raises(TypeError):
        autograd.jacobian(lambda t: None, x)
    y = wengert.ones(2, requires_grad=True)
    doubled = y * 2.0
    doubled.register_hook(broken)
    with pytest.raises(KeyError, match="mine"):
        doubled.sum().backward()
    assert capfd.readouterr().err == ""


def test_hooks_and_checkpoints():
    x = wengert.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2.0
    y.register_hook(lambda g: g * 10.0)
    y.sum().backward()
    assert x.grad.tolist() == [20.0, 20.0]
    x.zero_grad()
    autograd.checkpoint(lambda t: t.exp(), x).sum().backward()
    assert x.grad.tolist() == x.detach().exp().tolist()


def test_the_list_and_the_walk_back():
    x = wengert.tensor([1.0, 2.0], requires_grad=True)
    x.name = "x"
    loss = (x.tanh() * 2.0).sum()
    graph = wengert.Graph(loss)
    assert graph.ops == ["tanh", "mul_scalar", "sum"] and len(graph) == 3
    assert "tanh(@0)" in str(graph) and graph.to_dot().startswith("digraph") and '"nodes"' in graph.to_json()
    walked = []
    loss.backward_with(lambda position, op, layer, cotangent, gradients: walked.append((position, op, len(gradients))))
    assert walked == [(2, "sum", 1), (1, "mul_scalar", 1), (0, "tanh", 1)]
