"""Indexing: every kind of key, read and written, against PyTorch's rules."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg

N = 3  # every axis


@st.composite
def keys(draw):
    """(key for minigrad, the same for an independent reading) for a tensor (3, 3, 3)."""
    free = 3
    parts = []
    length = draw(st.integers(1, 2))  # all index arrays have one shape
    for _ in range(draw(st.integers(0, 4))):
        kinds = ["int", "slice", "array", "tensor", "mask", "list"] if free else []
        kind = draw(st.sampled_from([*kinds, "none", "..."]))
        if kind == "none":
            parts.append(None)
            continue
        if kind == "...":
            if Ellipsis not in [p for p in parts if p is Ellipsis]:
                parts.append(Ellipsis)
            continue
        free -= 1
        if kind == "int":
            parts.append(draw(st.integers(-N, N - 1)))
        elif kind == "slice":
            ends = st.none() | st.integers(-N - 1, N + 1)
            parts.append(slice(draw(ends), draw(ends), draw(st.none() | st.integers(1, 2))))
        elif kind == "mask":
            mask = np.zeros(N, bool)
            mask[draw(st.permutations(range(N)))[:length]] = True
            parts.append(mask)
        else:
            picked = draw(st.lists(st.integers(-N, N - 1), min_size=length, max_size=length))
            make = {"array": np.array, "tensor": mg.tensor, "list": list}[kind]
            parts.append(make(picked))
    return tuple(parts)


def read(x, key):
    """x[key] as PyTorch reads it: integers and slices first, arrays after, written with loops."""
    parts = [p.numpy() if isinstance(p, mg.Tensor) else p for p in key]
    parts = [np.array(p) if isinstance(p, list) else p for p in parts]
    first = tuple(slice(None) if isinstance(p, np.ndarray) else p for p in parts)
    if Ellipsis not in [p for p in first if p is Ellipsis]:
        first += (Ellipsis,)
        parts.append(Ellipsis)
    rest = x.ndim - sum(p is not None and p is not Ellipsis for p in parts)
    second = []
    for p in parts:
        if p is Ellipsis:
            second += [slice(None)] * rest
        elif isinstance(p, np.ndarray) or p is None or isinstance(p, slice):
            second.append(slice(None) if p is None or isinstance(p, slice) else p)
    return first, tuple(second)


@given(key=keys())
def test_reading(key):
    x = np.arange(27.0).reshape(N, N, N)
    first, second = read(x, key)
    want = x[first][second]
    leaf = mg.tensor(x, requires_grad=True)
    plain, recorded = mg.tensor(x)[key], (leaf * 1.0)[key]
    np.testing.assert_array_equal(plain.numpy(), want)
    np.testing.assert_array_equal(recorded.detach().numpy(), want)
    weight = np.random.default_rng(0).normal(size=want.shape)
    (grad,) = mg.grad(recorded, [leaf], mg.tensor(weight))
    count = np.zeros(27)
    np.add.at(count, want.astype(int).reshape(-1), weight.reshape(-1))
    np.testing.assert_allclose(grad.numpy().reshape(-1), count, atol=1e-12)


@given(key=keys(), recorded=st.booleans())
def test_writing(key, recorded):
    x = np.arange(27.0).reshape(N, N, N)
    first, second = read(x, key)
    value = np.random.default_rng(0).normal(size=x[first][second].shape)
    want = x.copy()
    want[first][second] = value
    y = mg.tensor(x, requires_grad=recorded) * 1.0
    y[key] = mg.tensor(value)
    np.testing.assert_array_equal(y.detach().numpy(), want)


@given(key=keys())
def test_torch_reads_the_same(key):
    torch = pytest.importorskip("torch")
    theirs = tuple(
        torch.from_numpy(p.numpy() if isinstance(p, mg.Tensor) else p)
        if isinstance(p, (mg.Tensor, np.ndarray))
        else p
        for p in key
    )
    x = np.arange(27.0).reshape(N, N, N)
    np.testing.assert_array_equal(mg.tensor(x)[key].numpy(), torch.from_numpy(x)[theirs].numpy())


def test_an_integer_beside_an_array_does_not_move_its_axis():
    x = mg.arange(24).reshape(2, 3, 4)
    assert x[0, :, [0, 1]].shape == (3, 2)
    assert x[:, 0, [0, 1]].shape == (2, 2)
    assert x[[0], :, [0, 1]].shape == (2, 3)


def test_scalars_and_bools():
    x = mg.arange(6.0).reshape(2, 3)
    assert x[True].shape == (1, 2, 3) and x[False].shape == (0, 2, 3)
    assert x[mg.tensor(True), 1].shape == (1, 3)
    assert x[mg.tensor(1), np.int64(2)].item() == 5
    assert x[...].shape == x[..., ...].shape == (2, 3)
    assert x[[]].shape == (0, 3) and x[range(2)].shape == (2, 3)
    assert mg.tensor(5.0)[None].shape == (1,) and mg.tensor(5.0)[...].item() == 5
    assert mg.tensor(5.0)[mg.tensor(True)].tolist() == [5]


REFUSED = {
    "a float": (1.5, IndexError),
    "a word": ("a", (IndexError, TypeError)),
    "a float tensor": (mg.tensor([1.0]), IndexError),
    "a short integer tensor": (mg.tensor([1]).to("int16"), IndexError),
    "a list of floats": ([1.5], IndexError),
    "an uneven list": ([[0], [0, 1]], IndexError),
    "out of range": (2, IndexError),
    "out of range, negative": (-3, IndexError),
    "an array out of range": ([0, 2], IndexError),
    "a tensor out of range": ((slice(None), mg.tensor([-4])), IndexError),
    "too many": ((0, 0, 0), IndexError),
    "too many with arrays": ((0, 0, [0]), IndexError),
    "a mask of another shape": (mg.ones(3, dtype=mg.bool), IndexError),
    "a mask with too many axes": (mg.ones(2, 3, 1, dtype=mg.bool), IndexError),
    "arrays that do not broadcast": (([0, 1], [0, 1, 2]), IndexError),
    "a slice of floats": (slice(1.0, None), TypeError),
    "a step of 0": (slice(None, None, 0), ValueError),
    "an object": (object(), (IndexError, TypeError)),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("recorded", [False, True])
def test_bad_keys_are_refused(case, recorded):
    key, error = REFUSED[case]
    x = mg.zeros(2, 3, requires_grad=recorded) * 1.0
    with pytest.raises(error, match="^index"):
        x[key]
    with pytest.raises(error, match="^x"):
        x[key] = 1.0


def test_values_that_do_not_fit_are_refused():
    x = mg.zeros(2, 3)
    for key in (0, [0], x == 0):
        with pytest.raises(ValueError, match=r"x\[...\] = y: shape \(2,\)"):
            x[key] = mg.zeros(2)
    with pytest.raises(TypeError, match="float64"):
        x[[0]] = mg.zeros(3, dtype=mg.float64)
    for value in ([1.0], "a", None):
        with pytest.raises(TypeError, match="expected a Tensor or a number"):
            x[0] = value


def test_values_are_cast_and_spread():
    x = mg.arange(3)
    x[0] = 1.9
    x[1:] = mg.tensor([[[2.9, -3.9]]])
    assert x.tolist() == [1, 2, -3] and x.dtype == mg.int64
    x[x < 0] = mg.tensor(7.0)
    assert x.tolist() == [1, 2, 7]


def test_the_last_of_several_values_stays_and_has_the_gradient():
    x, v = mg.zeros(2), mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x[[0, 0, 1]] = v
    assert x.tolist() == [2, 3]
    (g,) = mg.grad(x.sum(), [v])
    assert g.tolist() == [0, 1, 1]


def test_the_rule_keeps_the_indices_it_was_given():
    x = mg.arange(3.0).requires_grad_()
    index = mg.tensor([0, 1])
    y = x[index] * 2.0, mg.gather(x, 0, index), mg.index_select(x, 0, index), mg.take(x, index)
    index.fill_(2)
    for result in y:
        (g,) = mg.grad(result.sum(), [x], retain_graph=True)
        assert g[2].item() == 0
