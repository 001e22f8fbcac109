"""RMS norm: its definition, its default eps, zeros, mistakes, PyTorch."""

import numpy as np
import pytest

import minigrad as mg

F = mg.nn.functional


def test_the_root_mean_square_of_each_row_is_one():
    x = np.random.default_rng(0).standard_normal((3, 4, 5))
    y = F.rms_norm(mg.tensor(x), (4, 5), eps=0.0).numpy()
    np.testing.assert_allclose(np.square(y).mean((1, 2)), 1, rtol=1e-12)
    np.testing.assert_allclose(y / x, (y / x)[:, :1, :1] * np.ones((4, 5)), rtol=1e-12)


@pytest.mark.parametrize("dtype", [mg.float32, mg.float64])
def test_the_default_eps_is_the_spacing_of_the_dtype(dtype):
    x = mg.tensor([1e-4, 1e-4], dtype=dtype)
    tiny = float(np.finfo(str(dtype)).eps)
    want = np.full(2, 1e-4 / np.sqrt(1e-8 + tiny))
    np.testing.assert_allclose(F.rms_norm(x, 2).numpy(), want, rtol=1e-6)


def test_a_row_of_zeros_stays_zero_with_finite_derivatives():
    x = mg.zeros(1, 3, dtype=mg.float64, requires_grad=True)
    value = F.rms_norm(x, 3, eps=0.25)[0, 0]
    for want in (2.0, 0.0, -8.0):  # t / √(t²/3 + 1/4) = 2 t − 4/3 t³ + …
        (g,) = mg.grad(value, x, create_graph=True)
        value = g[0, 0]
        assert value.item() == pytest.approx(want, abs=1e-12)


def test_a_weight_of_another_dtype_leaves_the_inputs_dtype():
    assert F.rms_norm(mg.ones(2, 3), 3, mg.ones(3).double()).dtype == mg.float32


@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_empty_inputs_give_empty_outputs(shape):
    x = mg.zeros(*shape, requires_grad=True)
    w = mg.ones(shape[1], requires_grad=True)
    F.rms_norm(x, shape[1:], w).sum().backward()
    assert x.grad.shape == shape and w.grad.tolist() == [0.0] * shape[1]


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda: F.rms_norm(mg.ones(2, 3), ()), ValueError, "rms_norm: .*at least one axis"),
        (lambda: F.rms_norm(mg.ones(2, 3), (2,)), ValueError, r"rms_norm: .*got shape \(2, 3\)"),
        (lambda: F.rms_norm(mg.ones(2, 3), 3, mg.ones(2)), ValueError, "rms_norm: weight must"),
        (lambda: F.rms_norm(mg.ones(2, 3).long(), 3), TypeError, "rms_norm: .*floating"),
        (lambda: F.rms_norm(mg.ones(2, 3), 3, eps="a"), TypeError, "rms_norm: eps must be a num"),
        (lambda: F.rms_norm([1.0], 1), TypeError, "rms_norm: expected a Tensor"),
    ],
)
def test_mistakes_are_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("eps", [None, 0.1])
def test_values_and_gradients_are_those_of_pytorch(dtype, eps):
    torch = pytest.importorskip("torch")
    if not hasattr(torch.nn.functional, "rms_norm"):
        pytest.skip("this PyTorch has no rms_norm")
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s).astype(dtype) for s in ((3, 4, 5), (4, 5))]
    found = []
    for library in (mg, torch):
        x, w = (library.tensor(a, requires_grad=True) for a in arrays)
        y = library.nn.functional.rms_norm(x, (4, 5), w, eps)
        y.sin().sum().backward()
        found.append([y.detach().numpy(), x.grad.numpy(), w.grad.numpy()])
    for a, b in zip(*found, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-6 if dtype == "float32" else 1e-12)
