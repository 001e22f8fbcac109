"""Derivatives against central differences, for users' functions and for our own tests."""

import numpy as np

from minigrad import backward as _pass
from minigrad.grad_mode import enable_grad, no_grad
from minigrad.tensor import Tensor, wrap

__all__ = ["gradcheck", "gradgradcheck"]


def _outputs(function, inputs):
    out = function(*inputs)
    outputs = tuple(out) if isinstance(out, (tuple, list)) else (out,)
    return [y for y in outputs if isinstance(y, Tensor) and y.dtype.kind == "f"]


def _central(function, inputs, i, k, eps):
    """d(outputs)/d(inputs[i].flat[k]), each a flat array."""
    values = []
    for side in (1.0, -1.0):
        moved = inputs[i]._array.copy()
        moved.flat[k] += side * eps
        shifted = list(inputs)
        shifted[i] = wrap(moved)
        with no_grad():
            values.append([y._array.ravel() for y in _outputs(function, shifted)])
    step = 2.0 * eps
    return [(a - b) / step for a, b in zip(*values, strict=True)]


def gradcheck(function, inputs, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True):
    """Compare the gradients of `function` with central differences (f(x+ε) − f(x−ε)) / 2ε.

    Parameters
    ----------
    function : callable
        Takes the inputs, returns a Tensor or a tuple of Tensors.
    inputs : Tensor or sequence
        Those that require grad are checked; they should be float64.
    eps, atol, rtol : float
        Step; the two numbers may differ by atol + rtol |numerical|.
    raise_exception : bool
        Raise on a difference, or return False.

    Returns
    -------
    bool
        True if every element of the Jacobian agrees.

    Raises
    ------
    AssertionError
        Names the output and input, the elements, and both numbers.
    ValueError
        No input requires grad.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([0.5, 1.5], dtype=mg.float64, requires_grad=True)
    >>> mg.autograd.gradcheck(lambda x: x.sin() * x, x)
    True
    """
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    checked = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ValueError("gradcheck: at least one input must require grad")
    with enable_grad():
        outputs = _outputs(function, inputs)
    for j, y in enumerate(outputs):
        rows = []
        for k in range(y.numel()):
            if not y.requires_grad:
                rows.append([None] * len(checked))
                continue
            v = np.zeros(y.shape, y.dtype)
            v.flat[k] = 1.0
            wanted = [inputs[i] for i in checked]
            rows.append(_pass.run([y], [wrap(v)], wanted, True, False))
        for position, i in enumerate(checked):
            for e in range(inputs[i].numel()):
                numerical = _central(function, inputs, i, e, eps)[j]
                for k in range(y.numel()):
                    g = rows[k][position]
                    ours = 0.0 if g is None else float(g._array.flat[e])
                    theirs = float(numerical[k])
                    close = abs(ours - theirs) <= atol + rtol * abs(theirs)
                    if not (close or (np.isnan(ours) and np.isnan(theirs))):
                        if not raise_exception:
                            return False
                        at = tuple(int(n) for n in np.unravel_index(e, inputs[i].shape or (1,)))
                        to = tuple(int(n) for n in np.unravel_index(k, y.shape or (1,)))
                        raise AssertionError(
                            f"gradcheck: d(output {j} {to})/d(input {i} {at}): backward gives "
                            f"{ours!r}, central differences {theirs!r}"
                        )
    return True


def gradgradcheck(
    function, inputs, grad_outputs=None, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True
):
    """`gradcheck` of the gradient itself: second derivatives against central differences.

    The gradient is taken with cotangents `grad_outputs` (default: fixed random ones), and is
    checked with respect to the inputs and to the cotangents.

    >>> import minigrad as mg
    >>> x = mg.tensor([0.5, 1.5], dtype=mg.float64, requires_grad=True)
    >>> mg.autograd.gradgradcheck(lambda x: x.sin() * x, x)
    True
    """
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    checked = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ValueError("gradgradcheck: at least one input must require grad")
    with enable_grad():
        outputs = [y for y in _outputs(function, inputs) if y.requires_grad]
    if grad_outputs is None:
        chance = np.random.default_rng(0)
        grad_outputs = [Tensor(chance.normal(size=y.shape).astype(y.dtype)) for y in outputs]
    elif isinstance(grad_outputs, Tensor):
        grad_outputs = [grad_outputs]
    cotangents = [v.detach().clone().requires_grad_() for v in grad_outputs]

    def gradient(*arguments):
        xs, vs = list(arguments[: len(inputs)]), arguments[len(inputs) :]
        with enable_grad():
            for i in checked:
                if not xs[i].requires_grad:
                    xs[i] = xs[i].detach().requires_grad_()
            ys = [y for y in _outputs(function, xs) if y.requires_grad]
            grads = _pass.run(ys, list(vs), [xs[i] for i in checked], True, True)
        return tuple(
            wrap(np.zeros(xs[i].shape, xs[i].dtype)) if g is None else g
            for i, g in zip(checked, grads, strict=True)
        )

    try:
        return gradcheck(gradient, [*inputs, *cotangents], eps, atol, rtol, raise_exception)
    except AssertionError as error:
        raise AssertionError(f"gradgradcheck: of the gradient, {error}") from None
