"""Feature normalisation: the same model on raw and on standardised columns of a table."""

import math

import numpy as np

import minigrad as mg
from minigrad import nn
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
from minigrad.lab.statistics import ratio
from minigrad.lab.words import say
from minigrad.nn import functional as F

TITLE = "Feature normalisation: from a ravine to a bowl"
ROW = 23
CLAIM = (
    "Features of different sizes make an error surface that is steep in some directions and "
    "flat in others; bringing each feature to mean 0 and standard deviation 1 makes the surface "
    "rounder, and gradient descent needs fewer updates to the same loss."
)
REFUTED_BY = (
    "On one of the tables, with 95 % intervals over the seeds: a condition number of the Hessian "
    "at the start whose ratio standardised / raw is not below 1, or updates to the given loss "
    "whose ratio standardised / raw is not below 1, learning rates tuned for each arm (where the "
    "raw arm does not arrive, the whole budget stands in: a bound). A limit is: a standardised "
    "condition number above 10 on one of the tables (standardising does not make the surface "
    "round). Undecided: fewer than 3 seeds, or an interval that holds 1."
)
METHOD = (
    "One linear layer on three tables whose columns are in the units of their measurement: "
    "cross-entropy for breast cancer and wine, mean squared error for diabetes. Each seed takes "
    "another random four fifths of the rows; features stay raw, are only centred, only scaled, "
    "standardised, or made uncorrelated as well. The Hessian at the start, zero weights, comes "
    "from the engine; gradient descent then takes each of several rates given as multiples of "
    "2/λmax, and the fastest counts."
)
SECONDS = 1.0
PARAMETERS = {
    "seeds": Parameter(4, "random parts of the rows", 10),
    "part": Parameter(0.8, "share of the rows that a run takes"),
    "multiples": Parameter(
        [0.5, 0.95, 2.0, 5.0], "learning rates tried, in 2/λmax", [0.5, 0.75, 0.95, 2.0, 5.0, 10.0]
    ),
    "budget": Parameter(1000, "updates at most", 10000),
    "targets": Parameter(
        {"breast cancer": 0.07, "wine": 0.03, "diabetes": 3000.0},
        "the given loss: nats, nats, squared units of disease progression",
    ),
}
MEASURED = {
    "spectra": "{table: {arm: eigenvalues of the Hessian at the start, rising}}",
    "updates": "{table: {arm: updates to the given loss at the best rate, null: not in the "
    "budget}}",
    "multiples": "{table: {arm: the best rate, in 2/λmax}}",
    "curves": "{table: {arm: {updates: […], loss: […]} at the best rate}}",
    "sizes": "{table: [standard deviation of each raw feature, in its own unit]}",
    "plane": "Hessian (2 × 2) of the diabetes loss over the weights of two features, "
    "{raw, standardised}",
}
REFERENCES = [
    (
        "H. Lee (2021), Machine Learning, lecture P9: Batch normalization",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
    (
        "Y. LeCun, L. Bottou, G. Orr and K. Müller (1998), Efficient BackProp",
        "https://doi.org/10.1007/3-540-49430-8_2",
    ),
    (
        "W. Street, W. Wolberg and O. Mangasarian (1993), Nuclear feature extraction for breast "
        "tumor diagnosis (the breast cancer table)",
        "https://doi.org/10.1117/12.148698",
    ),
]
TABLES = ("breast cancer", "wine", "diabetes")
WORDS = {
    "breast cancer": say("breast cancer"),
    "wine": say("wine"),
    "diabetes": say("diabetes"),
}
RAW, CENTRED, SCALED, STANDARDISED, WHITENED = ARMS = (
    "raw", "centred", "scaled", "standardised", "uncorrelated"
)  # fmt: skip
ROUND = 10.0  # a condition number up to which a surface may be called round


class Linear(nn.Module):
    """One linear layer; of K classes the last one's logit is 0, so that the weights are unique."""

    def __init__(self, features, outputs, classifier):
        super().__init__()
        self.layer = nn.Linear(features, outputs - classifier, dtype=mg.float64)
        self.classifier = classifier
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x):
        return F.pad(self.layer(x), (0, 1)) if self.classifier else self.layer(x)


