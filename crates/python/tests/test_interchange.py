"""Memory shared with NumPy, and with whatever speaks DLPack."""

import gc
import weakref

import numpy as np
import pytest

import wengert

DTYPES = ["float32", "float64", "int64", "uint8"]


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_come_in_and_go_out_without_a_copy(dtype):
    array = np.arange(12, dtype=dtype).reshape(3, 4)
    tensor = wengert.from_numpy(array)
    assert tensor.dtype.name == dtype and tensor.tolist() == array.tolist()
    assert address(tensor.numpy()) == address(array) == address(np.from_dlpack(tensor))


@pytest.mark.parametrize(
    "view", [lambda a: a.T, lambda a: a[::-1, ::2], lambda a: a[1:, 2], lambda a: a[1:2, 1:2].reshape(()), lambda a: a[:0]]
)
def test_strides_are_kept(view):
    array = view(np.arange(24.0).reshape(4, 6))
    tensor = wengert.from_numpy(array)
    np.testing.assert_array_equal(tensor.numpy(), array)
    np.testing.assert_array_equal((tensor * 2.0).numpy(), array * 2.0)
    if array.size:
        assert address(tensor.numpy()) == address(array)


def test_tensor_copies():
    array = np.ones(3)
    tensor = wengert.tensor(array)
    array[0] = 5.0
    assert tensor.tolist() == [1.0, 1.0, 1.0]


def test_a_borrowed_array_lives_as_long_as_its_tensor():
    class Watched(np.ndarray):
        pass

    array = np.arange(4.0).view(Watched)
    gone = weakref.ref(array)
    tensor = wengert.from_dlpack(array)
    view = tensor[1:]
    del array, tensor
    gc.collect()
    assert gone() is not None and view.tolist() == [1.0, 2.0, 3.0]
    del view
    gc.collect()
    assert gone() is None


def test_an_array_lives_longer_than_its_tensor():
    tensor = wengert.tensor([1.0, 2.0, 3.0])
    before = wengert.live_bytes()
    array, capsule = tensor[1:].numpy(), np.from_dlpack(tensor)
    del tensor
    gc.collect()
    assert array.tolist() == [2.0, 3.0] and capsule.tolist() == [1.0, 2.0, 3.0]
    assert wengert.live_bytes() == before
    del array, capsule
    gc.collect()
    assert wengert.live_bytes() < before


def test_what_is_lent_is_read_only_and_never_changes():
    tensor = wengert.tensor([1.0, 2.0])
    before = tensor.numpy()
    with pytest.raises(ValueError, match="read-only"):
        before[0] = 9.0
    with pytest.raises(ValueError, match="read-only"):
        np.from_dlpack(tensor)[0] = 9.0
    tensor += 1.0
    assert (before.tolist(), tensor.tolist()) == ([1.0, 2.0], [2.0, 3.0])
    # Now nobody looks at the new memory: the next change stays where it is.
    moved = address(tensor.numpy())
    tensor += 1.0
    assert address(tensor.numpy()) == moved


def test_a_parameter_that_was_lent_is_trained_on():
    weight = wengert.ones(3, requires_grad=True)
    before = weight.detach().numpy()
    sgd = wengert.optim.SGD([weight], 0.5)
    (weight * 2.0).sum().backward()
    sgd.step()
    assert before.tolist() == [1.0] * 3 and weight.tolist() == [0.0] * 3


def test_borrowed_memory_is_never_written():
    array = np.array([1.0, 2.0])
    tensor = wengert.from_numpy(array)
    array[1] = 7.0
    assert tensor.tolist() == [1.0, 7.0], "the owner's writes show"
    tensor.zero_()
    assert (array.tolist(), tensor.tolist()) == ([1.0, 7.0], [0.0, 0.0])
    array[0] = 3.0
    assert tensor.tolist() == [0.0, 0.0], "and no longer do once the tensor has memory of its own"


def test_a_result_is_not_written_into_what_its_operand_borrows():
    array = np.full(1000, 2.0)
    total = wengert.from_numpy(array).exp().log() + wengert.from_numpy(array)
    np.testing.assert_allclose(total.numpy(), 4.0)
    assert (array == 2.0).all()


def test_a_read_only_array_can_be_borrowed():
    array = np.arange(3.0)
    array.flags.writeable = False
    assert address(wengert.from_numpy(array).numpy()) == address(array)


def test_truth_values_and_unaligned_elements_are_copied():
    truths = np.array([True, False])
    assert wengert.from_numpy(truths).tolist() == [True, False]
    assert wengert.tensor([True]).numpy().dtype == np.bool_
    with pytest.raises(BufferError, match="only be copied"):
        wengert.from_dlpack(truths, copy=False)
    odd = np.frombuffer(b"." + np.arange(3.0).tobytes(), dtype=np.uint8)[1:].view(np.float64)
    assert wengert.from_dlpack(odd).tolist() == [0.0, 1.0, 2.0]


def test_what_cannot_be_shared_says_why():
    with pytest.raises(TypeError, match="convert the array first"):
        wengert.tensor(np.arange(3, dtype=np.int32))
    with pytest.raises(TypeError, match="array of NumPy"):
        wengert.from_numpy([1, 2])
    with pytest.raises(RuntimeError, match="detach"):
        wengert.ones(2, requires_grad=True).numpy()
    capsule = wengert.ones(2).__dlpack__(max_version=(1, 0))

    class Twice:
        def __dlpack__(self, **_):
            return capsule

    assert wengert.from_dlpack(Twice()).tolist() == [1.0, 1.0]
    with pytest.raises(TypeError, match="somebody has taken it"):
        wengert.from_dlpack(Twice())


def test_consumers_that_know_no_read_only_memory_get_a_copy():
    tensor = wengert.ones(2)

    class Old:
        """Asks as before version 1.0."""

        def __dlpack__(self, **wanted):
            if wanted:
                raise TypeError("no such argument")
            return tensor.__dlpack__()

        def __dlpack_device__(self):
            return tensor.__dlpack_device__()

    copy = wengert.from_dlpack(Old())
    assert copy.tolist() == [1.0, 1.0] and address(copy.numpy()) != address(tensor.numpy())
    with pytest.raises(BufferError, match="read-only"):
        tensor.__dlpack__(copy=False)
    # A capsule that nobody takes gives its memory back.
    before = wengert.live_bytes()
    for version in (None, (1, 0)):
        tensor.__dlpack__(max_version=version)
    gc.collect()
    assert wengert.live_bytes() == before


def test_arrays_that_repeat_an_element():
    one = np.ones(1)
    assert wengert.from_numpy(np.broadcast_to(one, (1000, 1000))).sum().item() == 1e6
    with pytest.raises(BufferError, match="from_dlpack"):
        wengert.from_numpy(np.broadcast_to(np.ones(1, dtype=np.uint8), (1 << 31, 1 << 31)))


def test_numpy_converts_where_it_is_asked_to():
    tensor = wengert.tensor([1.5, 2.5])
    assert np.asarray(tensor, dtype=np.float64).tolist() == [1.5, 2.5]
    copy = np.array(tensor)
    copy[0] = 0.0
    assert tensor.tolist() == [1.5, 2.5]
