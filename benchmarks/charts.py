"""Two charts: GFLOP/s of the matrix product over n, and the ratios of every row."""

import statistics
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot

from benchmarks.harness import OURS
from benchmarks.report import results
from benchmarks.table import ratio

# Okabe and Ito's colours, told apart by every kind of sight; the markers differ as well
STYLES = {
    "minigrad": ("#D55E00", "o"),
    "NumPy": ("#0072B2", "s"),
    "PyTorch": ("#009E73", "^"),
    "JAX-jit": ("#CC79A7", "D"),
    "micrograd": ("#E69F00", "v"),
    "MyGrad": ("#56B4E9", "P"),
    "autograd": ("#000000", "X"),
}
SETTINGS = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "minigrad",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
}


def caption(run):
    """Where it was measured, in a line."""
    found = run["machine"]
    return (
        f"{found['cpu']}, {found['threads']} thread(s), {found['date']}; "
        f"NumPy {found['versions'].get('numpy')}, PyTorch {found['versions'].get('torch', '–')}"
    )


def gemm(run):
    """A panel for each dtype: GFLOP/s of the n × n product, with the measured peak."""
    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for panel, kind in zip(panels, ("float32", "float64")):
        rows = [r for r in results(run, "gemm") if r.group == f"{kind} n×n" and r.medians]
        peaks = [r.rate / r.share for r in rows if r.share]
        if peaks:
            peak = statistics.median(peaks) / 1e9
            panel.axhline(peak, color="0.4", linestyle="--", linewidth=1)
            panel.text(4, peak, f"measured FMA peak, {peak:.0f}", va="bottom", color="0.3")
        for name in (n for n in ("JAX-jit", "PyTorch", "NumPy", OURS)):
            colour, marker = STYLES[name]
            points = [(r.facts["n"], r.medians[name]) for r in rows if name in r.medians]
            if points:
                panel.plot(
                    [n for n, _ in points],
                    [2e-9 * n**3 / t for n, t in points],
                    color=colour,
                    marker=marker,
                    markersize=4.5,
                    linewidth=2 if name == OURS else 1.2,
                    label=name,
                )
        panel.set_xscale("log", base=2)
        ticks = [r.facts["n"] for r in rows]
        panel.set_xticks(ticks, map(str, ticks), rotation=45)
        panel.set_ylim(bottom=0)
        panel.set(title=f"{kind}, n × n", xlabel="n", ylabel="GFLOP/s")
        panel.grid(alpha=0.25)
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        figure.legend(
            handles[::-1], labels[::-1], loc="outside upper center", ncols=4, frameon=False
        )
    figure.supxlabel(caption(run), fontsize=7, color="0.35")
    return figure


def ratios(run):
    """A dot for each row and peer, the peer's time over ours; the bar is the geometric mean."""
    modules = [m for m in run["modules"] if any(r.ratios() for r in results(run, m))]
    peers = [n for n in STYLES if n != OURS]
    tall = 1.2 + 0.62 * len(modules)
    figure, axes = pyplot.subplots(figsize=(9, tall), layout="constrained")
    shown = set()
    for place, module in enumerate(reversed(modules)):
        axes.axhspan(place - 0.5, place + 0.5, color="0.5", alpha=0.07 if place % 2 else 0, lw=0)
        found = [r.ratios() for r in results(run, module)]
        here = [p for p in peers if any(p in row for row in found)]
        for k, name in enumerate(here):
            values = [row[name] for row in found if name in row]
            y = place + 0.38 - 0.76 * (k + 0.5) / len(here)
            colour, marker = STYLES[name]
            label = name if name not in shown else None
            shown.add(name)
            axes.scatter(
                values, [y] * len(values), 12, colour, marker, alpha=0.45, lw=0, label=label
            )
            mean = statistics.geometric_mean(values)
            axes.plot([mean, mean], [y - 0.07, y + 0.07], color=colour, linewidth=2.5)
            axes.text(1.01, y, ratio(mean), color=colour, fontsize=6.5, va="center",
                      transform=axes.get_yaxis_transform())  # fmt: skip
    axes.axvline(1, color="0.2", linewidth=1)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200) if low <= t <= high]
    axes.set_xticks(ticks, [f"{t:g}×" for t in ticks])
    axes.minorticks_off()
    axes.set_yticks(range(len(modules)), reversed(modules))
    axes.set_ylim(-0.5, len(modules) - 0.5)
    axes.grid(axis="x", alpha=0.25)
    axes.set_title("the peer's time ÷ minigrad's: right of 1, minigrad is faster (or smaller)")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.05), ncols=6, frameon=False)
    figure.supxlabel(caption(run), fontsize=7, color="0.35")
    return figure


def write(run, folder):
    """Write gemm.svg (where the run has the matrix product) and ratios.svg."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with pyplot.rc_context(SETTINGS):
        if results(run, "gemm"):
            gemm(run).savefig(folder / "gemm.svg", metadata={"Date": None})
        if run["modules"]:
            ratios(run).savefig(folder / "ratios.svg", metadata={"Date": None})
        pyplot.close("all")