def prepared(x, arm):
    """The features x (N, D) as the arm takes them."""
    if arm in (CENTRED, STANDARDISED, WHITENED):
        x = x - x.mean(axis=0)
    if arm in (SCALED, STANDARDISED):
        x = x / x.std(axis=0)
    if arm == WHITENED:  # principal axes, each divided by its standard deviation
        u, _, _ = np.linalg.svd(x, full_matrices=False)
        x = u * math.sqrt(len(x))
    return x


def spectrum(model, loss, x, y):
    """Eigenvalues of the Hessian, rising."""
    hessian = mg.curvature.Hessian(model, loss, (x, y), dtype=mg.float64)
    return np.linalg.eigvalsh(hessian.dense())


def descend(model, loss, x, y, rate, target, budget):
    """Losses of full-batch gradient descent, until `target` is reached or the budget is gone."""
    optimizer = mg.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for _ in range(budget + 1):
        value = loss(model(x), y)
        losses.append(value.item())
        if losses[-1] <= target or not math.isfinite(losses[-1]):
            break
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return losses


HEART = [prepared, spectrum, descend]


def table(name):
    """x, y, loss and number of outputs of a table, in the units in which it was measured."""
    from sklearn import datasets

    if name == "diabetes":
        x, y = datasets.load_diabetes(return_X_y=True, scaled=False)
        return x, y[:, None], F.mse_loss, 1
    x, y = getattr(datasets, "load_" + name.replace(" ", "_"))(return_X_y=True)
    return x, y, F.cross_entropy, int(y.max()) + 1


def run(seed, settings):
    """Spectra and descents of every arm on every table."""
    rng = np.random.default_rng(seed)
    found = {key: {} for key in ("spectra", "updates", "multiples", "curves", "sizes")}
    for i, name in enumerate(TABLES):
        x, y, loss, outputs = table(name)
        rows = rng.choice(len(x), round(settings["part"] * len(x)), replace=False)
        raw, y = x[rows], mg.from_numpy(y[rows])
        target = settings["targets"][name]
        found["sizes"][name] = raw.std(axis=0)
        for key in ("spectra", "updates", "multiples", "curves"):
            found[key][name] = {}
        for j, arm in enumerate(ARMS):
            progress.report((5 * i + j) / 15, f"{name}: {arm}")
            x = mg.from_numpy(prepared(raw, arm))
            shape = (x.shape[1], outputs, loss is F.cross_entropy)
            eigenvalues = spectrum(Linear(*shape), loss, x, y)
            found["spectra"][name][arm] = eigenvalues
            if arm not in (RAW, STANDARDISED):
                continue
            best = None
            for multiple in settings["multiples"]:
                rate = multiple * 2 / eigenvalues[-1]
                losses = descend(Linear(*shape), loss, x, y, rate, target, settings["budget"])
                mark = (not losses[-1] <= target, len(losses) if losses[-1] <= target else
                        np.nan_to_num(losses[-1], nan=np.inf))  # fmt: skip
                if best is None or mark < best[0]:
                    best = mark, multiple, losses
            (missed, _), multiple, losses = best
            found["updates"][name][arm] = None if missed else len(losses) - 1
            found["multiples"][name][arm] = multiple
            at = np.unique(np.geomspace(1, len(losses), 100).astype(int) - 1)
            found["curves"][name][arm] = {"updates": at, "loss": np.array(losses)[at]}
    return {**found, "plane": plane(settings, rng)}


def plane(settings, rng):
    """Hessians over the weights of body mass index and a blood value, raw and standardised."""
    x, y, loss, _ = table("diabetes")
    pair = x[:, [2, 4]]  # body mass index and total cholesterol
    hessians = {}
    for arm in (RAW, STANDARDISED):
        model = nn.Linear(2, 1, bias=False, dtype=mg.float64)
        data = mg.from_numpy(prepared(pair, arm)), mg.from_numpy(y)
        hessians[arm] = mg.curvature.Hessian(model, loss, data, dtype=mg.float64).dense()
    return hessians


def condition(run, name, arm):
    """λmax / λmin of the Hessian at the start."""
    eigenvalues = run["spectra"][name][arm]
    return eigenvalues[-1] / eigenvalues[0] if eigenvalues[0] > 0 else math.inf


