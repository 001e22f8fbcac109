"""The chart: GFLOP/s over n, a line for each step, beside NumPy and the peak."""

from benchmarks.ladder import STEPS

# Colours of Okabe and Ito, told apart by all kinds of eyes; markers and dashes tell them twice.
LOOKS = [
    ("#999999", "o"),
    ("#56B4E9", "s"),
    ("#E69F00", "^"),
    ("#009E73", "D"),
    ("#CC79A7", "v"),
    ("#D55E00", "P"),
    ("#0072B2", "X"),
]
TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


def draw(axes, speeds, styles, peak, title):
    """One panel."""
    for name, row in speeds.items():
        if row:
            axes.plot(list(row), list(row.values()), label=name, **styles[name.split(",")[0]])
    axes.axhline(peak, color="black", lw=1, ls=":")
    axes.annotate(
        "multiply-add peak",
        (0.02, peak),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        fontsize=9,
    )
    axes.set_title(title, fontsize=11)
    axes.set_xlabel("n, of two n × n float32 matrices")
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, loc="lower right", framealpha=0.9)


def plot(speeds, peak, sizes, threads, file):
    """Write the chart; `speeds` is {column: {n: GFLOP/s}}."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "ladder"  # the same data give the same file
    from matplotlib import pyplot as plt

    styles = {
        name: {"color": color, "marker": marker, "ms": 5, "lw": 1.8}
        for name, (color, marker) in zip(STEPS.values(), LOOKS)
    }
    styles["minigrad"] = {"color": "black", "lw": 2.2}
    styles["NumPy"] = {"color": "black", "lw": 1.4, "ls": "--"}
    many = {name: row for name, row in speeds.items() if name[0] == "7" or "threads" in name}
    one = {name: row for name, row in speeds.items() if name not in many}
    figure, panels = plt.subplots(
        1,
        2 if many else 1,
        sharey=True,
        squeeze=False,
        layout="constrained",
        figsize=(11 if many else 7, 5.2),
        width_ratios=[3, 2] if many else None,
    )
    draw(panels[0, 0], one, styles, peak, "one thread")
    panels[0, 0].set_ylabel("GFLOP/s (2 n³ operations ÷ best time)")
    if many:
        draw(panels[0, 1], many, styles, peak * threads, f"{threads} threads")
    for axes in panels.flat:
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(sizes, [str(n) for n in sizes])
        axes.set_yticks(TICKS, [str(t) for t in TICKS])
        axes.minorticks_off()
        lowest = min(min(row.values()) for row in speeds.values() if row)
        axes.set_ylim(lowest / 1.3, peak * threads * 1.4)
    figure.savefig(file, metadata={"Date": None} if str(file).endswith("svg") else None)
    plt.close(figure)
