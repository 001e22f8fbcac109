"""Minimising cross-entropy is maximising likelihood: on data drawn from a known model."""

import math

import numpy as np

import minigrad as mg
from minigrad.lab import plots, progress
from minigrad.lab.experiment import (
    HOLDS,
    LIMITED,
    REFUTED,
    UNDECIDED,
    Figure,
    Number,
    Parameter,
    Verdict,
)
from minigrad.lab.statistics import interval
from minigrad.lab.words import say
from minigrad.nn import functional as F

TITLE = "Minimising cross-entropy is maximising likelihood"
ROW = 22
CLAIM = (
    "Minimising the cross-entropy is exactly maximising the likelihood of the data: the two have "
    "the same optimum. On data drawn from a known model it therefore finds that model again, up "
    "to the chance of the sample."
)
REFUTED_BY = (
    "A relative difference above 1e-12 between N · cross-entropy and −log of the product of the "
    "probabilities of the labels, or above 1e-9 between their gradients; CE(p, q) other than "
    "H(p) + KL(p‖q) by more than 1e-12; a likelihood that is larger beside the optimum of the "
    "cross-entropy; a slope of log error against log N whose 95 % interval over the seeds lies "
    "outside −0.6 … −0.4; or, at the largest N, 95 % confidence regions that hold the true "
    "parameters so often or so seldom that a binomial test rejects 95 % at the level 0.001. A "
    "limit is: the product itself is 0 in float64 for one of the sample sizes."
)
METHOD = (
    "Points are drawn from a normal distribution, their classes from a softmax model with known "
    "weights (the last class's logit is fixed at 0, so that they are unique). Newton's method "
    "with the engine's gradient and Hessian minimises the cross-entropy for several sample "
    "sizes. On a small sample the product of probabilities is formed as such and "
    "differentiated; at each optimum N · Hessian, the Fisher information, gives the region in "
    "which the truth should lie."
)
SECONDS = 0.8
PARAMETERS = {
    "seeds": Parameter(5, "true models, each with its own samples", 12),
    "features": Parameter(3, "features of a point"),
    "classes": Parameter(3, "classes"),
    "sizes": Parameter([200, 800, 3200, 12800], "sample sizes N", [200, 800, 3200, 12800, 51200]),
    "repeats": Parameter(8, "samples of each size", 20),
    "few": Parameter(20, "points whose product of probabilities is formed"),
    "steps": Parameter(20, "steps of Newton's method at most"),
    "level": Parameter(0.95, "level of the confidence regions"),
}
MEASURED = {
    "identity": "on few points: {value: relative difference of N · CE and −log Π p, gradient: "
    "largest relative difference of their gradients}",
    "entropies": "on the points of the largest sample, true p against fitted q, mean over the "
    "points, nats: {cross-entropy, entropy, divergence}",
    "scan": "on few points, along a direction through the optimum: {distance, cross-entropy in "
    "nats, likelihood: Π p}",
    "fits": "{N: [for each repeat {error: distance from the true parameters, statistic: "
    "(θ̂ − θ)ᵀ N·H (θ̂ − θ), gradient: its norm at the end, product: Π p in float64}]}",
    "parameters": "number of parameters",
    "truth": "true parameters",
    "found": "parameters found on the first of the largest samples",
}
REFERENCES = [
    (
        "H. Lee (2021), Machine Learning, lecture P8: Classification",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
    (
        "R. Fisher (1922), On the mathematical foundations of theoretical statistics",
        "https://doi.org/10.1098/rsta.1922.0009",
    ),
    (
        "S. Kullback and R. Leibler (1951), On information and sufficiency",
        "https://doi.org/10.1214/aoms/1177729694",
    ),
]


def logits_of(theta, x):
    """Logits of the points x (N, D): the last class's are 0."""
    weights = theta.reshape(x.shape[1] + 1, -1)  # the last row is the bias
    return F.pad(x @ weights[:-1] + weights[-1], (0, 1))


def cross_entropy(theta, x, y):
    """Mean over the points of −log p(y | x), in nats."""
    return F.cross_entropy(logits_of(theta, x), y)


def likelihood(theta, x, y):
    """The probability of the data: the product of p(y | x) over the points."""
    p = F.softmax(logits_of(theta, x), dim=1)
    return p.gather(1, y.unsqueeze(1)).prod()


def minimise(x, y, size, steps):
    """Newton's method on the cross-entropy: the minimiser θ, gradient and Hessian there."""
    theta = mg.zeros(size, dtype=mg.float64)
    for _ in range(steps):
        gradient = mg.func.grad(cross_entropy)(theta, x, y).numpy()
        hessian = mg.func.hessian(cross_entropy)(theta, x, y).numpy()
        if np.linalg.norm(gradient) < 1e-12:
            break
        theta = theta - mg.from_numpy(np.linalg.solve(hessian, gradient))
    return theta, gradient, hessian


HEART = [logits_of, cross_entropy, likelihood, minimise]


def draw(rng, theta, n, settings):
    """n points and classes of the model θ."""
    x = mg.from_numpy(rng.normal(size=(n, settings["features"])))
    p = F.softmax(logits_of(theta, x), dim=1).numpy()
    y = (rng.uniform(size=(n, 1)) > p.cumsum(axis=1)).sum(axis=1)
    return x, mg.from_numpy(np.minimum(y, settings["classes"] - 1))


def identity(theta, x, y):
    """How far N · CE and −log Π p, and their gradients, are apart."""
    n = len(y)
    ce, product = cross_entropy(theta, x, y).item(), likelihood(theta, x, y).item()
    of_ce = n * mg.func.grad(cross_entropy)(theta, x, y).numpy()
    of_product = -mg.func.grad(likelihood)(theta, x, y).numpy() / product  # d log f = df / f
    return {
        "value": abs(n * ce + math.log(product)) / (n * ce),
        "gradient": float(abs(of_ce - of_product).max() / abs(of_ce).max()),
    }


def entropies(truth, found, x):
    """CE(p, q), H(p) and KL(p‖q) of true and fitted model, mean over the points."""
    logs = [F.log_softmax(logits_of(theta, x), dim=1) for theta in (truth, found)]
    p = logs[0].exp()
    return {
        "cross-entropy": F.cross_entropy(logits_of(found, x), p).item(),
        "entropy": -(p * logs[0]).sum(dim=1).mean().item(),
        "divergence": F.kl_div(logs[1], p, reduction="batchmean").item(),
    }


def scan(theta, direction, x, y):
    """Cross-entropy and likelihood on a line through θ."""
    distances = np.linspace(-1.5, 1.5, 61)
    line = [theta + t * direction for t in distances.tolist()]
    return {
        "distance": distances,
        "cross-entropy": [cross_entropy(point, x, y).item() for point in line],
        "likelihood": [likelihood(point, x, y).item() for point in line],
    }


def few_points(rng, truth, settings, size):
    """A small sample that has an optimum: draws until Newton's method finds one."""
    while True:
        x, y = draw(rng, truth, settings["few"], settings)
        try:
            theta, gradient, _ = minimise(x, y, size, settings["steps"])
        except np.linalg.LinAlgError:  # the classes can be parted: the optimum lies at infinity
            continue
        if np.linalg.norm(gradient) < 1e-8 and theta.norm().item() < 20:
            return x, y, theta


def run(seed, settings):
    """A true model, its samples, and what the minimum of the cross-entropy finds of it."""
    rng = np.random.default_rng(seed)
    size = (settings["features"] + 1) * (settings["classes"] - 1)
    truth = mg.from_numpy(rng.normal(size=size) * 0.7)
    x, y, theta = few_points(rng, truth, settings, size)
    direction = rng.normal(size=size)
    direction = mg.from_numpy(direction / np.linalg.norm(direction))
    off = theta + 0.3 * direction  # away from the optimum, where the gradient is not 0
    first = {"identity": identity(off, x, y), "scan": scan(theta, direction, x, y)}
    fits, largest = {}, None
    for i, n in enumerate(settings["sizes"]):
        fits[str(n)] = []
        for k in range(settings["repeats"]):
            progress.report((i + k / settings["repeats"]) / len(settings["sizes"]), f"N = {n}")
            x, y = draw(rng, truth, n, settings)
            found, gradient, hessian = minimise(x, y, size, settings["steps"])
            if n == max(settings["sizes"]) and k == 0:
                largest = (x, found)
            d = (found - truth).numpy()
            fits[str(n)].append(
                {
                    "error": float(np.linalg.norm(d)),
                    "statistic": float(n * d @ hessian @ d),
                    "gradient": float(np.linalg.norm(gradient)),
                    "product": likelihood(found, x, y).item(),
                }
            )
    return {
        **first,
        "entropies": entropies(truth, largest[1], largest[0]),
        "fits": fits,
        "parameters": size,
        "truth": truth.tolist(),
        "found": largest[1].tolist(),
    }


def errors(run, n):
    """Root of the mean squared distance from the truth, over the repeats."""
    return float(np.sqrt(np.mean([f["error"] ** 2 for f in run["fits"][str(n)]])))


def order(run, sizes):
    """Slope of log error against log N."""
    return float(np.polyfit(np.log(sizes), np.log([errors(run, n) for n in sizes]), 1)[0])


def inside(measurements):
    """(fits whose region holds the truth, fits) at the largest N."""
    from scipy.stats import chi2

    settings = measurements["settings"]
    statistics = [
        f["statistic"]
        for r in measurements["runs"]
        for f in r["fits"][str(max(settings["sizes"]))]
    ]
    bound = chi2.ppf(settings["level"], measurements["runs"][0]["parameters"])
    return sum(s <= bound for s in statistics), len(statistics)


def best_of_scan(scan, sign, what):
    """The distance at which the scanned quantity is largest (sign 1) or smallest (−1)."""
    return scan["distance"][int(np.argmax(sign * np.array(scan[what])))]


def numbers(measurements):
    """The table of the report."""
    runs, sizes = measurements["runs"], measurements["settings"]["sizes"]
    rows = [
        Number("N · CE against −log Π p, relative", [r["identity"]["value"] for r in runs]),
        Number("their gradients, relative", [r["identity"]["gradient"] for r in runs]),
    ]
    for what in ("cross-entropy", "entropy", "divergence"):
        name = {"cross-entropy": "CE(p, q)", "entropy": "H(p)", "divergence": "KL(p‖q)"}[what]
        rows.append(Number(name, [r["entropies"][what] for r in runs], "nats", 4))
    rows += [
        Number(f"distance from the truth, N = {n}", [errors(r, n) for r in runs]) for n in sizes
    ]
    ends = [max(f["gradient"] for fits in r["fits"].values() for f in fits) for r in runs]
    rows.append(Number("‖gradient‖ where Newton's method ends, largest", ends))
    rows.append(Number("slope of log error against log N", [order(r, sizes) for r in runs]))
    for n in sizes:
        rows.append(
            Number(f"N = {n}: product of probabilities",
                   [r["fits"][str(n)][0]["product"] for r in runs])
        )  # fmt: skip
    return rows


def scan_figure(measurements):
    """Cross-entropy and likelihood on one line through the optimum."""
    run = measurements["runs"][0]["scan"]
    figure, panel = plots.axes("distance from the optimum", "cross-entropy, nats")
    few = measurements["settings"]["few"]
    panel.plot(run["distance"], run["cross-entropy"], color=plots.BLUE, label="cross-entropy")
    right = panel.twinx()
    right.plot(run["distance"], run["likelihood"], "--", color=plots.RED)
    right.set(ylabel="likelihood Π p", xlabel="distance from the optimum")
    right.xaxis.set_visible(False)
    right.spines["right"].set_visible(True)
    right.grid(False)
    panel.plot([], [], "--", color=plots.RED, label="likelihood")
    panel.axvline(0, color=plots.BLACK, lw=0.8, ls=":")
    plots.legend(figure)
    return Figure(
        figure,
        f"A line through the parameters that minimise the cross-entropy of {few} points: the "
        "likelihood, formed as a product, has its maximum where the cross-entropy has its "
        "minimum.",
        "Two curves over the distance: a valley and a peak at the same place.",
    )


def error_figure(measurements):
    """Error against the sample size."""
    runs, sizes = measurements["runs"], measurements["settings"]["sizes"]
    figure, panel = plots.axes(
        "sample size N", "distance from the true parameters", xscale="log", yscale="log"
    )
    for k, r in enumerate(runs):
        for n in sizes:
            here = [f["error"] for f in r["fits"][str(n)]]
            panel.plot(np.full(len(here), n), here, "o", color=plots.SKY, ms=3, alpha=0.6,
                       label="one sample" if k == 0 and n == sizes[0] else None)  # fmt: skip
    mean = np.exp(np.mean([[math.log(errors(r, n)) for n in sizes] for r in runs], axis=0))
    panel.plot(sizes, mean, "-", color=plots.BLUE, marker="s", ms=5, label="mean over the models")
    panel.plot(sizes, mean[0] * (np.array(sizes) / sizes[0]) ** -0.5, ":", color=plots.BLACK,
               label="slope −½")  # fmt: skip
    plots.legend(panel, loc="lower left")
    return Figure(
        figure,
        f"Distance between found and true parameters for {len(runs)} models: four times the "
        "data, half the error, as the chance of a sample says.",
        "Error against sample size on logarithmic axes: dots about a straight falling line.",
    )


def region_figure(measurements):
    """Distribution of the statistic against χ²."""
    from scipy.stats import chi2

    size = measurements["runs"][0]["parameters"]
    figure, panel = plots.axes(
        "(θ̂ − θ)ᵀ N·H (θ̂ − θ)", "share of the samples at or below", height=3.8
    )
    sizes = measurements["settings"]["sizes"]
    looks = ((plots.ORANGE, "--"), (plots.BLUE, "-"))
    for n, (colour, dash) in zip((sizes[0], sizes[-1]), looks, strict=True):
        seen = np.sort([f["statistic"] for r in measurements["runs"] for f in r["fits"][str(n)]])
        share = np.arange(1, len(seen) + 1) / len(seen)
        panel.step(seen, share, dash, where="post", color=colour, label=f"N = {n}")
    x = np.linspace(0, chi2.ppf(0.999, size), 120)
    panel.plot(x, chi2.cdf(x, size), ":", color=plots.BLACK, label=f"χ² with {size} degrees")
    panel.axvline(chi2.ppf(measurements["settings"]["level"], size), color=plots.RED, lw=1)
    panel.set_xlim(0, x[-1] * 1.15)
    plots.legend(panel, loc="lower right")
    return Figure(
        figure,
        "How far the found parameters lie from the truth, measured with the curvature at the "
        "optimum. Theory (dotted) holds for large N; left of the red line the confidence region "
        "holds the truth.",
        "Two staircase curves close to the smooth curve of the χ² distribution.",
    )


def figures(measurements):
    """Scan, error, confidence regions."""
    return [scan_figure(measurements), error_figure(measurements), region_figure(measurements)]


def verdict(measurements):
    """The identities, then the sample's error, then whether the product can be formed."""
    runs, settings = measurements["runs"], measurements["settings"]
    n = len(runs)
    if n < 3:
        why = say(
            "{n} seeds are too few for an interval; `minigrad lab likelihood --seeds 5` decides.",
            n=n,
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [why])
    from scipy.stats import binomtest

    slopes = [order(r, settings["sizes"]) for r in runs]
    low, high = interval(slopes)
    held, fits = inside(measurements)
    worst = {k: max(r["identity"][k] for r in runs) for k in ("value", "gradient")}
    sums = max(
        abs(e["cross-entropy"] - e["entropy"] - e["divergence"])
        for e in (r["entropies"] for r in runs)
    )
    peaks = [best_of_scan(r["scan"], 1, "likelihood") for r in runs]
    key = say(
        "error ∝ N^{s:.2f}; {held} of {fits} regions hold", s=np.mean(slopes), held=held, fits=fits
    )
    facts = [
        (
            say(
                "N · cross-entropy and −log Π p differ by {v:.1e}, their gradients by {g:.1e} "
                "(relative, largest of {n} models).",
                v=worst["value"],
                g=worst["gradient"],
                n=n,
            ),
            worst["value"] <= 1e-12 and worst["gradient"] <= 1e-9,
        ),
        (
            say("CE(p, q) = H(p) + KL(p‖q) to {d:.1e} nats.", d=sums),
            sums <= 1e-12,
        ),
        (
            say(
                "On lines through the optimum the likelihood is largest within {d:.3g} of it.",
                d=max(map(abs, peaks)),
            ),
            max(map(abs, peaks)) < 1e-9,
        ),
        (
            say(
                "The distance from the true parameters falls as N to the power {s:.3f} (95 % "
                "interval {low:.3f} to {high:.3f}, {n} models); chance says −½.",
                s=float(np.mean(slopes)),
                low=low,
                high=high,
                n=n,
            ),
            high >= -0.6 and low <= -0.4,
        ),
        (
            say(
                "At N = {size}, {held} of {fits} confidence regions of level {level:g} hold the "
                "truth.",
                size=max(settings["sizes"]),
                held=held,
                fits=fits,
                level=settings["level"],
            ),
            binomtest(held, fits, settings["level"]).pvalue > 1e-3,
        ),
    ]
    failed = [sentence for sentence, fine in facts if not fine]
    if failed:
        return Verdict(REFUTED, key, failed)
    reasons = [sentence for sentence, _ in facts]
    lost = [
        size for size in settings["sizes"]
        if any(f["product"] == 0 for r in runs for f in r["fits"][str(size)])
    ]  # fmt: skip
    if not lost:
        return Verdict(HOLDS, key, reasons)
    limit = say(
        "The same on paper, not in a computer: from N = {size} on the product of probabilities is "
        "0 in float64, with no gradient to follow; only its logarithm can be optimised.",
        size=lost[0],
    )
    return Verdict(LIMITED, key, [*reasons, limit])
