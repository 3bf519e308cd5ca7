"""Tensors: what they hold, operators, indexing, errors."""

import math

import numpy as np
import pytest

import wengert
from wengert import Tensor


def array(*shape):
    return np.random.default_rng(0).normal(size=shape)


def test_numbers_become_tensors_of_pytorchs_types():
    assert wengert.tensor([[1.5, 2.0], [3.0, 4.0]]).dtype == wengert.float32
    assert wengert.tensor([1, 2]).dtype == wengert.int64
    assert wengert.tensor(True).dtype == wengert.bool
    assert wengert.tensor([1, 2.5]).tolist() == [1.0, 2.5]
    assert wengert.tensor(np.float64(1.5)).item() == 1.5
    assert wengert.tensor(2**62 + 1).item() == 2**62 + 1
    assert wengert.tensor([1, 0], dtype=wengert.float64).dtype == wengert.float64
    assert wengert.tensor([[], []]).shape == (2, 0)


@pytest.mark.parametrize(
    "data, message",
    [
        ([[1, 2], [3]], "differ in length"),
        ([1, [2]], "nested equally deep"),
        ([[1], 2], "nested equally deep"),
        (["one"], "made of numbers"),
        (None, "made of numbers"),
    ],
)
def test_what_is_no_tensor_is_refused(data, message):
    with pytest.raises((ValueError, TypeError), match=message):
        wengert.tensor(data)


def test_operators_are_those_of_numpy():
    a, b = array(3, 4), array(3, 4) + 2.0
    x, y = wengert.tensor(a), wengert.tensor(b)
    for found, wanted in [
        (x + y, a + b),
        (x - 1.5, a - 1.5),
        (2.0 - x, 2.0 - a),
        (x * y, a * b),
        (1.0 / y, 1.0 / b),
        (-x, -a),
        (abs(x), np.abs(a)),
        (y**3.0, b**3.0),
        (y**x, b**a),
        (2.0**x, 2.0**a),
        (x @ y.T, a @ b.T),
        ((x < 0.5).float() * 1.0, (a < 0.5).astype(float)),
        (x.sum(0), a.sum(0)),
        (x.mean(dim=1, keepdim=True), a.mean(axis=1, keepdims=True)),
        (x.var(1), a.var(axis=1, ddof=1)),
        (x.softmax(-1).sum(-1), np.ones(3)),
        (wengert.cat([x, y], 1), np.concatenate([a, b], 1)),
        (wengert.stack([x, y]), np.stack([a, b])),
        (wengert.where(x > 0.0, x, y), np.where(a > 0, a, b)),
        (wengert.einsum("ij,kj->ik", x, y), a @ b.T),
        (x.cumsum(1), a.cumsum(1)),
        (wengert.exp(x), np.exp(a)),
    ]:
        np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-6, atol=1e-12)


def test_numpy_leaves_operators_to_tensors():
    with pytest.raises(TypeError):
        array(3) + wengert.ones(3, dtype=wengert.float64)


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        slice(1, 3),
        slice(None, None, -1),
        slice(3, 0, -2),
        slice(2, 2),
        (slice(None), 1),
        (..., 0),
        (0, ..., slice(None, None, 2)),
        (None, 1),
        (slice(1, None), None, slice(0, 2)),
        [0, 2, 0],
        (slice(None), [1, -1]),
    ],
)
def test_indices_are_those_of_numpy(index):
    a = array(4, 3, 5)
    np.testing.assert_array_equal(wengert.tensor(a)[index].numpy(), a[index])


def test_indices_by_tensors_and_iteration():
    a = array(4, 3)
    x = wengert.tensor(a)
    positions = wengert.tensor([[0, 3], [-1, 1]])
    np.testing.assert_array_equal(x[positions].numpy(), a[np.array([[0, 3], [-1, 1]])])
    np.testing.assert_array_equal(np.stack([row.numpy() for row in x]), a)
    for wrong in (4, (0, 0, 0), "a", 1.5):
        with pytest.raises((IndexError, TypeError)):
            x[wrong]
    for mask in (x > 0.0, True, [True, False, True, False]):
        with pytest.raises(ValueError, match="masked_fill"):
            x[mask]
    with pytest.raises(IndexError, match="one list or tensor"):
        x[[0, 1], [0, 1]]
    for keepdim, shape in ((False, ()), (True, (1, 1))):
        assert x.argmax(keepdim=keepdim).shape == x.argmin(keepdim=keepdim).shape == shape
    with pytest.raises(IndexError):
        x[wengert.tensor([7])]