def comparison(measurements, name):
    """Ratios standardised / raw with 95 % intervals: of condition numbers and of updates."""
    runs, budget = measurements["runs"], measurements["settings"]["budget"]
    conditions = [[condition(r, name, arm) for r in runs] for arm in (STANDARDISED, RAW)]
    updates = [
        [r["updates"][name][arm] or budget for r in runs] for arm in (STANDARDISED, RAW)
    ]  # fmt: skip
    return {
        "condition": ratio(*conditions),
        "updates": ratio(*updates),
        "missed": [
            sum(r["updates"][name][arm] is None for r in runs) for arm in (STANDARDISED, RAW)
        ],
    }


def numbers(measurements):
    """The table of the report."""
    runs = measurements["runs"]
    rows = []
    for name in TABLES:
        sizes = [max(r["sizes"][name]) / min(r["sizes"][name]) for r in runs]
        rows.append(Number(f"{name}: largest / smallest standard deviation", sizes))
        for arm in ARMS:
            kappas = [condition(r, name, arm) for r in runs]
            rows.append(Number(f"{name}, {arm}: condition number", kappas))
        for arm in (RAW, STANDARDISED):
            counts = [r["updates"][name][arm] for r in runs]
            rows += [
                Number(f"{name}, {arm}: to the given loss", counts, "updates"),
                Number(f"{name}, {arm}: best rate", [r["multiples"][name][arm] for r in runs],
                       "2/λmax"),
            ]  # fmt: skip
    return rows


def plane_figure(measurements):
    """Contours of the diabetes loss over two weights, raw and standardised."""
    hessians = measurements["runs"][0]["plane"]
    figure, first = plots.axes("Δ weight, body mass index", "Δ weight, cholesterol", height=3.3)
    both = figure.add_gridspec(1, 2)
    first.set_subplotspec(both[0])
    second = figure.add_subplot(both[1], xlabel="Δ weight, body mass index")
    turn = np.linspace(0, 2 * np.pi, 200)
    circle = np.stack([np.cos(turn), np.sin(turn)])
    for panel, arm, colour in ((first, RAW, plots.RED), (second, STANDARDISED, plots.BLUE)):
        eigenvalues, vectors = np.linalg.eigh(np.array(hessians[arm]))
        ring = vectors @ (circle / np.sqrt(eigenvalues)[:, None])
        for radius in (1, 2, 3, 4):
            panel.plot(*(radius / 4 * ring / np.abs(ring).max()), color=colour, lw=1.4)
        panel.plot(0, 0, "+", color=plots.BLACK)
        panel.set_title(f"{arm}, κ = {eigenvalues[1] / eigenvalues[0]:.1f}")
        panel.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")
        panel.set_xticks([-1, 0, 1])
        panel.set_yticks([-1, 0, 1])
    return Figure(
        figure,
        "Lines of equal loss about the optimum of two weights of the diabetes table (scaled to "
        "the same width): a ravine before, a bowl after. Both panels come from the engine's "
        "Hessian.",
        "Two sets of ellipses: very narrow on the left, nearly circles on the right.",
    )


def condition_figure(measurements):
    """Condition numbers of all arms."""
    runs = measurements["runs"]
    figure, panel = plots.axes("features", "condition number of the Hessian", height=4.0,
                               yscale="log")  # fmt: skip
    looks = zip(TABLES, (plots.RED, plots.BLUE, plots.GREEN), "so^", ("-", "--", "-."),
                strict=True)  # fmt: skip
    for name, colour, marker, dash in looks:
        kappas = np.array([[condition(r, name, arm) for arm in ARMS] for r in runs])
        panel.plot(range(len(ARMS)), np.exp(np.log(kappas).mean(axis=0)), dash, color=colour,
                   marker=marker, ms=6, label=name)  # fmt: skip
    panel.set_xticks(range(len(ARMS)), ARMS, fontsize=8)
    panel.axhline(1, color=plots.BLACK, lw=0.8, ls=":")
    plots.legend(figure, ncols=3)
    return Figure(
        figure,
        "What each preparation does to λmax/λmin at the start, geometric mean of "
        f"{len(runs)} parts of the rows. Centring and scaling need each other; what standardising "
        "leaves is correlation, which only the last arm takes away.",
        "Condition numbers falling from raw to standardised by several powers of ten, and to the "
        "lowest for uncorrelated features.",
    )


