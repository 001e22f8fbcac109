"""A convex error surface that one learning rate cannot descend: a long and narrow valley."""

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
from minigrad.lab.words import say

TITLE = "The convex valley that gradient descent does not come down"
ROW = 12
CLAIM = (
    "Even a convex error surface is hard for one learning rate: in the valley of a linear "
    "regression η = 1e-7 does not reach the optimum in 100,000 updates, and a large rate, "
    "η = 1e-2, swings across the valley from wall to wall."
)
REFUTED_BY = (
    "A constant rate of the grid at which, after 100,000 updates, at most 1 % of the distance to "
    "the optimum is left from any of the starts; an eigenvalue of the Hessian that is not "
    "positive; or updates that were really made and differ by more than 1e-6 of the start's "
    "distance from the linear map that gives the 100,000th. A limit is: the large rate diverges "
    "instead of swinging, which is so if the loss of its first update is above that of the start "
    "and the loss rises in every update until it overflows."
)
METHOD = (
    "The loss is quadratic, so that an update of gradient descent is a linear map, made of the "
    "engine's gradient at 0 and its Hessian; its 100,000th power follows from the eigenvalues. "
    "The first updates are also made for real by the engine's SGD in float64 (under --full all "
    "100,000), the divergence at the large rate as well, and one Newton step shows what a rate "
    "for each direction would do. Each seed draws further starts beside the lecture's."
)
SECONDS = 0.8
PARAMETERS = {
    "seeds": Parameter(3, "random starts", 10),
    "start": Parameter([-120.0, -4.0], "the lecture's start (b, w)"),
    "starts": Parameter(4, "further starts, for each seed"),
    "box": Parameter([[-150.0, -50.0], [-5.0, 5.0]], "b and w of further starts lie in these"),
    "rates": Parameter(
        [1e-8, 1e-7, 3e-7, 1e-6, 1.14e-6, 1.15e-6, 1e-5, 1e-4, 1e-3, 1e-2],
        "the grid of constant learning rates η",
    ),
    "rate": Parameter(1e-7, "the lecture's small rate"),
    "large": Parameter(1e-2, "the lecture's large rate"),
    "updates": Parameter(100_000, "updates after which the rates are judged"),
    "real": Parameter(10_000, "updates of the small rate that are really made", 100_000),
    "points": Parameter(60, "points of a path that are kept"),
}
MEASURED = {
    "hessian": "the Hessian over (b, w), with its eigenvalues in rising order and eigenvectors "
    "in columns under 'eigenvalues', 'eigenvectors'",
    "optimum": "(b, w) where the gradient is zero, and the loss there: {at, loss}",
    "starts": "[(b, w), …], the lecture's first",
    "ends": "{η: [(b, w), …]} after the updates, from each start; null where it overflows",
    "left": "{η: [log10 of the share of the distance to the optimum that is left, …]}",
    "path": "{updates: [t, …], at: [(b, w), …], loss: […]} of the lecture's start and small rate",
    "difference": "largest ‖real − linear map‖ / ‖start − optimum‖ over the starts and updates",
    "real": "(b, w) after the updates that were really made, from the lecture's start",
    "diverging": "log10 of the loss before each real update at the large rate, until it overflows",
    "newton": "share of the distance that is left after one Newton step from the lecture's start",
}
REFERENCES = [
    (
        "H. Lee (2021), Machine Learning, lecture P7: Adaptive learning rate",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
    (
        "Y. LeCun et al. (1998), Efficient BackProp, section 5: the largest learning rate is "
        "2/λmax, the time to converge the condition number",
        "https://doi.org/10.1007/3-540-49430-8_2",
    ),
]
X = mg.from_numpy(np.array([338.0, 333, 328, 207, 226, 25, 179, 60, 208, 606]))
Y = mg.from_numpy(np.array([640.0, 633, 619, 393, 428, 27, 193, 66, 226, 1591]))
EXACT, REACHED = 1e-6, 0.01


def loss(w):
    """Σ (y − b − w x)² for (b, w), or for each row of many, (…, 2) → (…)."""
    b, slope = w[..., :1], w[..., 1:]
    return ((Y - b - slope * X) ** 2).sum(dim=-1)


def surface():
    """The Hessian H and the optimum; the gradient is H (w − optimum) everywhere."""
    zero = mg.zeros(2, dtype=mg.float64)
    hessian = mg.func.hessian(loss)(zero).numpy()
    gradient = mg.func.grad(loss)(zero).numpy()
    return hessian, np.linalg.solve(hessian, -gradient)


def after(updates, rate, start, hessian, optimum):
    """Where so many updates lead: each shrinks the way to go by 1 − ηλ along each eigenvector."""
    eigenvalues, eigenvectors = np.linalg.eigh(hessian)
    way = (np.asarray(start) - optimum) @ eigenvectors
    with np.errstate(over="ignore", invalid="ignore"):
        return optimum + ((1 - rate * eigenvalues) ** updates * way) @ eigenvectors.T


def descend(starts, rate, updates, every):
    """Real updates of many starts at once: their places (starts, 2) every so many updates."""
    w = mg.tensor(starts, dtype=mg.float64, requires_grad=True)
    optimizer = mg.optim.SGD([w], lr=rate)
    for t in range(updates + 1):
        if t % every == 0:
            yield t, w.detach().numpy().copy()
        optimizer.zero_grad()
        loss(w).sum().backward()
        optimizer.step()


HEART = [loss, surface, after, descend]


def share_left(updates, rate, starts, hessian, optimum):
    """log10 of ‖w − optimum‖ / ‖start − optimum‖; by logarithms, so that nothing overflows."""
    eigenvalues, eigenvectors = np.linalg.eigh(hessian)
    way = (np.asarray(starts) - optimum) @ eigenvectors
    with np.errstate(divide="ignore"):
        logs = np.log(abs(way)) + updates * np.log(abs(1 - rate * eigenvalues))
    largest = logs.max(axis=1)
    total = largest + 0.5 * np.log(np.exp(2 * (logs - largest[:, None])).sum(axis=1))
    return (total - np.log(np.linalg.norm(way, axis=1))) / math.log(10)


def divergence(start, rate):
    """log10 of the loss before each real update, until it is no longer finite."""
    logs = []
    for _, w in descend(start, rate, 1000, every=1):
        value = loss(mg.from_numpy(w)).item()
        if not math.isfinite(value):
            break
        logs.append(math.log10(value))
    return logs


def run(seed, settings):
    """One run; the surface is the same for each seed, the further starts are not."""
    chance = np.random.default_rng(seed)
    low, high = np.array(settings["box"]).T
    starts = np.vstack([settings["start"], chance.uniform(low, high, (settings["starts"], 2))])
    hessian, optimum = surface()
    eigenvalues, eigenvectors = np.linalg.eigh(hessian)

    difference, distance = 0.0, np.linalg.norm(starts - optimum, axis=1)
    for t, w in descend(starts, settings["rate"], settings["real"], settings["real"] // 10):
        progress.report(t / settings["real"], "real updates")
        mapped = after(t, settings["rate"], starts, hessian, optimum)
        difference = max(difference, (np.linalg.norm(w - mapped, axis=1) / distance).max())
    ends, left = {}, {}
    for rate in settings["rates"]:
        place = after(settings["updates"], rate, starts, hessian, optimum)
        ends[f"{rate:g}"] = place if np.isfinite(place).all() else None
        left[f"{rate:g}"] = share_left(settings["updates"], rate, starts, hessian, optimum)
    times = np.unique(np.geomspace(1, settings["updates"], settings["points"]).astype(int))
    times = [0, *times.tolist()]
    path = [after(t, settings["rate"], starts[0], hessian, optimum) for t in times]
    start = mg.from_numpy(starts[0].copy())
    gradient = mg.func.grad(loss)(start).numpy()
    newton = starts[0] - np.linalg.solve(mg.func.hessian(loss)(start).numpy(), gradient)
    return {
        "hessian": {
            "hessian": hessian,
            "eigenvalues": eigenvalues,
            "eigenvectors": eigenvectors,
        },
        "optimum": {"at": optimum, "loss": loss(mg.from_numpy(optimum)).item()},
        "starts": starts,
        "ends": ends,
        "left": left,
        "path": {
            "updates": times,
            "at": path,
            "loss": loss(mg.from_numpy(np.array(path))).tolist(),
        },
        "difference": difference,
        "real": w[0],
        "diverging": divergence(starts[:1], settings["large"]),
        "newton": np.linalg.norm(newton - optimum) / distance[0],
    }


def best(measurements):
    """The rate of the grid that leaves the least in the worst case, and the least it leaves."""
    runs = measurements["runs"]
    rates = [f"{rate:g}" for rate in measurements["settings"]["rates"]]
    rate = min(rates, key=lambda rate: max(max(r["left"][rate]) for r in runs))
    least = min(min(r["left"][name]) for r in runs for name in rates)
    return rate, 10**least


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    small, updates = f"{settings['rate']:g}", settings["updates"]
    rows = [
        Number("smaller eigenvalue", [r["hessian"]["eigenvalues"][0] for r in runs]),
        Number("larger eigenvalue", [r["hessian"]["eigenvalues"][1] for r in runs], digits=4),
        Number(
            "stability limit 2/λmax", [2 / r["hessian"]["eigenvalues"][1] for r in runs], digits=4
        ),
        Number("optimum: b", [r["optimum"]["at"][0] for r in runs], digits=5),
        Number("optimum: w", [r["optimum"]["at"][1] for r in runs], digits=4),
    ]
    for i, name in enumerate("bw"):
        rows.append(
            Number(
                f"η = {small}, after {updates:,} updates: {name}",
                [r["ends"][small][0][i] for r in runs],
                digits=5 - i,
            )
        )
    rows += [
        Number("real updates against the linear map", [r["difference"] for r in runs]),
        Number("real updates at the large rate until the loss overflows",
               [len(r["diverging"]) for r in runs], "updates"),
        Number("distance left after one Newton step", [r["newton"] for r in runs]),
    ]  # fmt: skip
    for rate in settings["rates"]:
        values = [max(r["left"][f"{rate:g}"]) for r in runs]
        rows.append(Number(f"η = {rate:g}: log10 of the distance left, worst start", values))
    return rows


def map_figure(measurements):
    """Contours with the path of the small rate."""
    r, settings = measurements["runs"][0], measurements["settings"]
    figure, panel = plots.axes("bias b", "weight w")
    b, w = np.linspace(-205, -45, 90), np.linspace(-5.5, 6, 90)
    grid = np.stack(np.meshgrid(b, w), axis=-1)
    height = loss(mg.from_numpy(grid)).numpy() - r["optimum"]["loss"]
    panel.contourf(b, w, np.log10(height), 12, cmap="Greys", alpha=0.55)
    eigenvectors = np.array(r["hessian"]["eigenvectors"])
    bottom = np.array(r["optimum"]["at"]) + np.outer([-20, 150], eigenvectors[:, 0]) * np.sign(
        eigenvectors[0, 0]
    )
    panel.plot(*bottom.T, ":", color=plots.BLACK, lw=1, label="floor of the valley")
    for i, one in enumerate(measurements["runs"]):
        ends = one["ends"][f"{settings['rate']:g}"]
        lines = np.stack([one["starts"][1:], ends[1:]])  # (2, starts, 2)
        drawn = panel.plot(*lines.transpose(2, 0, 1), "-", color=plots.SKY, lw=1, marker=".", ms=4)
        if drawn and not i:
            drawn[0].set_label("further starts and ends")
    path = np.array(r["path"]["at"])
    panel.plot(*path.T, "-", color=plots.RED, lw=2.4, marker="o", ms=4,
               label=f"{settings['updates']:,} updates, η = {settings['rate']:g}")  # fmt: skip
    panel.plot(*settings["start"], "s", color=plots.RED, ms=7)
    panel.plot(*r["optimum"]["at"], "*", color=plots.GREEN, ms=15, label="optimum")
    panel.set(xlim=(-205, -45), ylim=(-5.5, 6))
    panel.grid(False)
    plots.legend(figure)
    return Figure(
        figure,
        "The loss, darker where it is higher (logarithmic). A few updates bring gradient descent "
        "to the valley's floor; all the others, a hundred thousand in all, move it along the "
        "floor by a finger's breadth.",
        "Map of the loss over bias and weight: the path drops straight to the dotted floor and "
        "ends there, far to the right of the optimum's star.",
    )


def rate_figure(measurements):
    """Distance left against the learning rate."""
    r, settings = measurements["runs"][0], measurements["settings"]
    figure, panel = plots.axes("learning rate η", "share of the distance left", xscale="log")
    hessian, optimum = np.array(r["hessian"]["hessian"]), np.array(r["optimum"]["at"])
    limit = 2 / r["hessian"]["eigenvalues"][1]
    fine = np.concatenate([np.geomspace(3e-9, limit, 100), limit * np.geomspace(1, 30, 60)])
    left = [
        share_left(settings["updates"], rate, r["starts"][:1], hessian, optimum)[0]
        for rate in fine
    ]
    panel.plot(fine, 10 ** np.clip(left, -9, 1), color=plots.BLUE, label="the lecture's start")
    for i, one in enumerate(measurements["runs"]):
        rates = [rate for rate in settings["rates"] if rate < limit]
        shares = [10 ** np.array(one["left"][f"{rate:g}"])[1:] for rate in rates]
        dots = panel.plot(rates, shares, "o", color=plots.ORANGE, ms=4)
        if dots and not i:
            dots[0].set_label("further starts")
    panel.axvline(limit, color=plots.RED, ls="--", lw=1.4, label="2/λmax, beyond it diverges")
    panel.axhline(REACHED, color=plots.BLACK, ls=":", lw=1.2, label="1 %: reached")
    panel.set(xlim=(3e-9, 1e-5), ylim=(0, 1.25))
    plots.legend(figure)
    return Figure(
        figure,
        f"What is left of the way to the optimum after {settings['updates']:,} updates. Up to "
        "the stability limit larger rates leave less, but more than half; beyond it everything "
        "flies apart. No single rate reaches the dotted line.",
        "Share of the distance left against learning rate: near 1 at small rates, 0.53 just "
        "below the limit, and straight up beyond it.",
    )


def loss_figure(measurements):
    """Excess loss against updates, for the small rate, and the divergence."""
    r, settings = measurements["runs"][0], measurements["settings"]
    figure, panel = plots.axes(
        "updates + 1", "loss above the optimum's", xscale="log", yscale="log"
    )
    hessian, optimum = np.array(r["hessian"]["hessian"]), np.array(r["optimum"]["at"])
    times = np.unique(np.geomspace(1, settings["updates"], 100).astype(int)) - 1
    looks = [(plots.BLUE, "-"), (plots.GREEN, "-."), (plots.ORANGE, "--")]
    rates = [settings["rate"], 1e-6, 1.15e-6]
    for rate, (colour, dash) in zip(rates, looks, strict=True):
        way = np.array(after(times[:, None], rate, r["starts"][0], hessian, optimum)) - optimum
        excess = 0.5 * np.einsum("ti,ij,tj->t", way, hessian, way)
        kept = excess < 1e14
        panel.plot(times[kept] + 1, excess[kept], dash, color=colour, label=f"η = {rate:g}")
    logs = np.array(r["diverging"][:4])
    panel.plot(np.arange(len(logs)) + 1, 10.0 ** np.minimum(logs, 300), "^:", color=plots.RED,
               label=f"η = {settings['large']:g}")  # fmt: skip
    panel.set_ylim(1e2, 1e14)
    plots.legend(figure, ncols=4)
    return Figure(
        figure,
        "Loss against updates: it drops in the first dozens, when the valley's wall is descended, "
        "and hardly moves in the next hundred thousand. At 1e-2 each update multiplies it by "
        "three hundred million.",
        "Loss above the optimum against updates, both logarithmic: two curves fall to a plateau "
        "that lasts, one climbs from the first update on, one shoots up.",
    )


def figures(measurements):
    """The map, the rates, the loss."""
    return [map_figure(measurements), rate_figure(measurements), loss_figure(measurements)]


def verdict(measurements):
    """By the distances that are left at all rates, and the loss at the large rate."""
    runs, settings = measurements["runs"], measurements["settings"]
    if not runs:
        return Verdict(UNDECIDED, say("no run"), [say("No run finished.")])
    first = runs[0]
    end, optimum = first["ends"][f"{settings['rate']:g}"][0], first["optimum"]["at"]
    key = say(
        "at ({b:.2f}, {w:.3f}); the optimum is ({b0:.2f}, {w0:.3f})",
        b=end[0],
        w=end[1],
        b0=optimum[0],
        w0=optimum[1],
    )
    wrong = []
    if min(min(r["hessian"]["eigenvalues"]) for r in runs) <= 0:
        wrong.append(say("The surface is not convex: an eigenvalue is not positive."))
    difference = max(r["difference"] for r in runs)
    if difference > EXACT:
        wrong.append(
            say(
                "Real updates differ from the linear map by {difference:.1e} of the distance.",
                difference=difference,
            )
        )
    rate, least = best(measurements)
    if least <= REACHED:
        wrong.append(
            say(
                "A constant rate leaves only {least:.2g} of the distance to the optimum.",
                least=least,
            )
        )
    if wrong:
        return Verdict(REFUTED, key, wrong)
    low, high = first["hessian"]["eigenvalues"]
    starts = sum(len(r["starts"]) for r in runs)
    reasons = [
        say(
            "Both eigenvalues are positive, {low:.2f} and {high:.3e}: the surface is convex, and "
            "{condition:,.0f} times as steep across the valley as along it.",
            low=low,
            high=high,
            condition=high / low,
        ),
        say(
            "{updates:,} updates with η = {rate:g} end at ({b:.2f}, {w:.3f}); the first {real:,} "
            "were really made and differ from the linear map by {difference:.0e} of the way.",
            updates=settings["updates"],
            rate=settings["rate"],
            b=end[0],
            w=end[1],
            real=settings["real"],
            difference=difference,
        ),
        say(
            "From {starts} starts no rate of the grid leaves less than {least:.0f} % of the "
            "distance; the best, η = {rate}, is just below the stability limit 2/λmax = "
            "{limit:.3e}.",
            starts=starts,
            least=100 * least,
            rate=rate,
            limit=2 / high,
        ),
        say(
            "One Newton step, a rate of its own for each direction, leaves {newton:.1g} of it.",
            newton=max(r["newton"] for r in runs),
        ),
    ]
    logs = [r["diverging"] for r in runs]
    if all((np.diff(log) > 0).all() and len(log) > 1 for log in logs):
        reasons.append(
            say(
                "η = {rate:g} does not swing from wall to wall, it diverges: the loss grows by "
                "10^{growth:.1f} in every update and overflows after {count}.",
                rate=settings["large"],
                growth=logs[0][1] - logs[0][0],
                count=len(logs[0]),
            )
        )
        return Verdict(LIMITED, key, reasons)
    return Verdict(HOLDS, key, reasons)