def test_mistakes_are_exceptions_with_the_engines_message(capfd):
    a, b = wengert.ones(2, 3), wengert.ones(4)
    with pytest.raises(ValueError, match=r"add: shapes \[2, 3\] and \[4\] do not broadcast"):
        a + b
    with pytest.raises(TypeError, match="exp"):
        wengert.tensor([1, 2]).exp()
    with pytest.raises(ValueError, match="matmul"):
        a @ a
    with pytest.raises(ValueError, match="step must not be zero"):
        wengert.arange(0, 3, 0)
    with pytest.raises(ValueError, match="'none', 'mean' or 'sum'"):
        a.mse_loss(a, reduction="average")
    with pytest.raises((ValueError, MemoryError)):
        wengert.zeros(1 << 40, 1 << 20)
    with pytest.raises(MemoryError, match="does not have"):
        wengert.zeros(1 << 50)
    with pytest.raises(ValueError, match="no device"):
        wengert.zeros(1, device="gpu")
    assert capfd.readouterr().err == "", "a refusal is told once, by the exception"


def test_in_place_changes():
    x = wengert.zeros(3)
    same = x
    x += 2.0
    x.mul_(wengert.tensor([1.0, 2.0, 3.0]))
    assert same.tolist() == [2.0, 4.0, 6.0]
    w = wengert.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="no_grad"):
        w -= 1.0
    with wengert.no_grad():
        w -= 0.5
    assert w.requires_grad and w.is_leaf and w.tolist() == [0.5] * 3


def test_seeds_repeat_and_results_do_not_depend_on_who_draws():
    wengert.manual_seed(7)
    first = wengert.randn(2, 3)
    assert first.tolist() == wengert.Generator(7).normal([2, 3]).tolist()
    assert wengert.randn(2, 3).tolist() != first.tolist()
    assert sorted(wengert.randperm(5).tolist()) == list(range(5))


def test_types_and_printing():
    x = wengert.tensor([1.0, 2.0])
    assert x.double().dtype == wengert.float64 and x.to(wengert.int64).tolist() == [1, 2]
    assert repr(wengert.float32) == "wengert.float32" and repr(x).startswith("tensor([1., 2.])")
    assert math.isclose(float(x.sum()), 3.0) and int(x.max()) == 2 and [5, 6, 7][wengert.tensor(1)] == 6
    with pytest.raises(ValueError):
        bool(x)
    assert isinstance(x, Tensor) and len(x) == 2 and hash(x) == hash(x)


def test_numbers_next_to_whole_elements_are_exact():
    big = 2**53 + 1
    x = wengert.tensor([0, 1, big])
    assert (x + big).tolist() == [big, big + 1, 2 * big]
    assert (big - x).tolist() == [big, big - 1, 0]
    assert (x == big).tolist() == [False, False, True]
    x += big
    assert x.tolist() == [big, big + 1, 2 * big]
    assert (wengert.tensor([1, 200], dtype=wengert.uint8) + 300).tolist() == [45, 244]
    with pytest.raises(ValueError, match="does not fit 64 bits"):
        x + 2**70
    with pytest.raises(TypeError, match="div_scalar: needs f32 or f64, got i64; convert with to_dtype"):
        x / 2


def test_int_is_exact_or_refuses():
    assert int(wengert.tensor(2**62 + 1)) == 2**62 + 1
    assert int(wengert.tensor(-2.5)) == -2
    assert int(wengert.tensor(1e20, dtype=wengert.float64)) == 10**20
    with pytest.raises(OverflowError):
        int(wengert.tensor(float("inf")))
    with pytest.raises(ValueError):
        int(wengert.tensor(float("nan")))


def test_matrices_alone_have_an_mm():
    x = wengert.ones(2, 3)
    assert x.mm(x.T).tolist() == [[3.0, 3.0], [3.0, 3.0]]
    for other in (wengert.ones(3), wengert.ones(1, 3, 2)):
        with pytest.raises(ValueError, match="mm: needs two matrices, got .* use matmul"):
            x.mm(other)


def test_minus_one_keeps_a_size():
    x = wengert.ones(2, 1)
    assert x.broadcast_to(-1, 3).shape == x.expand(-1, 3).shape == (2, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: wengert.nn.Linear(-2, 2),
        lambda x: wengert.eye(-2),
        lambda x: wengert.zeros(4, -2),
        lambda x: x.narrow(0, -2, 2),
        lambda x: x.unsqueeze(0).unsqueeze(0).max_pool2d((2, -2)),
    ],
)
def test_negative_sizes_are_refused(call):
    with pytest.raises(ValueError, match="-2 is negative; it must be a whole number from 0 on"):
        call(wengert.ones(4, 4))
