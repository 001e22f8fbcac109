"""What is measured on demand, on copies: loss at other weights, curvature, the data, the loss."""

import contextlib
import copy
import random
from contextlib import contextmanager
from functools import cached_property

import numpy as np

import minigrad as mg
from minigrad.curvature import Hessian, eigenpairs
from minigrad.func import functional_call
from minigrad.lab.doctor.recorder import _array
from minigrad.tensor import Tensor

ROWS = 256  # samples that are looked at
DENSE = 700  # parameters up to which all eigenvalues are computed
WORK = 3e9  # samples times parameters that a trial training may take: seconds


def batches_of(data):
    """`data` as an iterable of pairs."""
    if isinstance(data, tuple) and len(data) == 2 and all(isinstance(t, Tensor) for t in data):
        return [data]
    return data


def collect(data, rows=None):
    """Up to `rows` samples (all without) as one pair of arrays, spread evenly over the data."""
    xs, ys, n = [], [], 0
    for batch in batches_of(data):
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise TypeError("Doctor: data must be (x, y) or batches (x, y)")
        x, y = (_array(t) for t in batch)
        xs.append(x)
        ys.append(y)
        n += len(x)
        if rows is not None and n >= 4 * rows:
            break
    if not n:
        raise ValueError("Doctor: there are no data")
    x, y = np.concatenate(xs), np.concatenate(ys)
    if rows is None or n <= rows:
        return x, y
    chosen = np.linspace(0, n - 1, rows).astype(int)
    return x[chosen], y[chosen]


