"""Clipping against its formula and PyTorch; parameters to a vector and back."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn.utils import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
    parameters_to_vector,
    vector_to_parameters,
)


def parameters(module=mg, dtype="float64"):
    rng = np.random.default_rng(0)
    made = []
    for shape in ((3, 4), (4,), ()):
        p = module.tensor(np.asarray(rng.normal(size=shape)).astype(dtype), requires_grad=True)
        p.grad = module.tensor(np.asarray(rng.normal(size=shape)).astype(dtype))
        made.append(p)
    return [*made, module.tensor(np.ones(2, dtype), requires_grad=True)]  # the last without


def flat(params):
    return np.concatenate([p.grad.numpy().ravel() for p in params if p.grad is not None])


@pytest.mark.parametrize("p", [1, 2, 3.5, math.inf])
@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_clipped_norm(p, limit):
    params = parameters()
    before = flat(params)
    norm = np.abs(before).max() if math.isinf(p) else (np.abs(before) ** p).sum() ** (1 / p)
    total = clip_grad_norm_(params, limit, norm_type=p)
    assert total.shape == () and total.dtype == np.float64
    assert total.item() == pytest.approx(norm, rel=1e-13)
    expected = before * min(1, limit / (norm + 1e-6))
    np.testing.assert_allclose(flat(params), expected, rtol=1e-13)
    assert params[-1].grad is None


@pytest.mark.parametrize("p", [2, 1, 0, -1, 3.5, math.inf, -math.inf, "inf"])
@pytest.mark.parametrize("limit", [0.1, 3.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clipped_norm_is_pytorchs(p, limit, dtype):
    torch = pytest.importorskip("torch")
    ours, theirs = parameters(mg, dtype), parameters(torch, dtype)
    a = clip_grad_norm_(ours, limit, p)
    b = torch.nn.utils.clip_grad_norm_(theirs, limit, p)
    rtol = 1e-12 if dtype == "float64" else 1e-6
    assert str(a.dtype) == dtype
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=rtol)
    np.testing.assert_allclose(flat(ours), flat(theirs), rtol=rtol)


def test_clipping_is_in_place_and_counted():
    (p, *_) = params = parameters()
    held, version = p.grad, p.grad._version
    clip_grad_norm_(iter(params), 1e-3)
    assert p.grad is held and held._version == version + 1


def test_norm_that_is_not_finite():
    params = parameters()
    params[0].grad.fill_(math.nan)
    before = flat(params)
    with pytest.raises(RuntimeError, match=r"norm of order 2\.0 is nan"):
        clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(flat(params), before)
    assert math.isnan(clip_grad_norm_(params, 1.0).item())
    assert np.isnan(flat(params)).all()
    p = mg.zeros(2, requires_grad=True)
    p.grad = mg.tensor([math.inf, 1.0])
    assert clip_grad_norm_(p, 1.0).item() == math.inf
    np.testing.assert_array_equal(p.grad.numpy(), [math.nan, 0])


def test_large_float32_gradients_have_a_finite_norm():
    p = mg.zeros(2, requires_grad=True)
    p.grad = mg.tensor([3e30, 4e30])
    assert clip_grad_norm_(p, 1.0, error_if_nonfinite=True).item() == pytest.approx(5e30, rel=1e-6)
    np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.8], rtol=1e-6)


def test_nothing_to_clip():
    assert clip_grad_norm_([], 1.0).item() == 0
    assert clip_grad_norm_(mg.ones(2, requires_grad=True), 1.0).item() == 0
    with pytest.warns(UserWarning, match="empty generator"):
        clip_grad_norm_((p for p in []), 1.0)
    empty = mg.zeros(0, requires_grad=True)
    empty.grad = mg.zeros(0)
    assert clip_grad_norm_([empty], 1.0).item() == 0
    with pytest.raises(ValueError, match="empty tensor"):
        clip_grad_norm_([empty], 1.0, math.inf)


def test_norm_and_scaling_apart():
    one, all_ = parameters(), parameters()
    total = get_total_norm([p.grad for p in one[:3]])
    clip_grads_with_norm_(one, 0.5, total)
    clip_grad_norm_(all_, 0.5)
    np.testing.assert_array_equal(flat(one), flat(all_))


def test_clipped_values():
    params = parameters()
    before = flat(params)
    assert clip_grad_value_((p for p in params), 0.3) is None
    np.testing.assert_array_equal(flat(params), np.clip(before, -0.3, 0.3))
    clip_grad_value_(params[0], mg.tensor(0.1))
    assert abs(params[0].grad.numpy()).max() == pytest.approx(0.1)


def test_vector_and_back():
    model = mg.nn.Sequential(mg.nn.Linear(3, 2), mg.nn.Linear(2, 1, bias=False))
    vector = parameters_to_vector(model.parameters())
    assert vector.shape == (10,)
    start = [p.detach().numpy().copy() for p in model.parameters()]
    vector_to_parameters(2 * vector.detach(), model.parameters())
    for p, before in zip(model.parameters(), start, strict=True):
        np.testing.assert_array_equal(p.detach().numpy(), 2 * before)
        assert p.requires_grad and p.is_leaf
    vector.sum().backward()
    assert all((p.grad.numpy() == 1).all() for p in model.parameters())


def test_parameters_have_memory_and_dtype_of_their_own():
    vec = mg.tensor([1.0, 2.0, 3.0], dtype="float64")
    p, q = mg.zeros(2, 1, requires_grad=True), mg.zeros((), dtype="float64", requires_grad=True)
    vector_to_parameters(vec, iter([p, q]))
    vec.zero_()
    assert p.tolist() == [[1.0], [2.0]] and q.item() == 3
    assert p.dtype == np.float32 and q.dtype == np.float64


def test_vector_of_a_transposed_parameter():
    p = mg.from_numpy(np.arange(6.0).reshape(2, 3).T)
    assert parameters_to_vector([p]).tolist() == [0, 3, 1, 4, 2, 5]


def test_errors():
    p = mg.zeros(2, requires_grad=True)
    with pytest.raises(TypeError, match="clip_grad_norm_: expected a Tensor or an iterable"):
        clip_grad_norm_(3, 1.0)
    with pytest.raises(TypeError, match="clip_grad_norm_: item 1 is a str"):
        clip_grad_norm_([p, "w"], 1.0)
    with pytest.raises(TypeError, match="max_norm must be a number, got 'a'"):
        clip_grad_norm_([p], "a")
    with pytest.raises(TypeError, match="norm_type must be a number"):
        clip_grad_norm_([p], 1.0, "two")
    with pytest.raises(TypeError, match="clip_value must be a number, got None"):
        clip_grad_value_([p], None)
    with pytest.raises(ValueError, match="no parameters"):
        parameters_to_vector([])
    with pytest.raises(TypeError, match="item 0 is a int"):
        parameters_to_vector([1])
    with pytest.raises(TypeError, match="vec must be a Tensor"):
        vector_to_parameters([1.0, 2.0], [p])
    with pytest.raises(ValueError, match=r"expected vec of shape \(2,\), got \(1,\)"):
        vector_to_parameters(mg.ones(1), [p])
    with pytest.raises(ValueError, match=r"got \(2, 1\)"):
        vector_to_parameters(mg.ones(2, 1), [p])
    with pytest.raises(TypeError):
        clip_grad_norm_([p], 1.0, foreach=True)
