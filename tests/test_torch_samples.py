"""PyTorch's own samples of its operations, replayed: values, first and second gradients, refusals.

`torch.testing` keeps, for each operation, a list of sample inputs and of inputs that it must
refuse. Both libraries get the same arrays. Skipped without torch and expecttest:

    pip install torch==2.13.0 expecttest && pytest tests/test_torch_samples.py
"""

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")
samples = pytest.importorskip("torch.testing._internal.common_methods_invocations")

NAMES = """
    add sub mul div rsub neg abs sign pow float_power square sqrt rsqrt reciprocal exp exp2
    expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh
    atan2 erf erfc sigmoid logit maximum minimum clamp clamp_min clamp_max where hypot
    logaddexp xlogy lerp floor ceil round trunc fmod remainder floor_divide isnan isinf
    isfinite logical_and logical_or logical_xor logical_not bitwise_not bitwise_and
    bitwise_or bitwise_xor eq ne lt le gt ge allclose isclose equal __radd__ __rdiv__
    __rmul__ __rand__ __ror__ __rxor__ __rmatmul__ __rmod__ __rpow__ __rsub__ sum mean prod
    amax amin max min std var var_mean std_mean logsumexp cumsum cumprod norm linalg.norm
    linalg.vector_norm linalg.matrix_norm trace any all argmax argmin median topk sort
    argsort unique count_nonzero matmul mm bmm mv dot vdot outer inner addmm addmv addr
    addbmm baddbmm einsum tensordot kron linalg.inv linalg.solve linalg.det linalg.slogdet
    linalg.cholesky linalg.eigh linalg.eigvalsh linalg.qr linalg.svd linalg.svdvals reshape
    view view_as reshape_as flatten unflatten ravel squeeze unsqueeze transpose t T mT
    permute movedim expand expand_as broadcast_to broadcast_tensors repeat tile
    repeat_interleave cat stack hstack vstack dstack split split_with_sizes chunk
    tensor_split unbind flip fliplr flipud roll narrow select diagonal diag diag_embed
    diagflat tril triu clone contiguous __getitem__ index_select gather take take_along_dim
    masked_fill masked_select masked_scatter index_put index_add index_fill index_copy
    scatter scatter_add meshgrid nn.functional.one_hot nonzero argwhere softmax log_softmax
""".split()
NAMES += [
    f"nn.functional.{name}"
    for name in """
    linear bilinear relu relu6 leaky_relu prelu elu celu selu gelu silu mish softplus
    softsign logsigmoid glu hardtanh hardsigmoid hardswish softshrink hardshrink tanhshrink
    threshold softmin cross_entropy nll_loss binary_cross_entropy
    binary_cross_entropy_with_logits mse_loss l1_loss huber_loss smooth_l1_loss kl_div
    hinge_embedding_loss margin_ranking_loss soft_margin_loss cosine_embedding_loss
    gaussian_nll_loss poisson_nll_loss triplet_margin_loss multi_margin_loss
    multilabel_margin_loss multilabel_soft_margin_loss batch_norm layer_norm group_norm
    instance_norm rms_norm normalize cosine_similarity pairwise_distance embedding conv1d
    conv2d conv_transpose1d conv_transpose2d avg_pool1d avg_pool2d max_pool1d max_pool2d
    adaptive_avg_pool1d adaptive_avg_pool2d pad unfold scaled_dot_product_attention
    """.split()
]
F = mg.nn.functional
AS_CALLED = {  # where torch's list calls the operation with its arguments in another order
    "__radd__": lambda x, y: y + x,
    "__rdiv__": lambda x, y: y / x,
    "__rmul__": lambda x, y: y * x,
    "__rand__": lambda x, y: y & x,
    "__ror__": lambda x, y: y | x,
    "__rxor__": lambda x, y: y ^ x,
    "__rmatmul__": lambda x, y: y @ x,
    "__rmod__": lambda x, y: y % x,
    "__rpow__": lambda x, y: y**x,
    "__rsub__": lambda x, y: y - x,
    "__getitem__": lambda x, key: x[key],
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "where": lambda x, condition, y: mg.where(condition, x, y),
    "einsum": lambda operands, equation: mg.einsum(equation, *operands),
    "nn.functional.embedding": lambda w, index, **options: F.embedding(index, w, **options),
}
# What differs on purpose, or because torch's answer is one of several.
TIES = {"topk": (1,), "sort": (1,), "argsort": (0,)}  # torch's order of equals is unstable
SIGNS = {"linalg.svd": (0, 2), "linalg.eigh": (1,)}  # of vectors are free: compared as |x|
FREE = {**TIES, **SIGNS}  # outputs by place
NORMS = {"linalg.norm", "norm", "linalg.vector_norm"}  # second derivative at 0: ours 0, torch NaN
NOT_REFUSED_BY_TORCH = {"clamp_min", "clamp_max"} | {name for name in NAMES if "__r" in name}
MOST = 25  # samples of an operation and dtype
DTYPES = {
    torch.float64: np.float64,
    torch.float32: np.float32,
    torch.int64: np.int64,
    torch.int32: np.int32,
    torch.uint8: np.uint8,
    torch.bool: np.bool_,
}
ELSEWHERE = ("out", "generator", "device", "layout", "memory_format", "pin_memory")


