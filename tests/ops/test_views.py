"""Recorded changes of views: the tensor, its views and their gradients tell one story.

Programs change a tensor and its views in place; the same program on NumPy arrays, whose views
share memory too, gives the values and, at complex points, the derivatives.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from table import cauchy

import minigrad as mg
from minigrad.errors import InplaceError
from minigrad.ops.overwrite import overwrite

SEEDS = st.integers(0, 2**32 - 1)

# Views of a (3, 4) tensor and views of views; all share memory with it.
VIEWS = {
    "whole": lambda y: y,
    "row": lambda y: y[1],
    "column": lambda y: y[:, 2],
    "block": lambda y: y[1:, ::2],
    "element": lambda y: y[2:, 3:],
    "transposed": lambda y: y.T,
    "flat": lambda y: y.reshape(12),
    "row of transposed": lambda y: y.T[3],
    "block of columns": lambda y: y[:, 1:][::2, :2],
    "with an axis": lambda y: y[None, 2:, :],
}


def add(view, value):
    view += value


def multiply(view, value):
    view *= value


def store(view, value):
    view[...] = value


CHANGES = {"add": add, "multiply": multiply, "store": store}


@st.composite
def programs(draw):
    """A list of (view, change, when the view is taken, what is written)."""
    return draw(
        st.lists(
            st.tuples(
                st.sampled_from(sorted(VIEWS)),
                st.sampled_from(sorted(CHANGES)),
                st.booleans(),
                st.sampled_from(["number", "x", "another view"]),
            ),
            min_size=1,
            max_size=5,
        )
    )


def run(program, x):
    """The program on `x`, a Tensor or an array; everything it could look at, as one sum."""
    y = x * 1.5
    early = {name: view(y) for name, view in VIEWS.items()}
    for k, (name, change, fresh, what) in enumerate(program):
        view = VIEWS[name](y) if fresh else early[name]
        corner = early["element"].sum() * 0.7
        values = {"number": 0.5 + k, "x": x[0, k % 4], "another view": corner}
        CHANGES[change](view, values[what])
    total = (y * y).sum()
    for k, view in enumerate(early.values()):
        total = total + (k + 1.0) * (view * view * view).sum()
    return total


@given(program=programs(), seed=SEEDS)
def test_changes_of_views_agree_with_numpy(program, seed):
    chance = np.random.default_rng(seed)
    array, u = (chance.uniform(-1, 1, (3, 4)) for _ in range(2))
    x = mg.tensor(array, requires_grad=True)
    total = run(program, x)
    assert total.item() == pytest.approx(float(run(program, array)), rel=1e-12, abs=1e-12)

    slope, bend = cauchy.derivatives(lambda x: run(program, x), [array], [u], 2)
    (grad,) = mg.grad(total, [x], create_graph=True)
    first = (grad * mg.tensor(u)).sum()
    (second,) = mg.grad(first, [x], allow_unused=True)
    got = 0.0 if second is None else float((second.numpy() * u).sum())
    scale = 1 + abs(slope) + abs(bend) + abs(total.item())
    assert first.item() == pytest.approx(slope, abs=1e-8 * scale)
    assert got == pytest.approx(bend, abs=1e-7 * scale)


def test_a_change_of_a_view_reaches_the_tensor_and_its_other_views():
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 1
    column = y[:, 0]
    y[0] *= 10
    assert y.tolist() == [[10.0, 20.0], [3.0, 4.0]] and column.tolist() == [10.0, 3.0]
    column.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [[10.0, 0.0], [1.0, 0.0]]
    x.grad = None
    y.sum().backward()
    assert x.grad.tolist() == [[10.0, 10.0], [1.0, 1.0]]


def test_a_constant_tensor_gets_a_history_through_its_view():
    w = mg.tensor(3.0, requires_grad=True)
    y = mg.ones(3)
    first, last = y[0], y[2]
    first.mul_(w)
    assert y.requires_grad and last.requires_grad and not mg.ones(1)[0].requires_grad
    (y * mg.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert w.grad.item() == 1.0


def test_a_view_of_a_leaf_that_requires_grad_is_refused():
    x = mg.ones(2, requires_grad=True)
    with pytest.raises(InplaceError, match="leaf"):
        x[0].mul_(2)
    with pytest.raises(InplaceError, match="leaf"):
        x[:1][0] = 5.0
    assert x.tolist() == [1.0, 1.0]
    with mg.no_grad():
        x[0].mul_(2)
    assert x.tolist() == [2.0, 1.0]


def test_what_the_graph_saved_of_a_view_is_kept_or_refused():
    x, w = mg.ones(2, requires_grad=True), mg.tensor(5.0, requires_grad=True)
    y = x * 3
    y[0].mul_(w)  # saves the old y[0]
    y.sum().backward()
    assert w.grad.item() == 3.0 and x.grad.tolist() == [15.0, 3.0]
    y = x * 3
    square = y * y  # saves y, which then changes
    y[0].mul_(w)
    with pytest.raises(InplaceError, match="Mul"):
        square.sum().backward()


def test_what_the_graph_saved_of_a_view_of_the_old_values_is_kept():
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 1
    overwrite(y, "square of the transposed_", lambda old: old.T.square().T)
    y.sum().backward()
    assert x.grad.tolist() == [[2.0, 4.0], [6.0, 8.0]]


def test_a_view_that_saw_other_data_is_refused():
    y = mg.ones(4) * 1
    view = y[:2]
    y.data = mg.zeros(4)
    with pytest.raises(InplaceError, match="other data"):
        view.mul_(mg.tensor(2.0, requires_grad=True))


def test_change_of_a_view_taken_under_no_grad():
    """It would reach the root's values and not its history; so for a leaf."""
    for root in (mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True) * 2):
        with mg.no_grad():
            view = root[:1]
        with pytest.raises(InplaceError, match="taken under no_grad"):
            view.mul_(3)
        with pytest.raises(InplaceError, match="taken under no_grad"):
            view[0] = 7.0
        with mg.no_grad():
            view.mul_(3)
        assert view.item() == 3 * root[1].item()


def test_change_of_a_view_older_than_requires_grad():
    x = mg.ones(2)
    view = x[:1]
    x.requires_grad_()
    with pytest.raises(InplaceError, match="before that one did"):
        view.mul_(3)


@pytest.mark.parametrize("change", [lambda y: y.mul_(3), lambda y: y[:].mul_(3)])
def test_retain_grad_stays_with_the_tensor(change):
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    change(y)
    (y * y).sum().backward()
    assert y.grad.tolist() == [12, 24] and x.grad.tolist() == [72, 144]


def test_retain_grad_of_a_view_that_is_renewed():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    view = y[0]
    view.retain_grad()
    y.mul_(3)
    (view * view).backward()
    assert view.grad.item() == 12
