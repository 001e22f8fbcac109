"""Readings that several illnesses share: has the loss fallen, what does a step do."""

from functools import cached_property

import numpy as np

SMALL = 0.15  # of the first loss: below it a network counts as trained


class Symptoms:
    """Numbers made of the record and the examination."""

    def __init__(self, record, exam):
        self.record, self.exam = record, exam

    @cached_property
    def curve(self):
        """The recorded losses of the mini-batches, those that are finite."""
        return np.array([v for v in self.record.losses if np.isfinite(v)])

    @cached_property
    def first(self):
        """Loss on the examined data at the start; NaN where no step was seen."""
        return self.exam.losses[0] if self.record.snapshots else np.nan

    @cached_property
    def last(self):
        """Loss on the examined data at the end."""
        return self.exam.losses[-1]

    @cached_property
    def floor(self):
        """The loss that no training gets below as far as is known: 0, or −∞ for odd losses."""
        return 0.0 if min(self.first, self.last, *self.curve[:1], 0.0) >= 0 else -np.inf

    @cached_property
    def fallen(self):
        """The share of the first loss that training has taken away."""
        if not np.isfinite(self.first) or self.first == 0:
            return 0.0
        return (self.first - self.last) / abs(self.first)

    @cached_property
    def recent(self):
        """The share of the loss taken away by the last third of the mini-batches."""
        n = len(self.curve)
        if n < 9:
            return np.nan
        third = n // 3
        before, after = np.median(self.curve[-2 * third : -third]), np.median(self.curve[-third:])
        return float((before - after) / max(abs(before), 1e-300))

    @cached_property
    def is_trained(self):
        """Whether the loss is small against the first one, or the targets are nearly all right."""
        if self.fallen > 1 - SMALL and self.last < self.ignorance:
            return True
        accuracy = self.accuracy
        return bool(accuracy is not None and accuracy > 0.93 and self.last < self.ignorance)

    @cached_property
    def ignorance(self):
        """The loss of who knows the targets' frequencies but not the inputs; ∞ if not known."""
        y = self.exam.everything[1]
        if "softmax" in self.exam.kinds or "log-likelihood" in self.exam.kinds:
            p = np.unique(y, return_counts=True)[1] / len(y)
            return float(-(p * np.log(p)).sum()) or np.inf
        if "squared" in self.exam.kinds:
            return float(y.astype(float).var(axis=0).mean()) or np.inf
        return np.inf

    @cached_property
    def accuracy(self):
        """Share of right classes at the end, None without classes."""
        exam = self.exam
        y = exam.part[1].numpy()
        try:
            z = exam.output().numpy()
        except (RuntimeError, ValueError, TypeError):
            return None
        if exam.is_classes and z.ndim == 2 and z.shape[1] > 1:
            return float((z.argmax(axis=1) == y).mean())
        if y.shape == z.shape and set(np.unique(y)) == {0.0, 1.0}:
            if z.ndim == 2 and z.shape[1] > 1:
                return float((z.argmax(axis=1) == y.argmax(axis=1)).mean())
            middle = 0.0 if "logistic" in exam.kinds else 0.5
            return float(((z > middle) == (y > 0.5)).mean())
        return None

    @cached_property
    def stalled(self):
        """Whether the loss is large and hardly falls any more."""
        if not np.isfinite(self.last):
            return False
        return not self.is_trained and (not np.isfinite(self.recent) or self.recent < 0.03)

    # what the recorded updates do -------------------------------------------------------------
    SCALES = (0.0, 0.01, 0.1, 1.0, 10.0, 100.0)

    @cached_property
    def trials(self):
        """Loss at scales of the last recorded updates, an array (snapshots, scales)."""
        last = [s for s in self.record.snapshots[1:] if s.after is not None][-4:]
        last = last or [s for s in self.record.snapshots if s.after is not None][-4:]
        return np.array([self.exam.tried(s, self.SCALES) for s in last])

    def change(self, scale):
        """Mean relative change of the loss by `scale` times the last recorded updates."""
        if not len(self.trials):
            return np.nan
        values = self.trials
        base = values[:, 0]
        moved = values[:, self.SCALES.index(scale)]
        moved = np.where(np.isfinite(moved), moved, np.inf)
        return float(np.mean((moved - base) / np.maximum(abs(base), 1e-300)))

    @cached_property
    def climbs(self):
        """The share of all recorded updates a tenth of which raises the loss; NaN below four."""
        found = []
        for s in self.record.snapshots:
            if s.after is not None:
                before, after = self.exam.tried(s, (0.0, 0.1))
                found.append(after > before)
        return float(np.mean(found)) if len(found) >= 4 else np.nan

    @cached_property
    def reach(self):
        """‖update‖ / ‖weights‖ of the last recorded updates, the median over parameters."""
        ratios = [
            u / max(s.weights[n], 1e-30)
            for s in self.record.samples[-3:]
            for n, u in s.updates.items()
            if s.gradients.get(n)
        ]
        return float(np.median(ratios)) if ratios else np.nan

    @cached_property
    def leap(self):
        """By what factor the first three recorded updates raised the loss, the worst of them."""
        found = [1.0]
        for s in self.record.snapshots[:3]:
            if s.after is not None:
                before, after = self.exam.tried(s, (0.0, 1.0))
                after = after if np.isfinite(after) else np.inf
                found.append(after / max(abs(before), 1e-300))
        return float(max(found))

    # curvature --------------------------------------------------------------------------------
    @cached_property
    def rate(self):
        """The last learning rate."""
        return float(self.record.optimizer.param_groups[0].get("lr", np.nan))

    @cached_property
    def limit(self):
        """The sharpness at which plain SGD with this rate and momentum begins to diverge."""
        group = self.record.optimizer.param_groups[0]
        if type(self.record.optimizer).__name__ != "SGD" or not self.rate:
            return np.nan
        return 2 * (1 + float(group.get("momentum", 0.0))) / self.rate

    @cached_property
    def along_gradient(self):
        """The share of the loss that the best of many steps along −g takes away."""
        return self.best_along(-self.exam.surface.gradient)

    def best_along(self, direction):
        """(share of the loss that the best step takes away, its length)."""
        exam = self.exam
        size = float(np.linalg.norm(direction))
        if not size or not np.isfinite(size):
            return 0.0, 0.0
        unit = exam.surface.H.unflatten(direction / size)
        weights = {n: p.detach().numpy() for n, p in self.record.trainable.items()}
        total = np.sqrt(sum(float((w.astype(float) ** 2).sum()) for w in weights.values()))
        base, best = self.last, (0.0, 0.0)
        for length in max(total, 1.0) * np.geomspace(1e-5, 3, 18):
            moved = {
                n: (w + length * np.asarray(_array(unit[n]))).astype(w.dtype)
                for n, w in weights.items()
            }
            value = exam.loss(moved)
            if np.isfinite(value):
                best = max(best, ((base - value) / max(abs(base), 1e-300), float(length)))
        return best


def _array(x):
    return x.detach().numpy() if hasattr(x, "detach") else x