def curve_figure(measurements, name):
    """Loss against updates on one table."""
    runs, target = measurements["runs"], measurements["settings"]["targets"][name]
    unit = "mean squared error" if name == "diabetes" else "cross-entropy, nats"
    figure, panel = plots.axes("updates + 1", unit, xscale="log", yscale="log")
    for arm, colour, dash in ((RAW, plots.RED, "-"), (STANDARDISED, plots.BLUE, "--")):
        for k, r in enumerate(runs):
            curve = r["curves"][name][arm]
            panel.plot(np.array(curve["updates"]) + 1, curve["loss"], dash, color=colour, lw=1.2,
                       alpha=0.8, label=arm if k == 0 else None)  # fmt: skip
    panel.axhline(target, color=plots.BLACK, lw=0.9, ls=":", label=f"given loss, {target:g}")
    plots.legend(figure, ncols=3)
    return Figure(
        figure,
        f"Gradient descent on the table {name}, each arm at the best of its rates, a line a "
        "part of the rows.",
        "Loss against updates: the standardised lines reach the dotted level early, the raw ones "
        "crawl far above it.",
    )


def figures(measurements):
    """The ravine, the condition numbers, the descents."""
    return [
        plane_figure(measurements),
        condition_figure(measurements),
        *(curve_figure(measurements, name) for name in ("breast cancer", "diabetes")),
    ]


def verdict(measurements):
    """By the 95 % intervals of the ratios standardised / raw on each table."""
    runs = measurements["runs"]
    n = len(runs)
    if n < 3:
        why = say(
            "{n} seeds are too few for an interval; `minigrad lab features --seeds 5` decides.",
            n=n,
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [why])
    found = {name: comparison(measurements, name) for name in TABLES}
    least = max(c["updates"][0] for c in found.values())
    key = say("updates × {least:.2g} or less on each table", least=least)
    reasons = [reason(measurements, name, c) for name, c in found.items()]
    intervals = [c[what] for c in found.values() for what in ("condition", "updates")]
    if any(low >= 1 for _, low, _ in intervals):
        return Verdict(REFUTED, key, reasons)
    if any(high >= 1 for _, _, high in intervals):
        why = say("An interval holds 1; `minigrad lab features --full` takes more seeds.")
        return Verdict(UNDECIDED, key, [*reasons, why])
    left = {
        name: float(np.exp(np.mean([math.log(condition(r, name, STANDARDISED)) for r in runs])))
        for name in TABLES
    }
    worst = max(left, key=left.get)
    if left[worst] <= ROUND:
        return Verdict(HOLDS, key, reasons)
    limit = say(
        "Rounder, not round: on {table} a condition number of {kappa:.3g} is left, the work of "
        "correlated features; with uncorrelated ones it is {white:.3g}.",
        table=WORDS[worst],
        kappa=left[worst],
        white=float(np.mean([condition(r, worst, WHITENED) for r in runs])),
    )
    return Verdict(LIMITED, key, [*reasons, limit])


def reason(measurements, name, c):
    """A sentence on one table."""
    runs, settings = measurements["runs"], measurements["settings"]
    n = len(runs)
    counts = {
        arm: float(np.mean([r["updates"][name][arm] or settings["budget"] for r in runs]))
        for arm in (RAW, STANDARDISED)
    }
    kappas = {
        arm: float(np.exp(np.mean([math.log(condition(r, name, arm)) for r in runs])))
        for arm in (RAW, STANDARDISED)
    }
    return say(
        "{table}: condition number {raw:.2g} raw, {standard:.2g} standardised; updates to a loss "
        "of {target:g}: {first:.0f} and {second:.0f}, ratio {r:.2g} (95 % interval {low:.2g} to "
        "{high:.2g}, {n} seeds){bound}.",
        table=WORDS[name],
        raw=kappas[RAW],
        standard=kappas[STANDARDISED],
        target=settings["targets"][name],
        first=counts[RAW],
        second=counts[STANDARDISED],
        n=n,
        bound=say(", a bound: raw missed it in {missed} of {n}", missed=c["missed"][1], n=n)
        if c["missed"][1]
        else "",
        **dict(zip(("r", "low", "high"), c["updates"], strict=True)),
    )
