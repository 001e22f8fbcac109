"""Softmax and log-softmax: equal to the composition of primitives to third order; PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg

F = mg.nn.functional
FUSED = ["softmax", "log_softmax"]

seeds = st.integers(0, 2**32 - 1)


def composed(name, x, dim):
    """The same function in primitives."""
    shifted = x - x.logsumexp(dim, keepdim=True)
    return shifted if name == "log_softmax" else shifted.exp()


def derivatives(function, x, cotangents):
    """function(x) and its repeated vector-Jacobian products, one for each cotangent."""
    results = [function(x)]
    for v in cotangents:
        results.append(mg.grad((results[-1] * mg.tensor(v)).sum(), x, create_graph=True)[0])
    return [y.detach().numpy() for y in results]


@pytest.mark.parametrize("name", FUSED)
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    seed=seeds,
    data=st.data(),
)
def test_equals_the_composition_to_third_order(name, shape, seed, data):
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    rng = np.random.default_rng(seed)
    x = mg.tensor(rng.standard_normal(shape) * 2, requires_grad=True)
    cotangents = rng.standard_normal((3, *shape))
    ours = derivatives(lambda x: getattr(F, name)(x, dim), x, cotangents)
    theirs = derivatives(lambda x: composed(name, x, dim), x, cotangents)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("name", FUSED)
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_derivatives_by_central_differences(name, dim):
    x = mg.tensor(np.random.default_rng(0).standard_normal((3, 2, 2)), requires_grad=True)
    assert mg.autograd.gradcheck(lambda x: getattr(F, name)(x, dim), x)
    assert mg.autograd.gradgradcheck(lambda x: getattr(F, name)(x, dim), x)


@pytest.mark.parametrize("name", FUSED)
def test_batches_of_cotangents_equal_a_loop_at_both_orders(name):
    rng = np.random.default_rng(0)
    x = mg.tensor(rng.standard_normal((3, 4)), requires_grad=True)
    v = mg.tensor(rng.standard_normal((5, 3, 4)), requires_grad=True)
    options = {"is_grads_batched": True, "create_graph": True}
    (many,) = mg.grad(getattr(F, name)(x, -1), x, v, **options)
    for k in range(5):
        (one,) = mg.grad(getattr(F, name)(x, -1), x, v[k])
        np.testing.assert_allclose(many[k].detach().numpy(), one.detach().numpy(), rtol=1e-12)
    u = rng.standard_normal((2, *many.shape))
    batched = mg.grad(many, [x, v], mg.tensor(u), is_grads_batched=True, retain_graph=True)
    for k in range(2):
        single = mg.grad(many, [x, v], mg.tensor(u[k]), retain_graph=True)
        for a, b in zip(batched, single, strict=True):
            np.testing.assert_allclose(a[k].numpy(), b.numpy(), rtol=1e-11, atol=1e-12)


@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    seed=seeds,
    spread=st.sampled_from([1.0, 100.0]),
)
def test_softmax_sums_to_one_and_forgets_a_shift(shape, seed, spread):
    x = np.random.default_rng(seed).standard_normal(shape) * spread
    for dim in range(-len(shape), 0):
        y = F.softmax(mg.tensor(x), dim).numpy()
        np.testing.assert_allclose(y.sum(dim), 1, rtol=1e-14)
        np.testing.assert_allclose(F.softmax(mg.tensor(x + 7.5), dim).numpy(), y, atol=1e-13)
        np.testing.assert_allclose(
            F.log_softmax(mg.tensor(x), dim).exp().numpy(), y, rtol=1e-11, atol=1e-300
        )


@pytest.mark.parametrize("name", FUSED)
def test_views_casts_and_zero_dimensions(name):
    function = getattr(F, name)
    x = mg.tensor(np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32))
    np.testing.assert_array_equal(function(x.T, 0).numpy(), function(x.T.contiguous(), 0).numpy())
    np.testing.assert_array_equal(
        function(x[:, ::2], 1).numpy(), function(x[:, ::2].contiguous(), 1).numpy()
    )
    assert function(x, 1, dtype=mg.float64).dtype == np.float64
    assert function(mg.tensor([1, 2]), 0, mg.float32).dtype == np.float32
    with pytest.raises(
        mg.errors.DtypeError, match=f"{name}: expected a floating tensor, got int64"
    ):
        function(mg.tensor([1, 2]), 0)
    assert function(mg.zeros(0, 3), 1).shape == (0, 3)
    assert function(mg.zeros(3, 0), 1).shape == (3, 0)
    scalar = mg.tensor(3.0, requires_grad=True)
    y = function(scalar, 0)
    assert y.shape == () and y.item() == (1.0 if name == "softmax" else 0.0)
    assert mg.grad(y, scalar)[0].item() == 0
    np.testing.assert_array_equal(getattr(x, name)(1).numpy(), function(x, 1).numpy())


@pytest.mark.parametrize("name", FUSED)
def test_rows_of_minus_infinity_nan_and_infinity(name):
    inf = np.inf
    x = mg.tensor([[-inf, -inf], [inf, 0.0], [np.nan, 0.0], [-inf, 0.0]])
    y = getattr(F, name)(x, 1).numpy()
    assert np.isnan(y[:3]).all()
    np.testing.assert_array_equal(y[3], [0, 1] if name == "softmax" else [-inf, 0])


@pytest.mark.parametrize("name", FUSED)
def test_mistakes_are_refused(name):
    function = getattr(F, name)
    with pytest.raises(TypeError, match="dim"):
        getattr(mg, name)(mg.zeros(2, 3))
    with pytest.warns(UserWarning, match="dim"):  # PyTorch's old choice of an axis
        assert function(mg.zeros(2, 3)).shape == (2, 3)
    with pytest.raises(IndexError, match=f"{name}: dim 2"):
        function(mg.zeros(2, 3), 2)
    with pytest.raises(TypeError, match=name):
        function(np.zeros(3), 0)


@pytest.mark.parametrize("name", FUSED)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_values_and_gradients_are_those_of_pytorch(name, dtype, dim):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, v = (rng.standard_normal((3, 5, 7)).astype(dtype) for _ in range(2))
    ours = mg.tensor(x, requires_grad=True)
    theirs = torch.tensor(x, requires_grad=True)
    y = getattr(F, name)(ours, dim)
    z = getattr(torch.nn.functional, name)(theirs, dim)
    tolerance = 20 * np.finfo(dtype).eps
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=tolerance)
    y.backward(mg.tensor(v))
    z.backward(torch.tensor(v))
    np.testing.assert_allclose(
        ours.grad.numpy(), theirs.grad.numpy(), rtol=tolerance, atol=4 * tolerance
    )