class Examination:
    """One model with its loss and data, and what was recorded, to be looked at from all sides."""

    def __init__(self, model, loss, data, record):
        self.model, self.function, self.data, self.record = model, loss, data, record
        self.mode = "eval" if record.evaluating > record.backwards / 2 else "train"

    @contextmanager
    def aside(self):
        """What happens within leaves random numbers, modes and hooks as they were."""
        own = getattr(self.data, "generator", None)
        generators = [g.bit_generator for g in (mg.default_generator(), own) if g is not None]
        states = [g.state for g in generators]
        others, quiet = (np.random.get_state(), random.getstate()), self.record.quiet
        modes = [(m, m.training) for m in self.model.modules()]
        self.record.quiet = True
        try:
            yield
        finally:
            self.record.quiet = quiet
            for generator, state in zip(generators, states, strict=True):
                generator.state = state
            np.random.set_state(others[0])
            random.setstate(others[1])
            for module, training in modes:
                module.training = training

    # the data -------------------------------------------------------------------------------
    @cached_property
    def everything(self):
        """All data (x, y) as arrays."""
        with self.aside():
            return collect(self.data)

    @cached_property
    def part(self):
        """Some of the data as tensors."""
        x, y = self.everything
        chosen = np.linspace(0, len(x) - 1, min(ROWS, len(x))).astype(int)
        return mg.from_numpy(x[chosen].copy()), mg.from_numpy(y[chosen].copy())

    @cached_property
    def is_classes(self):
        """Whether the targets are class numbers."""
        y = self.everything[1]
        return y.ndim == 1 and y.dtype.kind in "iu"

    # the model at other weights -------------------------------------------------------------
    def output(self, weights=None, x=None):
        """What the model makes of the data, without recording; `weights`: {name: array}."""
        with self.aside(), mg.no_grad():
            for module in self.model.modules():
                normalises = hasattr(module, "track_running_stats")
                module.training = normalises and self.mode == "train"
            given = {n: mg.from_numpy(np.array(w)) for n, w in (weights or {}).items()}
            buffers = {n: b.detach().clone() for n, b in self.model.named_buffers()}
            y = functional_call(
                self.model, {**given, **buffers}, (self.part[0] if x is None else x,)
            )
        return y[0] if isinstance(y, tuple) else y

    def loss(self, weights=None):
        """Loss on some of the data."""
        try:
            with self.aside(), mg.no_grad():
                value = self.function(self.output(weights), self.part[1]).item()
        except (ArithmeticError, RuntimeError, ValueError):
            return np.nan
        return value

    @cached_property
    def losses(self):
        """Loss at each snapshot, before its step, and at the end."""
        return [self.loss(s.before) for s in self.record.snapshots] + [self.loss()]

    def tried(self, snapshot, scales):
        """Loss at ``before + scale · update`` of a snapshot, for each scale."""
        found = []
        for scale in scales:
            moved = {
                n: (w + scale * (snapshot.after[n] - w)).astype(w.dtype)
                for n, w in snapshot.before.items()
            }
            found.append(self.loss(moved))
        return np.array(found)

    # trainings tried on copies ------------------------------------------------------------------
    @cached_property
    def rows(self):
        """{bytes of a sample's input: its row in the data}."""
        x = np.ascontiguousarray(self.everything[0])
        return {row.tobytes(): k for k, row in enumerate(x)} if x.ndim else {}

    def targets_of(self, batch):
        """The targets of an array of inputs, an array; None where they are not in the data."""
        x, y = self.everything
        if batch.dtype != x.dtype or not batch.ndim:
            return None
        found = [self.rows.get(row.tobytes()) for row in np.ascontiguousarray(batch)]
        return None if None in found else y[found]

    def trial(self, factor=1.0, part=None, steps=60):
        """Train a copy anew from the start, at `factor` times the rate.

        Parameters
        ----------
        factor : float
        part : (array, array), optional
            What to train on; all data by default.
        steps : int
            Updates at most; fewer for a large network, so that a trial takes some seconds.

        Returns
        -------
        (float, Module)
            Its loss on the examined data (∞ if it ran away), and the copy.
        """
        if self.record.origin is None:
            return np.inf, self.model
        with self.aside(), np.errstate(all="ignore"):
            model, optimizer = copy.deepcopy(self.record.origin)
            x, y = self.everything if part is None else part
            for group in optimizer.param_groups:
                group["lr"] = group["lr"] * factor
            rounds = max(1, round(self.record.backwards / max(self.record.steps, 1)))
            size = max((s.size for s in self.record.samples), default=0) or 32
            size = min(len(x), size * rounds)
            cost = size * sum(p.numel() for p in model.parameters())
            chance, order = np.random.default_rng(0), []
            try:
                for _ in range(min(steps, max(5, int(WORK / max(cost, 1))))):
                    if len(order) < size:
                        order = chance.permutation(len(x)).tolist()
                    rows, order = order[:size], order[size:]
                    optimizer.zero_grad()
                    with mg.enable_grad():
                        loss = self.function(model(mg.from_numpy(x[rows])), mg.from_numpy(y[rows]))
                    if not np.isfinite(loss.item()):
                        return np.inf, model
                    loss.backward()
                    optimizer.step()
            except (ArithmeticError, RuntimeError, ValueError, TypeError):
                return np.inf, model
            value = self.loss_of(model, self.part)
        return (value if np.isfinite(value) else np.inf), model

    def downhill(self, iterations=40):
        """The loss that L-BFGS reaches from the end, on a copy and the examined data; or ∞."""
        if self.record.origin is None:
            return np.inf
        with self.aside(), np.errstate(all="ignore"):
            model, _ = copy.deepcopy(self.record.origin)
            model.load_state_dict(self.model.state_dict())
            for module in model.modules():
                normalises = hasattr(module, "track_running_stats")
                module.training = normalises and self.mode == "train"
            leaves = [p for p in model.parameters() if p.requires_grad]
            optimizer = mg.optim.LBFGS(
                leaves, max_iter=iterations, line_search_fn="strong_wolfe", tolerance_change=0
            )

            def closure():
                optimizer.zero_grad()
                loss = self.function(model(self.part[0]), self.part[1])
                loss.backward()
                return loss

            try:
                with mg.enable_grad():
                    optimizer.step(closure)
            except (ArithmeticError, RuntimeError, ValueError, TypeError):
                return np.inf
            value = self.loss_of(model, self.part)
        return value if np.isfinite(value) else np.inf

    def loss_of(self, model, part):
        """The loss of a copy on tensors (x, y), without dropout; NaN where it cannot be had."""
        before = [(m, m.training) for m in model.modules()]
        for module, training in before:
            module.training = training and hasattr(module, "track_running_stats")
        try:
            with self.aside(), mg.no_grad():
                return self.function(model(part[0]), part[1]).item()
        except (ArithmeticError, RuntimeError, ValueError, TypeError):
            return np.nan
        finally:
            for module, training in before:
                module.training = training

    # curvature ------------------------------------------------------------------------------
    def hessian_at(self, weights=None):
        """The Hessian of the loss on some of the data, in float64, at the trainable weights."""
        with self.aside():
            names = list(self.record.trainable)
            before = {n: _array(p).copy() for n, p in self.record.trainable.items()}
            try:
                if weights is not None:
                    self._put(weights)
                x, y = self.part
                return Hessian(self.model, self.function, (x, y), parameters=names,
                               batch_norm=self.mode, dtype="float64")  # fmt: skip
            finally:
                if weights is not None:
                    self._put(before)

    def _put(self, weights):
        with mg.no_grad():
            for name, p in self.record.trainable.items():
                p.detach().numpy()[...] = weights[name]

    @cached_property
    def surface(self):
        """At the end: gradient, its norm, curvature along it, extreme eigenvalues."""
        with self.aside():
            return Surface(self.hessian_at())

    @cached_property
    def sharpness(self):
        """λmax at the end; NaN where it cannot be computed."""
        try:
            return self.surface.top
        except (ArithmeticError, RuntimeError, ValueError, TypeError):
            return np.nan

    @cached_property
    def sharpest(self):
        """The largest λmax at the first three snapshots; NaN where there is none."""
        found = []
        for snapshot in self.record.snapshots[:3]:
            with contextlib.suppress(ArithmeticError, RuntimeError, ValueError, TypeError):
                found.append(Surface(self.hessian_at(snapshot.before)).top)
        return max((v for v in found if np.isfinite(v)), default=np.nan)

    # what kind of loss ----------------------------------------------------------------------
    @cached_property
    def kinds(self):
        """What the loss function does with its first argument, found by trying it."""
        z = self.output()
        if not isinstance(z, Tensor) or not z.is_floating_point():
            return frozenset()
        y = self.part[1]
        random = np.random.default_rng(0).normal(0, 3, z.shape).astype(z.dtype)
        found = set()

        def value(array):
            try:
                with self.aside(), mg.no_grad():
                    return self.function(mg.from_numpy(np.array(array, z.dtype)), y).item()
            except Exception:  # a loss that refuses such values is none of these kinds
                return np.nan

        def same(a, b):
            return (
                np.isfinite(a)
                and np.isfinite(b)
                and abs(a - b) <= 1e-3 * max(abs(a), abs(b), 1e-9)
            )

        at = value(random)
        if self.is_classes and z.ndim == 2:
            labels = y.numpy()
            if labels.max(initial=0) < z.shape[1]:
                rows = np.arange(len(labels))
                if same(value(random + 5), at) and not same(value(2 * random), 2 * at):
                    found.add("softmax")
                each = np.logaddexp.reduce(random.astype(float), axis=1) - random[rows, labels]
                if same(at, -each.mean()) or same(at, -each.sum()):
                    found.add("negated")
                picked = -random[rows, labels]
                if same(at, picked.mean()) or same(at, picked.sum()):
                    found.add("log-likelihood")
        elif y.shape == z.shape and y.is_floating_point():
            t = y.numpy()
            if set(np.unique(t)) <= {0.0, 1.0}:
                each = np.logaddexp(0, random) - random * t
                if same(at, -each.mean()) or same(at, -each.sum()):
                    found.add("negated")
                if same(at, each.mean()) or same(at, each.sum()):
                    found.add("logistic")
        if y.is_floating_point() and y.numel() == z.numel():
            t = y.numpy().reshape(z.shape)
            one, two = value(t + 1), value(t + 2)
            if same(4 * one, two) and one:
                found.add("squared" if one > 0 else "negated")
        return frozenset(found)


