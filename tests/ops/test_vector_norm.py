"""Norms: zeros, infinities, matrices, errors. Values and derivatives elsewhere: the table."""

import numpy as np
import pytest

import minigrad as mg

INF = float("inf")


@pytest.mark.parametrize("p", [2, 1, 0, 3, 4, 1.5, 0.5, -1, -2, INF, -INF, "fro"])
def test_at_zero_the_norm_is_zero_and_so_are_its_derivatives(p):
    x = mg.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True, dtype=mg.float64)
    y = mg.norm(x, p, 1)
    assert y[0].item() == 0
    (g,) = mg.grad(y.sum(), x, create_graph=True, allow_unused=True)
    if g is None:
        assert p == 0
        return
    assert g[0].tolist() == [0, 0] and np.isfinite(g.tolist()).all()
    if g.requires_grad:
        (h,) = mg.grad((g * mg.tensor([2.0, 3.0])).sum(), x, allow_unused=True)
        assert h is None or (h[0].tolist() == [0, 0] and np.isfinite(h.tolist()).all())


@pytest.mark.parametrize("p", [1, 0.5, 1.5, 2, 2.5, 3])
def test_an_element_zero_has_gradient_zero(p):
    x = mg.tensor([0.0, 2.0, -3.0], requires_grad=True, dtype=mg.float64)
    (g,) = mg.grad(mg.norm(x, p), x)
    size = (2.0**p + 3.0**p) ** (1 / p)
    want = [0, (2 / size) ** (p - 1), -((3 / size) ** (p - 1))]
    assert g.tolist() == pytest.approx(want, rel=1e-12)


def test_with_a_negative_power_one_zero_is_enough():
    x = mg.tensor([1.0, 0.0, 2.0], requires_grad=True)
    y = mg.norm(x, -1)
    assert y.item() == 0 and mg.grad(y, x)[0].tolist() == [0, 0, 0]


def test_the_largest_element_shares_its_gradient_among_ties():
    x = mg.tensor([1.0, -3.0, 3.0, 1.0], requires_grad=True)
    assert mg.grad(mg.norm(x, INF), x)[0].tolist() == [0, -0.5, 0.5, 0]
    assert mg.grad(mg.norm(x, -INF), x)[0].tolist() == [0.5, 0, 0, 0.5]


def test_of_nothing():
    empty = mg.zeros(0, 3)
    for p in (0, 0.5, 1, 2, 3):
        assert mg.norm(empty, p, 0).tolist() == [0, 0, 0] and mg.norm(empty, p).item() == 0
    for p in (INF, -INF, -1):
        with pytest.raises(mg.errors.ShapeError, match="norm of no elements"):
            mg.norm(empty, p, 0)
        assert mg.norm(empty, p, 1).shape == (0,)


def test_dtype_may_only_widen():
    assert mg.norm(mg.ones(4), dtype=mg.float64).dtype == np.float64
    with pytest.raises(mg.errors.DtypeError, match="narrower"):
        mg.norm(mg.ones(4, dtype=mg.float64), dtype=mg.float32)
    with pytest.raises(mg.errors.DtypeError, match="floating one, got int64"):
        mg.norm(mg.ones(4), dtype=mg.int64)


def test_p_none_and_fro_are_the_length():
    x = mg.tensor([[3.0, 0.0], [0.0, 4.0]])
    assert mg.norm(x, None).item() == mg.norm(x, "fro").item() == mg.norm(x).item() == 5
    assert x.norm(keepdim=True).tolist() == [[5]]
    assert mg.norm(x, "fro", (0, 1)).item() == 5 and mg.norm(x, "fro", 0).tolist() == [3, 4]
    assert mg.norm(mg.tensor(-3.0), dim=0).item() == 3


def test_wrong_norms():
    with pytest.raises(mg.errors.ShapeError, match="two axes"):
        mg.norm(mg.ones(2, 3, 4), "fro", (0, 1, 2))
    with pytest.raises(ValueError, match="ord must be"):
        mg.norm(mg.ones(2, 3), "bad")
    with pytest.raises(mg.errors.ShapeError, match="at least 2 dimensions"):
        mg.norm(mg.ones(3), "nuc")