class Skip(Exception):
    """A sample with something that minigrad does not have: complex numbers, devices."""


def ours(x, leaves):
    """A sample's argument for minigrad: the same memory layout; leaves are noted in pairs."""
    if isinstance(x, torch.Tensor):
        if x.dtype not in DTYPES or x.layout != torch.strided:
            raise Skip
        tensor = mg.from_numpy(np.array(x.detach().numpy(), order="K"))
        if x.requires_grad:
            leaves.append((x, tensor.requires_grad_()))
        return tensor
    if isinstance(x, torch.dtype):
        if x not in DTYPES:
            raise Skip
        return np.dtype(DTYPES[x])
    if isinstance(x, (complex, torch.device, torch.memory_format, torch.layout)):
        raise Skip
    if isinstance(x, slice):
        return slice(*[ours(v, leaves) for v in (x.start, x.stop, x.step)])
    if isinstance(x, dict):
        return {key: ours(value, leaves) for key, value in x.items()}
    if isinstance(x, (tuple, list)):
        return (list if isinstance(x, list) else tuple)([ours(v, leaves) for v in x])
    return x


def flat(out):
    if isinstance(out, (tuple, list)):
        return [x for part in out for x in flat(part)]
    return [out]


def number(x):
    if isinstance(x, torch.Tensor):
        return x.detach().resolve_conj().numpy(force=True)
    return x.detach().numpy() if isinstance(x, mg.Tensor) else x


def function(name):
    if name in AS_CALLED:
        return AS_CALLED[name]
    spot = mg
    for part in name.split("."):
        if not hasattr(spot, part):
            return lambda x, *args, **options: getattr(x, name)(*args, **options)
        spot = getattr(spot, part)
    return spot


def operations():
    for name in NAMES:
        for info in samples.op_db:
            if info.name == name:
                variant = f"/{info.variant_test_name}" if info.variant_test_name else ""
                yield pytest.param(info, id=f"{name}{variant}")


every_operation = pytest.mark.parametrize("info", list(operations()))


def drawn(info, dtype, grad):
    """Samples (torch's, ours, leaves) that both libraries can be given."""
    if dtype not in info.dtypes:
        return
    for sample in list(info.sample_inputs("cpu", dtype, requires_grad=grad))[:MOST]:
        if any(key in sample.kwargs for key in ELSEWHERE) or sample.kwargs.get("dropout_p"):
            continue
        leaves = []
        try:
            mine = ours([sample.input, list(sample.args), sample.kwargs], leaves)
        except Skip:
            continue
        try:
            want = flat(info.op(sample.input, *sample.args, **sample.kwargs))
        except (RuntimeError, ValueError, TypeError, IndexError):
            continue
        if all(not isinstance(x, torch.Tensor) or x.dtype in DTYPES for x in want):
            yield want, flat(function(info.name)(mine[0], *mine[1], **mine[2])), leaves