class Surface:
    """Gradient and curvature at one point."""

    def __init__(self, H):
        self.H, self.loss = H, H.loss()
        self.gradient = H.gradient()
        self.norm = float(np.linalg.norm(self.gradient))
        self.n = H.shape[0]

    @cached_property
    def product(self):
        """Hg."""
        return self.H.matvec(self.gradient)

    @cached_property
    def top(self):
        """The largest eigenvalue."""
        return float(eigenpairs(self.H, 1, "top", tol=1e-2).values[0])

    @cached_property
    def bottom(self):
        """(eigenvalue, eigenvector) of the most negative curvature."""
        pairs = eigenpairs(self.H, 1, "bottom", tol=1e-4)
        return float(pairs.values[0]), pairs.vectors[:, 0]

    @cached_property
    def flatness(self):
        """‖Hg‖ / (‖H‖ ‖g‖): near 0 the gradient is flat, which is no critical point."""
        size = max(abs(self.top), abs(self.bottom[0]), np.finfo(float).tiny)
        return float(np.linalg.norm(self.product)) / (size * max(self.norm, np.finfo(float).tiny))

    def newton(self, iterations=40):
        """A step by conjugate gradients on Hd = −g, cut off where the curvature turns down."""
        d, r = np.zeros_like(self.gradient), -self.gradient
        p, rr = r.copy(), float(r @ r)
        for _ in range(iterations):
            if rr <= 1e-24:
                break
            q = self.H.matvec(p)
            curvature = float(p @ q)
            if curvature <= 1e-12 * float(p @ p) * max(abs(self.top), 1e-300):
                return d if d.any() else p
            alpha = rr / curvature
            d += alpha * p
            r = r - alpha * q
            new = float(r @ r)
            p, rr = r + new / rr * p, new
        return d
