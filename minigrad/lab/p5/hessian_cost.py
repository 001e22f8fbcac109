"""What second derivatives cost: a product, a few Lanczos steps, the whole matrix."""

import time

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.lab import data, plots, progress
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
from minigrad.lab.training import network, tensors
from minigrad.lab.words import say
from minigrad.nn import functional as F

TITLE = "What a Hessian costs, counted in gradients"
ROW = 5
CLAIM = (
    "The eigenvectors of the Hessian show the way out of a saddle, but this is hardly used in "
    "practice, because second derivatives are too expensive to compute."
)
REFUTED_BY = (
    "The price of the whole Hessian is its time over that of one gradient of the same network. "
    "The claim fails if the whole interval (95 %, over the seeds) of the price at the largest n "
    "lies below 30 gradients, or that of the exponent p in price ∝ n^p below ½. A limit is: "
    "second derivatives that are cheap nevertheless, that is a single Hessian-vector product "
    "that costs less than 10 gradients at every n, or the Lanczos steps less than 10 gradients a "
    "step at every n, with an exponent below ½, all by the upper ends of the intervals. "
    "Undecided: fewer than 3 seeds, or an interval of the whole Hessian's price or exponent that "
    "holds its bound."
)
METHOD = (
    "Tanh networks with one hidden layer of growing width classify small images of digits; at "
    "their random start one gradient, a Hessian-vector product, some Lanczos steps from one "
    "random vector and the whole Hessian are timed by the wall clock on one thread, in double "
    "precision, in turns, and the median over the rounds counts. Product, Lanczos and matrix "
    "each record the gradient's graph anew; a further product that finds it recorded is timed as "
    "well. Each exponent is the slope of a straight line of log price over log n in one seed."
)
SECONDS = 1.2
TIMED = True
PARAMETERS = {
    "seeds": Parameter(4, "weights, samples and repetitions in time", 10),
    "samples": Parameter(100, "images whose mean cross-entropy is the loss", 500),
    "widths": Parameter(
        [1, 2, 4, 8, 16, 32], "hidden units, rising: n = 75 · width + 10", [1, 2, 4, 8, 16, 32, 39]
    ),
    "rounds": Parameter(9, "rounds, whose median counts", 25),
    "matrices": Parameter(3, "rounds in which the whole Hessian is computed", 5),
    "steps": Parameter(10, "Lanczos steps"),
}
MEASURED = {
    "n": "[number of parameters, for each width]",
    "seconds": "{what: [median wall time in seconds, for each width]}; 'product' and 'further "
    "product' are Hessian-vector products, without and with the graph recorded before",
    "bytes": "[memory of the whole Hessian in bytes, for each width]",
    "agreement": "[‖Hv − (whole Hessian) v‖ / ‖Hv‖, for each width]",
    "largest": "{lanczos, exact: [largest eigenvalue, for each width]}",
}
REFERENCES = [
    (
        "H. Lee (2021), Machine Learning, lecture P5: When gradient is small",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
    (
        "B. Pearlmutter (1994), Fast exact multiplication by the Hessian",
        "https://doi.org/10.1162/neco.1994.6.1.147",
    ),
    (
        "B. Ghorbani, S. Krishnan and Y. Xiao (2019), An investigation into neural net "
        "optimization via Hessian eigenvalue density",
        "https://arxiv.org/abs/1901.10159",
    ),
]
GRADIENT, PRODUCT, FURTHER, LANCZOS, WHOLE = WHAT = (
    "gradient", "product", "further product", "lanczos", "whole"
)  # fmt: skip
DEAR, GROWS, CHEAP = 30.0, 0.5, 10.0  # gradients, exponent, gradients a product


def curvature(model, x, y):
    """The Hessian of the cross-entropy as an operator: nothing is computed yet."""
    return mg.curvature.Hessian(model, F.cross_entropy, (x, y), dtype=mg.float64)


def tasks(model, x, y, vector, steps):
    """{what: a function that computes it}."""
    known = curvature(model, x, y)
    known.matvec(vector)  # records the gradient's graph, which serves every further product
    return {
        GRADIENT: known.gradient,
        PRODUCT: lambda: curvature(model, x, y).matvec(vector),
        FURTHER: lambda: known.matvec(vector),
        LANCZOS: lambda: mg.curvature.spectral_density(curvature(model, x, y), steps, 1),
        WHOLE: lambda: curvature(model, x, y).dense(),
    }


def time_in_turns(functions, rounds, matrices):
    """One call of each a round: {what: median of the seconds}, {what: what the last gave}."""
    laps, results = {what: [] for what in functions}, {}
    for k in range(rounds):
        for what, function in functions.items():
            if what == WHOLE and k >= matrices:
                continue
            start = time.perf_counter()
            results[what] = function()
            laps[what].append(time.perf_counter() - start)
    return {what: float(np.median(found)) for what, found in laps.items()}, results


HEART = [curvature, tasks, time_in_turns]


def run(seed, settings):
    """All widths once; the number of threads is as before afterwards."""
    mg.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = tensors(data.load("digits", seed).train)
    x, y = x[: settings["samples"]].double(), y[: settings["samples"]]
    found = {key: [] for key in ("n", "bytes", "agreement")}
    seconds = {what: [] for what in WHAT}
    largest = {"lanczos": [], "exact": []}
    before = mg.get_num_threads()
    try:
        mg.set_num_threads(1)
        for k, width in enumerate(settings["widths"]):
            progress.report((k / len(settings["widths"])) ** 2, f"width {width}")
            model = network([x.shape[1], width, 10], nn.Tanh).double()
            n = sum(p.numel() for p in model.parameters())
            v = rng.standard_normal(n)
            jobs = tasks(model, x, y, v, settings["steps"])
            times, given = time_in_turns(jobs, settings["rounds"], settings["matrices"])
            for what, value in times.items():
                seconds[what].append(value)
            whole, product = given[WHOLE], given[FURTHER]
            found["n"].append(n)
            found["bytes"].append(whole.nbytes)
            miss = np.linalg.norm(whole @ v - product) / np.linalg.norm(product)
            found["agreement"].append(miss)
            exact = mg.curvature.eigenpairs(curvature(model, x, y), 1, "top").values[-1]
            largest["exact"].append(exact)
            largest["lanczos"].append(given[LANCZOS].support[1])
    finally:
        mg.set_num_threads(before)
    return {**found, "seconds": seconds, "largest": largest}


def prices(measurements, what):
    """Array (runs, widths): time of `what` in gradients."""
    runs = measurements["runs"]
    return np.array([r["seconds"][what] for r in runs]) / [r["seconds"][GRADIENT] for r in runs]


def exponents(measurements, what):
    """p of price ∝ n^p in each run."""
    n = [r["n"] for r in measurements["runs"]]
    return [
        float(np.polyfit(np.log(sizes), np.log(row), 1)[0])
        for sizes, row in zip(n, prices(measurements, what), strict=True)
    ]


def misses(run):
    """How far below the largest eigenvalue the Lanczos steps end, relative, for each width."""
    exact = np.array(run["largest"]["exact"])
    return abs(exact - np.array(run["largest"]["lanczos"])) / abs(exact)


NAMES = {
    PRODUCT: "Hessian-vector product",
    FURTHER: "further product, graph recorded",
    LANCZOS: "Lanczos steps",
    WHOLE: "whole Hessian",
}
LOOKS = {
    WHOLE: (plots.RED, "s", "-"),
    LANCZOS: (plots.ORANGE, "^", "--"),
    PRODUCT: (plots.BLUE, "o", "-."),
    FURTHER: (plots.SKY, "v", ":"),
}


def numbers(measurements):
    """The table of the report."""
    runs = measurements["runs"]
    sizes = runs[0]["n"]
    rows = []
    for i in (0, len(sizes) - 1):
        seconds = [1e6 * r["seconds"][GRADIENT][i] for r in runs]
        rows.append(Number(f"gradient at n = {sizes[i]}", seconds, "µs"))
        for what, name in NAMES.items():
            price = list(prices(measurements, what)[:, i])
            rows.append(Number(f"{name} at n = {sizes[i]}", price, "gradients"))
    for what, name in NAMES.items():
        rows.append(Number(f"{name}: exponent p of n^p", exponents(measurements, what)))
    rows += [
        Number("whole Hessian: memory at the largest n", [r["bytes"][-1] / 1e6 for r in runs],
               "MB"),
        Number("product against whole Hessian, worst relative error",
               [max(r["agreement"]) for r in runs]),
        Number("largest eigenvalue by the Lanczos steps, worst relative error",
               [max(misses(r)) for r in runs]),
    ]  # fmt: skip
    return rows


def price_figure(measurements):
    """Prices in gradients against n."""
    runs = measurements["runs"]
    n = np.array(runs[0]["n"])
    figure, panel = plots.axes("parameters n", "time, in gradients", height=4.4, xscale="log",
                               yscale="log")  # fmt: skip
    for what, (colour, marker, dash) in LOOKS.items():
        name = NAMES[what]
        if what == LANCZOS:
            name = f"{measurements['settings']['steps']} {name}"
        plots.band(panel, n, prices(measurements, what), colour, dash + marker, name)
    panel.plot(n, n, color=plots.BLACK, lw=0.8, ls=(0, (1, 3)), label="n gradients")
    plots.legend(figure)
    return Figure(
        figure,
        "The price of second derivatives, in units of the time of one gradient of the same "
        f"network, mean ± one standard deviation over {len(runs)} seeds. The whole matrix grows "
        "like n gradients or faster; a product with it, and so each Lanczos step, costs a "
        "small multiple of a gradient.",
        "Log-log plot: three level lines for the products and the Lanczos steps, and one that "
        "climbs beside the line of n gradients.",
    )


def time_figure(measurements):
    """Seconds against n."""
    runs = measurements["runs"]
    n = np.array(runs[0]["n"])
    figure, panel = plots.axes("parameters n", "time, ms", xscale="log", yscale="log")
    looks = {WHOLE: LOOKS[WHOLE], LANCZOS: LOOKS[LANCZOS], GRADIENT: (plots.BLACK, "D", "-.")}
    for what, (colour, marker, dash) in looks.items():
        rows = 1e3 * np.array([r["seconds"][what] for r in runs])
        plots.band(panel, n, rows, colour, dash + marker, NAMES.get(what, what))
    plots.legend(figure, ncols=3)
    return Figure(
        figure,
        "The same in milliseconds on one thread. In networks as small as these a gradient takes "
        "about the same time whatever n: starting the operations costs more than their sums.",
        "The time of the whole Hessian rises steeply with n, those of Lanczos and of the "
        "gradient hardly.",
    )


def eigenvalue_figure(measurements):
    """What the Lanczos steps buy: the error of the largest eigenvalue."""
    runs, steps = measurements["runs"], measurements["settings"]["steps"]
    figure, panel = plots.axes(
        "parameters n", "relative error of λmax", xscale="log", yscale="log"
    )
    for k, r in enumerate(runs):
        label = f"after {steps} steps, a mark a seed" if k == 0 else None
        panel.plot(r["n"], np.maximum(misses(r), 1e-16), "^", color=plots.ORANGE, label=label)
    panel.axhline(0.01, color=plots.BLACK, lw=0.9, ls=":", label="1 %")
    plots.legend(figure)
    return Figure(
        figure,
        f"What {steps} Lanczos steps buy: the largest eigenvalue of the Hessian, compared with "
        "the converged one. The larger the network, the less the same number of steps resolves; "
        "a start vector that holds little of the steepest direction needs more of them.",
        "Relative errors of the largest eigenvalue, mostly far below one per cent.",
    )


def figures(measurements):
    """Prices, times, what the steps buy."""
    return [
        price_figure(measurements),
        time_figure(measurements),
        eigenvalue_figure(measurements),
    ]


def verdict(measurements):
    """By the 95 % intervals of prices and exponents over the seeds."""
    runs, settings = measurements["runs"], measurements["settings"]
    count = len(runs)
    if count < 3:
        why = say(
            "{n} seeds are too few for an interval; `minigrad lab hessian_cost --seeds 5` "
            "decides.",
            n=count,
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=count), [why])
    sizes = runs[0]["n"]

    def price(what, i):
        return ratio(*([r["seconds"][w][i] for r in runs] for w in (what, GRADIENT)))

    whole, slope = price(WHOLE, -1), interval(exponents(measurements, WHOLE))
    products = [price(PRODUCT, i) for i in range(len(sizes))]
    steps = [[v / settings["steps"] for v in price(LANCZOS, i)] for i in range(len(sizes))]
    key = say(
        "H: {whole:.0f} gradients at n = {n}, Hv: {product:.1f}",
        whole=whole[0],
        n=sizes[-1],
        product=products[-1][0],
    )
    reasons = [
        say(
            "At n = {n} the whole Hessian costs {price:.0f} gradients (95 % interval {low:.0f} "
            "to {high:.0f}, {count} seeds) and {memory:.0f} MB; its price grows like n^p with p "
            "= {p:.2f} ({plow:.2f} to {phigh:.2f}).",
            n=sizes[-1],
            price=whole[0],
            low=whole[1],
            high=whole[2],
            count=count,
            memory=runs[0]["bytes"][-1] / 1e6,
            p=np.mean(exponents(measurements, WHOLE)),
            plow=slope[0],
            phigh=slope[1],
        ),
        say(
            "Its memory is 8n² bytes: for a network of a million parameters 8 terabytes, where "
            "the gradient takes 8 megabytes."
        ),
    ]
    if whole[2] < DEAR or slope[1] < GROWS:
        return Verdict(REFUTED, key, reasons)
    limits = []
    if cheap(products, exponents(measurements, PRODUCT)):
        limits.append(
            say(
                "Second derivatives are more than the matrix: a product Hv costs {low:.1f} to "
                "{high:.1f} gradients, from n = {first} to n = {last}, with an exponent of "
                "{p:.2f}, and equals the matrix's to {miss:.0e}.",
                low=min(p[0] for p in products),
                high=max(p[0] for p in products),
                first=sizes[0],
                last=sizes[-1],
                p=round(np.mean(exponents(measurements, PRODUCT)), 2) + 0.0,  # no "-0.00"
                miss=max(max(r["agreement"]) for r in runs),
            )
        )
    if cheap(steps, exponents(measurements, LANCZOS)):
        limits.append(
            say(
                "{steps} Lanczos steps cost {low:.0f} to {high:.0f} gradients at these n, and "
                "find the largest eigenvalue to {miss:.2g} % in the median, to {worst:.2g} % at "
                "worst.",
                steps=settings["steps"],
                low=settings["steps"] * min(s[0] for s in steps),
                high=settings["steps"] * max(s[0] for s in steps),
                miss=100 * np.median([misses(r) for r in runs]),
                worst=100 * max(max(misses(r)) for r in runs),
            )
        )
    if whole[1] < DEAR or slope[0] < GROWS:
        reasons.append(
            say(
                "These intervals hold a bound ({price:g} gradients, exponent {p:g}); `minigrad "
                "lab hessian_cost --full` decides.",
                price=DEAR,
                p=GROWS,
            )
        )
        return Verdict(UNDECIDED, key, reasons + limits)
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)


def cheap(found, slopes):
    """Whether each price's upper end, and the exponent's, is below its bound."""
    return max(high for _, _, high in found) < CHEAP and interval(slopes)[1] < GROWS