def close(have, want, rtol, atol, what):
    have, want = number(have), number(want)
    if isinstance(want, np.ndarray):
        assert have.shape == want.shape and have.dtype == want.dtype, what
        np.testing.assert_allclose(have, want, rtol, atol, err_msg=what)
    else:
        assert have == want, what


@every_operation
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool, torch.uint8], ids=str)
def test_values_and_dtypes(info, dtype):
    for want, have, _ in drawn(info, dtype, False):
        assert len(have) == len(want)
        for k, (x, y) in enumerate(zip(have, want, strict=True)):
            if k not in FREE.get(info.name, ()):
                close(x, y, 2e-4, 2e-4, f"output {k}")


def zeros_for(grads, tensors):
    return [np.zeros(tuple(x.shape)) if g is None else number(g) for g, x in zip(grads, tensors)]


@every_operation
def test_double_precision_with_first_and_second_gradients(info):
    torch.manual_seed(0)
    for want, have, leaves in drawn(info, torch.float64, info.supports_autograd):
        assert len(have) == len(want)
        if info.name in SIGNS:
            want = [x.abs() if k in SIGNS[info.name] else x for k, x in enumerate(want)]
            have = [x.abs() if k in SIGNS[info.name] else x for k, x in enumerate(have)]
        for k, (x, y) in enumerate(zip(have, want, strict=True)):
            if k not in TIES.get(info.name, ()):
                close(x, y, 1e-7, 1e-8, f"output {k}")
        pairs = [
            (x, y)
            for x, y in zip(have, want, strict=True)
            if isinstance(y, torch.Tensor) and y.requires_grad
        ]
        if not leaves or not pairs:
            continue
        theirs, mine = [x for x, _ in leaves], [x for _, x in leaves]
        v = [torch.randn_like(y).requires_grad_() for _, y in pairs]
        w = [mg.from_numpy(x.detach().numpy().copy()).requires_grad_() for x in v]
        options = {"create_graph": True, "allow_unused": True}
        t = torch.autograd.grad([y for _, y in pairs], theirs, v, **options)
        o = mg.grad([x for x, _ in pairs], mine, w, **options)
        for x, y in zip(zeros_for(o, theirs), zeros_for(t, theirs), strict=True):
            np.testing.assert_allclose(x, y, 1e-6, 1e-7, err_msg="first gradient")
        if not info.supports_gradgrad or info.name in NORMS:
            continue
        u = [None if g is None else torch.randn_like(g) for g in t]
        slope = [(g * d).sum() for g, d in zip(t, u, strict=True) if g is not None]
        ours_slope = [
            (g * mg.from_numpy(d.numpy())).sum()
            for g, d in zip(o, u, strict=True)
            if g is not None and d is not None and g.requires_grad
        ]
        seconds = [None] * len(theirs + v)
        if slope and sum(slope).requires_grad:
            try:
                seconds = torch.autograd.grad(sum(slope), theirs + v, allow_unused=True)
            except RuntimeError:  # torch has no second derivative of this kernel
                continue
        found = [None] * len(theirs + v)
        if ours_slope:
            found = mg.grad(sum(ours_slope), mine + w, allow_unused=True)
        for x, y in zip(zeros_for(found, theirs + v), zeros_for(seconds, theirs + v), strict=True):
            np.testing.assert_allclose(x, y, 1e-5, 1e-6, err_msg="second gradient")


@every_operation
def test_what_torch_refuses_is_refused(info):
    if info.error_inputs_func is None or info.name in NOT_REFUSED_BY_TORCH:
        return
    for wrong in info.error_inputs("cpu"):
        sample = wrong.sample_input
        given = [sample.input, list(sample.args), sample.kwargs]
        if any(key in sample.kwargs for key in ELSEWHERE):
            continue
        if not any(isinstance(x, torch.Tensor) for x in flat(given[:2])):
            continue
        try:
            mine = ours(given, [])
        except (Skip, RuntimeError, ValueError):  # not even an array of NumPy's
            continue
        with pytest.raises((ValueError, TypeError, IndexError, RuntimeError)) as caught:
            function(info.name)(mine[0], *mine[1], **mine[2])
        assert str(caught.value)
