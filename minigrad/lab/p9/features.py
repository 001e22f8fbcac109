"""Feature normalisation: what it does to the error surface of real tables."""

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.curvature import Hessian
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
from minigrad.lab.words import join, say
from minigrad.nn import functional as F

TITLE = "Feature normalisation rounds the error surface"
ROW = 23
CLAIM = (
    "Features of different scales make an error surface of steep and flat directions; taking "
    "from each its mean and dividing by its standard deviation makes the surface rounder, and "
    "gradient descent faster."
)
REFUTED_BY = (
    "A table on which the condition number is not smaller after normalisation in every seed, or "
    "on which gradient descent, at the best rate of each arm, is not shown to need fewer updates "
    "to the target (the 95 % interval of the ratio over the seeds reaches 1; an arm that misses "
    "the target counts with all its updates, which makes the ratio an upper bound). Limits are: "
    "a table whose condition number stays above 100, as correlated features are not taken apart; "
    "and a table on which Adam with raw features, its rate tuned as well, is within a factor 10 "
    "of gradient descent with normalised ones, on average."
)
METHOD = (
    "Logistic regression on the raw breast cancer table, softmax regression on wine, linear "
    "regression on diabetes, in float64, full batches of a random four fifths. Weights start at "
    "zero, where raw and normalised model are one function; there the engine's Hessian gives the "
    "condition number, without the directions in which a softmax cannot change. Descent runs at "
    "4/λmax and each half of it, and the rate that reaches the target first counts, in each arm; "
    "the target is a tenth of the way from the best to the first loss (best: 0 for classes, the "
    "least-squares solution for diabetes)."
)
SECONDS = 1.2
PARAMETERS = {
    "seeds": Parameter(3, "random four fifths of each table", 12),
    "updates": Parameter(600, "updates of a descent at most", 5000),
    "rates": Parameter(5, "rates tried: 4/λmax and each half of the last", 7),
    "adam_rates": Parameter(
        [0.03, 0.3, 3.0], "rates tried with Adam", [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
    ),
    "target": Parameter(0.1, "share of the way from the best to the first loss"),
}
MEASURED = {
    "tables": "{table: {raw, normalised: {eigenvalues: of the Hessian at the start, ascending, "
    "without the idle ones; updates: to the target, null if missed; rate: the best; loss: [first "
    "… last] at that rate, thinned; steps: the updates at which it was taken}, adam: {updates, "
    "rate} with raw features}}",
    "pair": "{raw, normalised: {hessian: 2 × 2 of the mean squared error by the weights of the "
    "two features, without bias; best: the weights of least loss; path: [[w₁, w₂], …]}} of "
    "diabetes' bmi and s6",
}
REFERENCES = [
    (
        "Y. LeCun, L. Bottou, G. Orr and K.-R. Müller (1998), Efficient BackProp, section 4.3",
        "https://doi.org/10.1007/3-540-49430-8_2",
    ),
    (
        "H. Lee (2021), Machine Learning, lecture P9: Batch normalization",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
    (
        "scikit-learn, Toy datasets: breast cancer, wine, diabetes",
        "https://scikit-learn.org/stable/datasets/toy_dataset.html",
    ),
]
TABLES = {  # outputs of the model, loss
    "breast_cancer": (1, lambda z, y: F.binary_cross_entropy_with_logits(z[:, 0], y)),
    "wine": (3, F.cross_entropy),
    "diabetes": (1, lambda z, y: F.mse_loss(z[:, 0], y)),
}
ROUND, NEAR = 100, 10


def table(name, seed):
    """A random four fifths of a table with its raw features: x (N, features) float64, y (N,)."""
    from sklearn import datasets

    raw = {"scaled": False} if name == "diabetes" else {}
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True, **raw)
    some = np.random.default_rng(seed).permutation(len(y))[: len(y) * 4 // 5]
    x, y = x[some], y[some]
    if name == "diabetes":
        y = (y - y.mean()) / y.std()  # the features are what is looked at
    return mg.from_numpy(x), mg.from_numpy(y if name == "wine" else y.astype(float))


def normalise(x):
    """Each feature with mean 0 and standard deviation 1."""
    return (x - x.mean(dim=0)) / x.std(dim=0, unbiased=False)


def linear(x, outputs):
    """The linear model, at zero."""
    model = nn.Linear(x.shape[1], outputs).double()
    for p in model.parameters():
        nn.init.zeros_(p)
    return model


def spectrum(x, y, outputs, loss):
    """Eigenvalues of the Hessian at the start, ascending, without those of idle directions."""
    values = np.linalg.eigvalsh(Hessian(linear(x, outputs), loss, (x, y)).dense())
    idle = x.shape[1] + 1 if outputs > 1 else 0  # adding the same to all logits changes nothing
    return values[np.argsort(abs(values))[idle:]]


def descend(x, y, outputs, loss, make, updates, target):
    """Losses of full-batch training, up to the target or the last update."""
    model = linear(x, outputs)
    optimizer, losses = make(model.parameters()), []
    for _ in range(updates + 1):
        value = loss(model(x), y)
        losses.append(value.item())
        if not target < losses[-1] < 1e6:  # there, or diverged
            break
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return losses


HEART = [normalise, spectrum, descend]


def best_of(rates, make, target, updates, **problem):
    """{updates, rate, losses} of the rate that reaches the target first, or ends lowest."""
    found = []
    for rate in rates:
        losses = descend(make=lambda p, r=rate: make(p, r), target=target, updates=updates,
                         **problem)  # fmt: skip
        reached = losses[-1] <= target
        last = losses[-1] if np.isfinite(losses[-1]) else np.inf
        found.append((not reached, len(losses) if reached else last, rate, losses, reached))
    _, _, rate, losses, reached = min(found, key=lambda f: f[:2])
    return {"updates": len(losses) - 1 if reached else None, "rate": rate, "losses": losses}


def sgd(parameters, rate):
    """Plain gradient descent."""
    return mg.optim.SGD(parameters, lr=rate)


def adam(parameters, rate):
    """Adam with its defaults but for the rate."""
    return mg.optim.Adam(parameters, lr=rate)


def least_loss(name, x, y):
    """The best loss there is: 0 for classes that can be told apart, least squares for diabetes."""
    if name != "diabetes":
        return 0.0
    a = np.column_stack([normalise(x).numpy(), np.ones(len(y))])
    residual = a @ np.linalg.lstsq(a, y.numpy(), rcond=None)[0] - y.numpy()
    return float((residual**2).mean())


def measure(name, seed, settings):
    """Both arms, and Adam with raw features, on one table."""
    outputs, loss = TABLES[name]
    x, y = table(name, seed)
    first = descend(x, y, outputs, loss, lambda p: sgd(p, 0.0), 0, 0.0)[0]
    best = least_loss(name, x, y)
    target = best + settings["target"] * (first - best)
    found = {}
    for arm, features in (("raw", x), ("normalised", normalise(x))):
        problem = {"x": features, "y": y, "outputs": outputs, "loss": loss}
        values = spectrum(**problem)
        rates = [4 / values[-1] / 2**k for k in range(settings["rates"])]
        result = best_of(rates, sgd, target, settings["updates"], **problem)
        losses = result.pop("losses")
        steps = np.unique(np.geomspace(1, len(losses), 100).astype(int) - 1)
        found[arm] = {
            "eigenvalues": values,
            **result,
            "loss": [losses[k] for k in steps],
            "steps": steps,
        }
    problem = {"x": x, "y": y, "outputs": outputs, "loss": loss}
    found["adam"] = best_of(settings["adam_rates"], adam, target, settings["updates"], **problem)
    del found["adam"]["losses"]
    return found


def pair(seed):
    """The surface of two features of diabetes, which can be drawn."""
    x, y = table("diabetes", seed)
    x, found = x[:, mg.tensor([2, 9])], {}  # bmi around 26, blood sugar s6 around 91
    for arm, features in (("raw", x), ("normalised", normalise(x))):

        def loss(w, features=features):
            return ((features @ w - y) ** 2).mean()

        zero = mg.zeros(2, dtype=mg.float64)
        hessian, gradient = mg.func.hessian(loss)(zero).numpy(), mg.func.grad(loss)(zero).numpy()
        w = mg.zeros(2, dtype=mg.float64, requires_grad=True)
        rate, path = 1.5 / np.linalg.eigvalsh(hessian)[-1], [[0.0, 0.0]]
        optimizer = mg.optim.SGD([w], lr=rate)
        for _ in range(30):
            optimizer.zero_grad()
            loss(w).backward()
            optimizer.step()
            path.append(w.tolist())
        best = -np.linalg.solve(hessian, gradient)
        found[arm] = {"hessian": hessian, "best": best, "path": path}
    return found


def run(seed, settings):
    """Every table once."""
    tables = {}
    for i, name in enumerate(TABLES):
        progress.report(i / len(TABLES), name)
        tables[name] = measure(name, seed, settings)
    return {"tables": tables, "pair": pair(seed)}


def condition(run, name, arm):
    """λmax / λmin of the Hessian at the start."""
    values = run["tables"][name][arm]["eigenvalues"]
    return values[-1] / max(values[0], np.finfo(float).tiny)


def counts(measurements, name, arm):
    """Updates to the target, one a run; all of them where it was missed."""
    most = measurements["settings"]["updates"]
    found = [r["tables"][name][arm]["updates"] for r in measurements["runs"]]
    return [most if n is None else max(n, 1) for n in found]


def numbers(measurements):
    """The table of the report."""
    runs, rows = measurements["runs"], []
    for name in TABLES:
        for arm in ("raw", "normalised"):
            rows.append(
                Number(f"{name}, {arm}: condition number", [condition(r, name, arm) for r in runs])
            )
        for arm, text in (("raw", "raw"), ("normalised", "normalised"), ("adam", "raw, Adam")):
            values = [r["tables"][name][arm]["updates"] for r in runs]
            rows.append(Number(f"{name}, {text}: to the target", values, "updates"))
    return rows


def surface_figure(run):
    """The error surface of two weights, raw and normalised, with descent on it."""
    figure, panel = plots.axes("weight of bmi", "weight of blood sugar", height=3.4)
    panel.remove()
    for k, arm in enumerate(("raw", "normalised")):
        facts = run["pair"][arm]
        hessian, best = np.array(facts["hessian"]), np.array(facts["best"])
        path = np.array(facts["path"])
        panel = figure.add_subplot(1, 2, k + 1)
        reach = 1.3 * abs(path - best).max()
        grid = np.linspace(-reach, reach, 101)
        d = np.stack(np.meshgrid(grid, grid))
        height = 0.5 * np.einsum("ixy,ij,jxy->xy", d, hessian, d)
        levels = height.max() * np.geomspace(1e-4, 1, 10)
        panel.contour(best[0] + grid, best[1] + grid, height, levels, colors="#999999",
                      linewidths=0.7)  # fmt: skip
        panel.plot(*path.T, "o-", color=plots.BLUE, ms=3, lw=1)
        panel.plot(*best, "*", color=plots.RED, ms=11)
        panel.set(title=arm, xlabel="weight of bmi", ylabel="weight of s6" if k == 0 else "")
        panel.tick_params(labelsize=7)
    return Figure(
        figure,
        "The error surface of two features of the diabetes table, body mass index and blood "
        "sugar, with 30 updates of gradient descent at 1.5/λmax from zero; the star is the "
        "minimum. Raw, the surface is a ravine, and descent stops creeping along its floor; "
        "normalised it is a bowl.",
        "Two contour maps: a narrow slanted ravine in which the path hardly advances, and a "
        "round bowl in which it ends at the star.",
    )


def spectrum_figure(measurements):
    """All eigenvalues of both arms."""
    run = measurements["runs"][0]
    figure, panel = plots.axes("eigenvalue / λmax", "", xscale="log", height=3.2)
    names = []
    for name in TABLES:
        for arm, colour, marker in (("raw", plots.RED, "|"), ("normalised", plots.BLUE, "|")):
            values = np.array(run["tables"][name][arm]["eigenvalues"])
            height = len(names)
            panel.plot(values / values[-1], np.full(len(values), height), marker, color=colour,
                       ms=10)  # fmt: skip
            names.append(f"{name}, {arm}".replace("_", " "))
    panel.set_yticks(range(len(names)), names, fontsize=8)
    panel.invert_yaxis()
    return Figure(
        figure,
        "Eigenvalues of the Hessian at the start, seed 0, each table raw and normalised. The "
        "spread from left to right is the condition number: millions of millions for raw breast "
        "cancer, and still thousands after normalisation, for its columns are correlated.",
        "Six rows of ticks on a logarithmic axis: raw rows spread over many decades, normalised "
        "ones over few.",
    )


def loss_figure(measurements):
    """Loss against updates at the best rates."""
    run = measurements["runs"][0]
    figure, panel = plots.axes("updates", "training loss, nats or squares", xscale="log",
                               yscale="log")  # fmt: skip
    looks = dict(zip(TABLES, (plots.BLUE, plots.ORANGE, plots.GREEN), strict=True))
    for name, colour in looks.items():
        for arm, dash in (("raw", "--"), ("normalised", "-")):
            facts = run["tables"][name][arm]
            label = f"{name}, {arm}".replace("_", " ")
            panel.plot(
                np.array(facts["steps"]) + 1, facts["loss"], dash, color=colour, label=label
            )
    plots.legend(figure)
    return Figure(
        figure,
        "Loss of gradient descent at the best rate of each arm, seed 0, down to the target. Raw "
        "features (dashed) hardly move once the steepest direction is done.",
        "Solid lines fall to the target within tens of updates, dashed ones lie flat.",
    )


def figures(measurements):
    """Surface, spectrum, losses."""
    return [
        surface_figure(measurements["runs"][0]),
        spectrum_figure(measurements),
        loss_figure(measurements),
    ]


def verdict(measurements):
    """By the condition numbers and the ratios of updates."""
    runs = measurements["runs"]
    n = len(runs)
    if n < 3:
        reason = say(
            "{n} seeds are too few for an interval; `minigrad lab features --seeds 3` decides.",
            n=n,
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [reason])
    reasons, failed, limits, keys = [], [], [], []
    for name in TABLES:
        before, after = (
            float(np.median([condition(r, name, arm) for r in runs]))
            for arm in ("raw", "normalised")
        )
        raw, good = (counts(measurements, name, arm) for arm in ("raw", "normalised"))
        mean, low, high = ratio(good, raw)
        missed = sum(r["tables"][name]["raw"]["updates"] is None for r in runs)
        keys.append(say("{ratio:.2g}", ratio=mean))
        reasons.append(
            say(
                "{name}: the condition number falls from {before:.1e} to {after:.1e} (medians of "
                "{n} seeds), and gradient descent takes {mean:.2g} × the updates (95 % interval "
                "{low:.2g} to {high:.2g}; raw features miss the target in {missed} runs).",
                name=name.replace("_", " "),
                before=before,
                after=after,
                n=n,
                mean=mean,
                low=low,
                high=high,
                missed=missed,
            )
        )
        if any(condition(r, name, "normalised") >= condition(r, name, "raw") for r in runs):
            failed.append(say("{name}: the surface is not rounder.", name=name))
        if high >= 1:
            failed.append(say("{name}: not shown to be faster.", name=name))
        if after > ROUND:
            limits.append(
                say(
                    "{name}: rounder is not round. The condition number stays at {after:.0f}, "
                    "because correlated features are not taken apart.",
                    name=name.replace("_", " "),
                    after=after,
                )
            )
        adams, _, _ = ratio(counts(measurements, name, "adam"), good)
        if adams < NEAR:
            limits.append(
                say(
                    "{name}: Adam comes near without it, with {adams:.1f} × the updates of "
                    "normalised gradient descent on raw features: it scales each weight itself.",
                    name=name.replace("_", " "),
                    adams=adams,
                )
            )
    key = say("× {ratios} the updates on three tables", ratios=join(keys))
    if failed:
        return Verdict(REFUTED, key, failed + reasons)
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)
