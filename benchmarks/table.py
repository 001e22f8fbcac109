"""The tables as they are printed while the rows are measured."""

from dataclasses import asdict
from importlib import import_module
from statistics import geometric_mean

import minigrad as mg
from benchmarks import machine, peers
from benchmarks.harness import OURS, measure

SCALES = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
    "B": ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")),
}


def amount(value, unit="s"):
    """Three digits and a unit: '12.3 µs'."""
    scale, name = next((s for s in SCALES[unit] if value >= s[0]), SCALES[unit][-1])
    digits = value / scale
    return f"{digits:.{0 if digits >= 100 else 1 if digits >= 10 else 2}f} {name}"


def ratio(value):
    """'1.25×', '31×'."""
    return f"{value:.2f}×" if value < 10 else f"{value:.1f}×" if value < 100 else f"{value:.0f}×"


def roof(result):
    """'98.2 GFLOP/s 83 %' or '' — of the measured peak or bandwidth."""
    if not result.rate:
        return ""
    what = "GFLOP/s" if result.kind == "fma" else "GB/s"
    share = f"{result.share:4.0%}" if result.share else "  ? "  # the limit was not measured
    return f"{result.rate / 1e9:6.1f} {what} {share}"


def heading(result, width):
    """The names of the columns of a row; names of rows take `width`."""
    cells = [f"{name:>15}" for name in result.medians]
    roof = f"{'':<21}" if result.rate else ""
    return " " * width + "".join(cells) + roof + "".join(f"{n:>10}" for n in result.ratios())


def line(result, width):
    """The row as it is printed."""
    cells = []
    for name, value in result.medians.items():
        cells.append(f"{amount(value, result.unit)} ±{result.spreads[name]:<4.0%}".rjust(15))
    if result.rate:
        cells.append(f"  {roof(result):<19}")
    cells += [f"{ratio(r):>10}" for r in result.ratios().values()]
    notes = "".join(f"\n{'':<8}! {note}" for note in result.notes)
    return f"{result.name:<{width}}" + "".join(cells) + notes


def groups(results):
    """{group: {peer: [ratios]}}."""
    found = {}
    for result in results:
        for name, value in result.ratios().items():
            found.setdefault(result.group, {}).setdefault(name, []).append(value)
    return found


def summary(results):
    """Geometric mean and minimum of the ratios, a line for each group of rows."""
    lines = []
    for group, found in groups(results).items():
        parts = [
            f"{name} {ratio(geometric_mean(values))} (least {ratio(min(values))})"
            for name, values in found.items()
        ]
        if any(len(v) > 1 for v in found.values()):
            lines.append(f"{group or 'all'}, geometric mean: " + ", ".join(parts))
    return lines


def run_module(name, options):
    """Print one table; return its part of the run (None without rows) and its results."""
    module = import_module("benchmarks." + name)
    rows = [r for r in module.rows(options.quick) if options.k is None or options.k in r.name]
    if not rows:
        return None, []
    print(f"\n{name}: {module.TITLE}", flush=True)
    results, above = [], None
    width = max((len(row.name) for row in rows), default=0)
    for row in rows:
        result = measure(row, options.quick)
        results.append(result)
        names = heading(result, width)
        if names != above and result.medians:
            print(names)
            above = names
        print(line(result, width), flush=True)
    fits = list(module.summary(results)) if hasattr(module, "summary") else []
    for text in summary(results) + fits:
        print("  " + text, flush=True)
    rows = [asdict(r) | {"ratios": r.ratios()} for r in results]
    return {"title": module.TITLE, "rows": rows, "fits": fits}, results


def run(options):
    """Measure and print every module asked for; the run as JSON can hold it."""
    peers.THREADS = options.threads
    if hasattr(mg, "set_num_threads"):
        mg.set_num_threads(options.threads)
    facts = machine.facts(options.threads)
    print(machine.header(facts))
    print(f"median ± interquartile range; share of the measured limit; last, peer's ÷ {OURS}'s")
    modules, missed = {}, []
    for name in options.names:
        try:
            part, results = run_module(name, options)
        except Exception as error:  # one module must not lose the others
            print(f"  {name} failed: {type(error).__name__}: {error}", flush=True)
            continue
        if part:
            modules[name] = part
        missed += [(name, r.name, *m) for r in results for m in r.missed()]
    if not modules:
        print(f"no row of {', '.join(options.names)} was measured (-k {options.k!r})")
    if missed:
        print("\nBelow what was aimed at:")
        for name, row, column, found, aim, near in missed:
            gap = " (within the spread)" if near else ""
            print(f"  {name:<14} {row:<38} {column} {ratio(found)}, aim {ratio(aim)}{gap}")
    facts["command"] = command(options)
    return {"machine": facts, "modules": modules}


def command(options):
    """The command line that would do this again."""
    words = ["python -m benchmarks", f"--threads {options.threads}"]
    if options.quick:
        words.append("--quick")
    if options.k:
        words.append(f"-k {options.k!r}")
    return " ".join(words)
