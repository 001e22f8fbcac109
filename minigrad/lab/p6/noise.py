"""Noise and saddle points: from an exact critical point of a real network, who gets away?"""

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
from minigrad.lab.statistics import interval, ratio
from minigrad.lab.training import network
from minigrad.lab.words import say
from minigrad.nn import functional as F

TITLE = "Noise helps to leave a saddle point"
ROW = 9
CLAIM = (
    "Small batches help at critical points: the full batch is stuck where its gradient is zero, "
    "while the noise of small batches, whose losses have other critical points, moves on."
)
REFUTED_BY = (
    "From the saddle with unequal shares, within the given updates: SGD leaves it (the loss of "
    "all data falls by the given drop below the saddle's) in no more seeds than full-batch "
    "gradient descent does. It holds if SGD leaves in all seeds and gradient descent in none. A "
    "limit is: SGD that leaves in some seeds only; gradient descent that leaves in some; a saddle "
    "(the one with equal shares) which SGD does not leave in all seeds in which isotropic noise "
    "of the same strength leaves it; or gradient descent after one small random push that leaves "
    "in all seeds and ends lower than SGD (95 % interval of the difference below 0, each loss "
    "being the mean of the last fifth of its curve). Fewer than three seeds are undecided."
)
METHOD = (
    "A tanh network with one hidden unit is fitted to the diabetes data down to a gradient of "
    "rounding size; its unit is then split in two with the same inputs and the shares s and 1 − s "
    "of its output weight, which is a critical point of the larger network with the same "
    "function (Fukumizu and Amari), and by its Hessian a saddle. From there run, at one rate: "
    "full-batch gradient descent, SGD, and gradient descent with Gaussian noise of exactly the "
    "covariance of SGD's, with isotropic noise of the same total variance, and with one random "
    "push at the start. Equal are the updates; each seed draws the data, weights and noise anew."
)
SECONDS = 1.5
PARAMETERS = {
    "seeds": Parameter(3, "subsets of the data, weights and noise", 12),
    "samples": Parameter(400, "of the 442 patients, drawn anew for each seed"),
    "shares": Parameter([0.3, 0.5], "share s of the output weight: unequal, then equal units"),
    "rate": Parameter(0.05, "learning rate of all arms"),
    "batch": Parameter(32, "samples of a small batch"),
    "push": Parameter(1e-3, "length of the single push"),
    "updates": Parameter(1500, "updates of each arm", 2000),
    "every": Parameter(20, "updates between evaluations of the loss"),
    "drop": Parameter(0.005, "a loss this much below the saddle's counts as having left it"),
}
MEASURED = {
    "saddles": "{share: {loss, gradient: its norm, eigenvalues of the Hessian: [smallest, …, "
    "largest], noise: root mean square of an element of a small batch's gradient there}}",
    "updates": "[updates at which the loss was taken]",
    "curves": "{share: {arm: [loss of all data there, mean squared error in units of the target's "
    "variance]}}",
    "escape": "{share: {arm: first of these updates with a loss below the saddle's by the drop, "
    "null: none}}",
    "apart": "{share: {arm: distance of the two units' input weights at the end}}",
}
REFERENCES = [
    (
        "K. Fukumizu and S. Amari (2000), Local minima and plateaus in hierarchical structures of "
        "multilayer perceptrons",
        "https://doi.org/10.1016/S0893-6080(00)00009-5",
    ),
    (
        "R. Ge et al. (2015), Escaping from saddle points: online stochastic gradient for tensor "
        "decomposition",
        "https://arxiv.org/abs/1503.02101",
    ),
    (
        "C. Jin et al. (2017), How to escape saddle points efficiently",
        "https://arxiv.org/abs/1703.00887",
    ),
    (
        "H. Lee (2021), Machine Learning, lecture P6: Batch and momentum",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
]
ARMS = ("gradient descent", "SGD", "matched noise", "isotropic noise", "one push")


def split_unit(model, share):
    """The network with its last hidden unit twice, its output weight shared s : 1 − s."""
    first, _, last = model
    wider = network([first.in_features, first.out_features + 1, last.out_features], nn.Tanh)
    wider = wider.double()
    v = last.weight[:, -1:]
    with mg.no_grad():
        wider[0].weight.copy_(mg.cat([first.weight, first.weight[-1:]]))
        wider[0].bias.copy_(mg.cat([first.bias, first.bias[-1:]]))
        wider[2].weight.copy_(mg.cat([last.weight[:, :-1], share * v, (1 - share) * v], dim=1))
        wider[2].bias.copy_(last.bias)
    return wider


def small_batch_loss(model, x, y, batch, rng):
    """The loss of a batch drawn without replacement."""
    few = rng.choice(len(y), batch, replace=False)
    return F.mse_loss(model(x[few]), y[few])


def matched_noise_loss(model, x, y, batch, rng):
    """All samples, weighted 1/N + c zᵢ: a gradient with Gaussian noise of SGD's covariance.

    With centred normal z and c² = (N − B) / ((N − 1) B N) the covariance of the gradient is
    c² Σ (gᵢ − ḡ)(gᵢ − ḡ)ᵀ, that of the mean of B samples out of N.
    """
    n = len(y)
    z = rng.normal(size=n)
    weights = 1 / n + ((n - batch) / ((n - 1) * batch * n)) ** 0.5 * (z - z.mean())
    return (mg.from_numpy(weights) * ((model(x) - y) ** 2)[:, 0]).sum()


def add_noise(parameters, size, rng):
    """Add isotropic Gaussian noise of standard deviation `size` to the gradients."""
    for p in parameters:
        p.grad.add_(mg.from_numpy(rng.normal(size=p.shape) * size))


def descend(arm, model, part, settings, noise, rng):
    """Losses of all data before, and on the way of, one arm's updates."""
    x, y = part
    parameters = list(model.parameters())
    optimizer = mg.optim.SGD(parameters, lr=settings["rate"])
    if arm == "one push":
        push = rng.normal(size=sum(p.numel() for p in parameters))
        push = mg.from_numpy(push * (settings["push"] / np.linalg.norm(push)))
        start = nn.utils.parameters_to_vector(parameters).detach()
        nn.utils.vector_to_parameters(start + push, parameters)
    losses = [F.mse_loss(model(x), y).item()]
    for k in range(1, settings["updates"] + 1):
        optimizer.zero_grad()
        if arm == "SGD":
            loss = small_batch_loss(model, x, y, settings["batch"], rng)
        elif arm == "matched noise":
            loss = matched_noise_loss(model, x, y, settings["batch"], rng)
        else:
            loss = F.mse_loss(model(x), y)
        loss.backward()
        if arm == "isotropic noise":
            add_noise(parameters, noise, rng)
        optimizer.step()
        if k % settings["every"] == 0:
            losses.append(F.mse_loss(model(x), y).item())
    return losses


HEART = [split_unit, small_batch_loss, matched_noise_loss]


def patients(seed, samples):
    """A part of the diabetes data, features and target brought to mean 0 and variance 1."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    kept = np.random.default_rng(seed).permutation(len(y))[:samples]
    x, y = x[kept], y[kept]
    x, y = (x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / y.std()
    return mg.from_numpy(x), mg.from_numpy(y[:, None])


def fit(part, starts=5):
    """One hidden unit fitted by momentum, then by Newton steps with |H|, to ‖g‖ < 1e-12."""
    x, y = part
    for _ in range(starts):
        model = network([x.shape[1], 1, 1], nn.Tanh).double()
        optimizer = mg.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        for _ in range(500):
            optimizer.zero_grad()
            F.mse_loss(model(x), y).backward()
            optimizer.step()
        for _ in range(30):
            H = Hessian(model, F.mse_loss, part)
            g = H.gradient()
            if np.linalg.norm(g) < 1e-12:
                return model
            values, vectors = np.linalg.eigh(H.dense())
            step = vectors @ (vectors.T @ g / np.maximum(abs(values), 1e-4))
            w = nn.utils.parameters_to_vector(model.parameters()).detach()
            nn.utils.vector_to_parameters(w - mg.from_numpy(step), model.parameters())
    raise RuntimeError(f"noise: no critical point of the small network from {starts} starts")


def noise_size(model, part, batch, rng, draws=200):
    """Root mean square of an element of a small batch's gradient, where the whole one is 0."""
    squares = []
    for _ in range(draws):
        model.zero_grad()
        small_batch_loss(model, *part, batch, rng).backward()
        squares.append(np.mean(np.concatenate([p.grad.numpy().ravel() ** 2
                                               for p in model.parameters()])))  # fmt: skip
    return float(np.mean(squares) ** 0.5)


def run(seed, settings):
    """All arms from both saddles."""
    mg.manual_seed(seed)
    rng = np.random.default_rng(seed)
    part = patients(seed, settings["samples"])
    fitted = fit(part)
    updates = list(range(0, settings["updates"] + 1, settings["every"]))
    result = {"saddles": {}, "updates": updates, "curves": {}, "escape": {}, "apart": {}}
    for i, share in enumerate(settings["shares"]):
        key = f"{share:g}"
        model = split_unit(fitted, share)
        H = Hessian(model, F.mse_loss, part)
        result["saddles"][key] = {
            "loss": H.loss(),
            "gradient": float(np.linalg.norm(H.gradient())),
            "eigenvalues": np.linalg.eigvalsh(H.dense()),
            "noise": noise_size(model, part, settings["batch"], rng),
        }
        left = H.loss() - settings["drop"]
        for name in ("curves", "escape", "apart"):
            result[name][key] = {}
        for k, arm in enumerate(ARMS):
            progress.report((i + k / len(ARMS)) / 2, f"{arm}, share {key}")
            model = split_unit(fitted, share)
            losses = descend(arm, model, part, settings, result["saddles"][key]["noise"], rng)
            below = [u for u, loss in zip(updates, losses, strict=True) if loss < left]
            weight = model[0].weight.detach().numpy()
            result["curves"][key][arm] = losses
            result["escape"][key][arm] = below[0] if below else None
            result["apart"][key][arm] = float(np.linalg.norm(weight[-1] - weight[-2]))
    return result


def escapes(measurements, which, arm):
    """Updates until the arm left the saddle of the share number `which`, one a run."""
    share = f"{measurements['settings']['shares'][which]:g}"
    return [r["escape"][share][arm] for r in measurements["runs"]]


def count(values):
    """How many are not None."""
    return sum(v is not None for v in values)


def final(measurements, which, arm, share=0.2):
    """Mean loss over the last part of the updates, below the saddle's if negative, one a run."""
    key = f"{measurements['settings']['shares'][which]:g}"
    return [
        float(np.mean(r["curves"][key][arm][-max(1, int(share * len(r["updates"]))) :]))
        - r["saddles"][key]["loss"]
        for r in measurements["runs"]
    ]


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    rows = []
    for i, share in enumerate(settings["shares"]):
        saddles = [r["saddles"][f"{share:g}"] for r in runs]
        name = f"s = {share:g}"
        rows += [
            Number(f"{name}: ‖gradient‖ at the saddle", [s["gradient"] for s in saddles]),
            Number(f"{name}: smallest eigenvalue there", [s["eigenvalues"][0] for s in saddles]),
            Number(f"{name}: loss there", [s["loss"] for s in saddles], "", 4),
        ]
        for arm in ARMS:
            key = f"{share:g}"
            rows += [
                Number(f"{name}, {arm}: updates until it left", escapes(measurements, i, arm)),
                Number(f"{name}, {arm}: loss at the end, against the saddle's",
                       final(measurements, i, arm)),
                Number(f"{name}, {arm}: the two units apart", [r["apart"][key][arm]
                                                               for r in runs]),
            ]  # fmt: skip
    return rows


LOOKS = {
    "gradient descent": (plots.BLACK, "-", "s"),
    "SGD": (plots.RED, "-", "o"),
    "matched noise": (plots.ORANGE, "--", "^"),
    "isotropic noise": (plots.GREEN, "-.", "D"),
    "one push": (plots.BLUE, ":", "v"),
}


def curve_figure(measurements, which, caption, alt):
    """Loss, less that of the saddle, against updates."""
    runs, settings = measurements["runs"], measurements["settings"]
    share = f"{settings['shares'][which]:g}"
    figure, panel = plots.axes("updates", "loss − loss at the saddle", height=4.2)
    for arm, (colour, dash, _) in LOOKS.items():
        rows = [np.array(r["curves"][share][arm]) - r["saddles"][share]["loss"] for r in runs]
        mean = np.mean(rows, axis=0)
        panel.plot(runs[0]["updates"], mean, dash, color=colour, label=arm, lw=1.5)
    panel.axhline(-settings["drop"], color=plots.BLACK, lw=0.8, ls=(0, (1, 3)))
    plots.legend(figure, ncols=3)
    return Figure(figure, caption, alt)


def escape_figure(measurements):
    """Updates until the saddle was left, one mark a seed."""
    settings = measurements["settings"]
    figure, panel = plots.axes("", "updates until it left the saddle", height=4.0)
    never = settings["updates"] * 1.12
    for i, (arm, (colour, _, marker)) in enumerate(LOOKS.items()):
        for which in range(len(settings["shares"])):
            values = [never if v is None else v for v in escapes(measurements, which, arm)]
            x = i + 0.3 * which - 0.15 + np.linspace(-0.06, 0.06, len(values))
            panel.plot(x, values, marker, color=colour, ms=5, ls="none",
                       mfc=colour if which == 0 else "none")  # fmt: skip
    panel.plot([], [], "o", color=plots.BLACK, label=f"s = {settings['shares'][0]:g}")
    panel.plot([], [], "o", color=plots.BLACK, mfc="none", label=f"s = {settings['shares'][1]:g}")
    panel.axhline(settings["updates"], color=plots.BLACK, lw=0.8, ls=(0, (1, 3)))
    panel.set_xticks(range(len(LOOKS)), [arm.replace(" ", "\n") for arm in LOOKS])
    panel.set_xlabel("arm (above the dotted line: not within the updates)")
    panel.set_ylim(0, settings["updates"] * 1.2)
    plots.legend(figure)
    return Figure(
        figure,
        "When each arm left the saddle, one mark a seed; full marks for units with unequal "
        "shares, hollow ones for two units that are alike.",
        "Marks of escape times for five arms and two saddles; those that never left lie on top.",
    )


def figures(measurements):
    """Both saddles, and the times of escape."""
    s = measurements["settings"]["shares"]
    n = len(measurements["runs"])
    return [
        curve_figure(
            measurements, 0,
            f"From the saddle whose two units have unequal shares (s = {s[0]:g}), mean over {n} "
            "seeds. Below the dotted line the saddle is left. Noise first lifts the loss, then "
            "finds the way down.",
            "Loss against updates for five arms that start at the same saddle point.",
        ),
        escape_figure(measurements),
        curve_figure(
            measurements, 1,
            f"From the saddle whose two units are alike (s = {s[1]:g}), mean over {n} seeds. Each "
            "sample's gradient is the same for both units: batches of any kind move them "
            "together, and noise made of samples never pulls them apart.",
            "Loss against updates: arms whose noise comes from samples stay above the saddle's "
            "loss, isotropic noise and a random push lead below it.",
        ),
    ]  # fmt: skip


def verdict(measurements):
    """By who left within the updates, and by the losses at the end."""
    runs, settings = measurements["runs"], measurements["settings"]
    n = len(runs)
    if n < 3:
        why = say("{n} seeds are too few; `minigrad lab noise --seeds 3` decides.", n=n)
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [why])
    left = {arm: count(escapes(measurements, 0, arm)) for arm in ARMS}
    alike = {arm: count(escapes(measurements, 1, arm)) for arm in ARMS}
    key = say(
        "left: SGD {sgd} of {n}, gradient descent {gd}",
        sgd=left["SGD"],
        gd=left["gradient descent"],
        n=n,
    )
    saddles = [r["saddles"][f"{s:g}"] for r in runs for s in settings["shares"]]
    reasons = [
        say(
            "Both starts are critical points to rounding, ‖g‖ ≤ {gradient:.0e}, and saddles: the "
            "smallest eigenvalue lies in {low:.2f} … {high:.2f}.",
            gradient=max(s["gradient"] for s in saddles),
            low=min(s["eigenvalues"][0] for s in saddles),
            high=max(s["eigenvalues"][0] for s in saddles),
        ),
        say(
            "Within {updates} updates from unequal units SGD left in {sgd} of {n} seeds, matched "
            "Gaussian noise in {matched}, isotropic noise in {isotropic}, one push of "
            "{push:g} in {pushed}, gradient descent in {gd}.",
            updates=settings["updates"],
            sgd=left["SGD"],
            matched=left["matched noise"],
            isotropic=left["isotropic noise"],
            pushed=left["one push"],
            gd=left["gradient descent"],
            push=settings["push"],
            n=n,
        ),
    ]
    share = f"{settings['shares'][0]:g}"
    apart = max(r["apart"][share]["gradient descent"] for r in runs)
    if 0 < apart < 1e-2:
        reasons.append(
            say(
                "Gradient descent pulled the units apart by at most {apart:.0e}: rounding errors "
                "grow by the factor 1 + η|λ| an update, and would free it in the end.",
                apart=apart,
            )
        )
    if left["SGD"] <= left["gradient descent"]:
        return Verdict(REFUTED, key, reasons)
    if left["SGD"] == left["matched noise"] == n:
        times = ratio(escapes(measurements, 0, "SGD"), escapes(measurements, 0, "matched noise"))
        reasons.append(
            say(
                "SGD takes {ratio:.2f} × the updates of Gaussian noise with its covariance (95 % "
                "interval {low:.2f} to {high:.2f}).",
                **dict(zip(("ratio", "low", "high"), times, strict=True)),
            )
        )
    limits = []
    if left["SGD"] < n:
        limits.append(say("SGD left in {sgd} of {n} seeds only.", sgd=left["SGD"], n=n))
    if left["gradient descent"]:
        limits.append(
            say(
                "Gradient descent left in {gd} of {n} seeds: rounding errors grow as well.",
                gd=left["gradient descent"],
                n=n,
            )
        )
    stuck = sum(
        a is None and b is not None
        for a, b in zip(
            escapes(measurements, 1, "SGD"),
            escapes(measurements, 1, "isotropic noise"),
            strict=True,
        )
    )
    if stuck:
        limits.append(
            say(
                "Not every saddle: from two units that are alike SGD left in {sgd} of {n} seeds "
                "and matched noise in {matched}, isotropic noise in {isotropic}. The noise of "
                "samples has the symmetry of the network and no component along the way out.",
                sgd=alike["SGD"],
                matched=alike["matched noise"],
                isotropic=alike["isotropic noise"],
                n=n,
            )
        )
    lower = np.subtract(final(measurements, 0, "one push"), final(measurements, 0, "SGD"))
    low, high = interval(lower)
    if left["one push"] == n and high < 0:
        limits.append(
            say(
                "Noise need not last: gradient descent after a single push left in every seed and "
                "ends lower than SGD by {mean:.4f} ({low:.4f} to {high:.4f}), which noise keeps "
                "above the floor.",
                mean=-lower.mean(),
                low=-high,
                high=-low,
            )
        )
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)
