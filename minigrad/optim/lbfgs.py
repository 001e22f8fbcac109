"""L-BFGS: a quasi-Newton method that remembers the last steps."""

import math
from numbers import Real

import numpy as np

from minigrad.grad_mode import enable_grad
from minigrad.optim.flat import FlatOptimizer
from minigrad.optim.groups import POSITIVE, options_of
from minigrad.optim.line_search import Point, strong_wolfe
from minigrad.tensor import wrap


class LBFGS(FlatOptimizer):
    r"""Newton's direction, with an inverse Hessian made of the last steps and their gradients.

    With s the last changes of the parameters and y those of the gradient, the newest at the end,
    the direction is d = -H g for the H that satisfies H y = s for them (the two-loop recursion),
    H = sᵀy / yᵀy at its core. Then p := p + t d, where t = `lr` (in the first iteration
    ``lr * min(1, 1 / ‖g‖₁)``), or what a line search finds from there. One `step` is up to
    `max_iter` such iterations. For whole batches: the loss must be the same function each time.

    Parameters
    ----------
    params : iterable of Tensor
        Parameters; no groups.
    lr : float or 0-d Tensor
        The step t, or the first trial of the line search.
    max_iter : int
        Iterations in a step.
    max_eval : int, optional
        Evaluations of the closure in a step. Default: 5/4 `max_iter`.
    tolerance_grad : float
        Stop when no element of the gradient is larger.
    tolerance_change : float
        Stop when no parameter, or the loss, changes by more.
    history_size : int
        How many pairs (s, y) are kept.
    line_search_fn : None or "strong_wolfe"
        `minigrad.optim.line_search`.

    Examples
    --------
    Rosenbrock's valley:

    >>> import minigrad as mg
    >>> from minigrad.optim import LBFGS
    >>> w = mg.tensor([-1.2, 1.0], dtype="float64", requires_grad=True)
    >>> optimizer = LBFGS([w], max_iter=50, line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = 100 * (w[1] - w[0] ** 2) ** 2 + (1 - w[0]) ** 2
    ...     loss.backward()
    ...     return loss
    >>> _ = optimizer.step(closure)
    >>> w
    tensor([1., 1.], dtype=float64, requires_grad=True)

    References
    ----------
    Liu, Nocedal (1989), "On the limited memory BFGS method for large scale optimization", Math.
    Program. 45; Nocedal, Wright (2006), "Numerical optimization", algorithm 7.4.
    """

    ranges = {
        **dict.fromkeys(
            ("lr", "max_iter", "max_eval", "tolerance_grad", "tolerance_change"), POSITIVE
        ),
        "history_size": (1, math.inf),
    }
    scalars = ("t", "H_diag", "ro")

    def __init__(
        self,
        params,
        lr=1,
        max_iter=20,
        max_eval=None,
        tolerance_grad=1e-7,
        tolerance_change=1e-9,
        history_size=100,
        line_search_fn=None,
    ):
        if max_eval is None and isinstance(max_iter, Real):
            max_eval = max_iter * 5 // 4
        super().__init__(params, options_of(locals()))

    def check(self, group):
        """Ranges, and a known line search."""
        super().check(group)
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise ValueError(
                "LBFGS: line_search_fn must be None or 'strong_wolfe', "
                f"got {group['line_search_fn']!r}"
            )

    @np.errstate(all="ignore")  # a loss that overflows ends the search; it need not be told
    def step(self, closure):
        """Up to `max_iter` iterations.

        Parameters
        ----------
        closure : callable
            Clears the gradients, evaluates the model, calls `backward` and returns the loss.

        Returns
        -------
        What `closure` returns at first.
        """
        self._need(closure, "clears the gradients, calls backward and returns the loss")
        group = self.param_groups[0]
        lr, tolerance = float(group["lr"]), group["tolerance_change"]
        last = int(group["max_iter"])
        state = self.state[self._params[0]]  # the state of all
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first, f, g = self._evaluate(closure)
        evals = 1
        state["func_evals"] += 1
        if np.abs(g).max(initial=0) <= group["tolerance_grad"]:
            return first
        for k in range(1, last + 1):
            state["n_iter"] += 1
            d = self._direction(g, state, group["history_size"])
            before, t = f, lr
            state.update(prev_flat_grad=wrap(g), prev_loss=f, d=wrap(d))
            if state["n_iter"] == 1:
                t = min(1.0, 1.0 / float(np.abs(g).sum())) * lr
            slope = float(g @ d)
            state["t"] = t
            if slope > -tolerance:
                break
            used = 0
            if group["line_search_fn"]:
                point, used = self._search(
                    closure, Point(0.0, f, slope, g), t, d, group["max_eval"] - evals
                )
                t, f, g = point.t, point.f, point.grad
                state["t"] = t
                self._move(t * d)
            else:
                self._move(t * d)
                if k < last:  # a last evaluation would tell nobody
                    _, f, g = self._evaluate(closure)
                    used = 1
            evals += used
            state["func_evals"] += used
            if (
                k == last
                or evals >= group["max_eval"]
                or np.abs(g).max() <= group["tolerance_grad"]
                or np.abs(t * d).max() <= tolerance
                or abs(f - before) < tolerance
            ):
                break
        return first

    def _evaluate(self, closure):
        with enable_grad():
            loss = closure()
        return loss, float(loss), self._flat_grad()

    def _direction(self, g, state, size):
        """-H g, after the last step has been taken into H."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
            return -g
        ys, ss, ro = state["old_dirs"], state["old_stps"], state["ro"]
        y = g - state["prev_flat_grad"]._array
        s = state["d"]._array * state["t"]
        curvature = float(y @ s)
        if curvature > 1e-10:  # keeps H positive definite
            if len(ys) == size and ys:
                for kept in (ys, ss, ro):
                    del kept[0]
            ys.append(wrap(y))
            ss.append(wrap(s))
            ro.append(1.0 / curvature)
            state["H_diag"] = curvature / float(y @ y)
        q, alphas = -g, []
        for y, s, r in zip(reversed(ys), reversed(ss), reversed(ro), strict=True):
            alphas.append(float(s._array @ q) * r)
            q -= alphas[-1] * y._array
        q *= state["H_diag"]
        for y, s, r, alpha in zip(ys, ss, ro, reversed(alphas), strict=True):
            q += (alpha - float(y._array @ q) * r) * s._array
        return q

    def _search(self, closure, start, t, d, most):
        """Search along d with the parameters where they are, and leave them there."""
        held = [p._array.copy() for p in self._params]

        def phi(t):
            self._move(t * d)
            _, f, g = self._evaluate(closure)
            for p, array in zip(self._params, held, strict=True):
                p._array[...] = array
            return Point(t, f, float(g @ d), g)

        tolerance = self.param_groups[0]["tolerance_change"]
        return strong_wolfe(phi, start, t, float(np.abs(d).max()), tolerance, most)
