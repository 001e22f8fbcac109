"""einsum, tensordot and kron beyond the table: NumPy's results on random equations, errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import DtypeError, ShapeError


def normal(*shape, seed=0):
    return mg.tensor(np.random.default_rng(seed).standard_normal(shape))


@st.composite
def equations(draw):
    """An equation and the shapes of its operands."""
    sizes = dict(zip("abcdB", draw(st.lists(st.integers(0, 3), min_size=5, max_size=5))))
    label = st.text("abcdB", max_size=3)
    parts = draw(st.lists(label, min_size=1, max_size=4))
    shapes = [tuple(sizes[c] for c in part) for part in parts]
    used = sorted(set("".join(parts)))
    output = ""
    if used:
        output = "".join(draw(st.lists(st.sampled_from(used), unique=True, max_size=3)))
    return ",".join(parts) + draw(st.sampled_from(["", "->" + output])), shapes


@given(equations())
def test_einsum_is_numpys(case):
    equation, shapes = case
    operands = [normal(*shape, seed=k) for k, shape in enumerate(shapes)]
    want = np.einsum(equation, *[x.numpy() for x in operands])
    got = mg.einsum(equation, *operands)
    assert got.shape == want.shape
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [("...ij,...jk", [(2, 1, 2, 3), (4, 3, 2)]), ("a...,...->...a", [(3, 2), (2,)])],
)
def test_einsum_broadcasts_its_ellipsis(equation, shapes):
    x, y = (normal(*shape) for shape in shapes)
    want = np.einsum(equation, x.numpy(), y.numpy())
    np.testing.assert_allclose(mg.einsum(equation, x, y).numpy(), want, rtol=1e-12)


def test_einsum_sums_an_ellipsis_that_the_output_lacks():
    x, y = normal(2, 3, 4), normal(3)
    want = np.einsum("aik,j->ij", x.numpy(), y.numpy())
    np.testing.assert_allclose(mg.einsum("...ik, ...j -> ij", x, y).numpy(), want, rtol=1e-12)


def test_einsum_takes_lists_of_operands_and_of_axes():
    x, y = normal(2, 3), normal(3, 4)
    want = x.numpy() @ y.numpy()
    for got in (
        mg.einsum("ij,jk", [x, y]),
        mg.einsum(x, [0, 7], y, [7, 51]),
        mg.einsum(x, [..., 3], y, [3, 4], [..., 4]),
    ):
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-12)


def test_capital_letters_sort_first():
    assert mg.einsum("aB", mg.ones(2, 3)).shape == (3, 2)
    assert mg.einsum(mg.ones(2, 3), [26, 0]).shape == (3, 2)


def test_a_product_promotes_and_a_contraction_does_not():
    x = mg.tensor([1, 2])
    assert mg.einsum("i,j->ij", x, mg.ones(2)).dtype == mg.float32
    with pytest.raises(DtypeError, match="einsum: expected one dtype, got float32, int64"):
        mg.einsum("i,i", x, mg.ones(2))
    with pytest.raises(DtypeError, match="needs numbers"):
        mg.einsum("i,i", x > 1, x > 1)


TWO, THREE = mg.ones(2, 2), mg.ones(3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mg.einsum("ij->ij"), ValueError, "at least one operand"),
        (lambda: mg.einsum("ij,j", TWO), ValueError, "names 2 operands, 1 were given"),
        (lambda: mg.einsum("i1", TWO), ValueError, "found '1' in 'i1'"),
        (lambda: mg.einsum("i.j", TWO), ValueError, "found '.'"),
        (lambda: mg.einsum("...i...", TWO), ValueError, "found '.'"),
        (lambda: mg.einsum("ij->i->j", TWO), ValueError, "found"),
        (lambda: mg.einsum("i", TWO), ShapeError, r"operand 0 of shape \(2, 2\) has 2 axes"),
        (lambda: mg.einsum("ijk", TWO), ShapeError, "the equation names 3"),
        (lambda: mg.einsum("ii", mg.ones(2, 3)), ShapeError, "'i' stands twice in operand 0"),
        (lambda: mg.einsum("ii", mg.ones(1, 3)), ShapeError, "lengths 1 and 3"),
        (lambda: mg.einsum("ij,j", TWO, THREE), ShapeError, "axis 'j' has the lengths 2 and 3"),
        (lambda: mg.einsum("ij->k", TWO), ValueError, "names 'k', which no operand has"),
        (lambda: mg.einsum("ij->ii", TWO), ValueError, "stands twice in the output"),
        (lambda: mg.einsum("ij", 3.0), TypeError, "expected a Tensor, got float"),
        (lambda: mg.einsum(3, TWO), TypeError, "expected an equation, got int"),
        (lambda: mg.einsum(TWO, [0, 52]), ValueError, r"\[0, 52\), got 52"),
        (lambda: mg.einsum(TWO, [0, "a"]), TypeError, "integers or Ellipsis"),
        (lambda: mg.einsum(TWO, TWO), TypeError, "a list of axes after each operand"),
        (lambda: mg.tensordot(TWO, THREE, 1), ShapeError, r"\(2, 2\) and \(3,\) differ"),
        (lambda: mg.tensordot(TWO, TWO, 3), ShapeError, r"dims 3 must lie in \[0, 2\]"),
        (lambda: mg.tensordot(TWO, TWO, -1), ShapeError, "dims -1"),
        (lambda: mg.tensordot(TWO, TWO, 1.0), TypeError, "two lists of ints, got 1.0"),
        (lambda: mg.tensordot(TWO, TWO, ([0, 1], [0])), ShapeError, "number of axes"),
        (lambda: mg.tensordot(TWO, TWO, ([0, 0], [0, 1])), ShapeError, "stands twice"),
        (lambda: mg.tensordot(TWO, TWO, ([5], [0])), IndexError, "dim 5 is out of range"),
        (lambda: mg.tensordot(TWO, TWO.double(), 1), DtypeError, "expected one dtype"),
        (lambda: mg.tensordot(TWO, 2.0), TypeError, "tensordot: expected a Tensor"),
        (lambda: mg.kron(TWO, 2.0), TypeError, "kron: expected a Tensor, got float"),
    ],
)
def test_errors_say_what_does_not_fit(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_tensordot_broadcasts_length_1_and_keeps_its_dtype():
    x = mg.ones(2, 1)
    assert mg.tensordot(x, mg.ones(4, 3), ([1], [0])).tolist() == [[4.0] * 3] * 2
    assert (
        mg.tensordot(mg.tensor([1, 2]).to(mg.uint8), mg.ones(1).to(mg.uint8), 1).dtype == "uint8"
    )


def test_kron_promotes_and_takes_scalars():
    assert mg.kron(mg.tensor(2), mg.ones(2)).tolist() == [2.0, 2.0]
