"""What a run leaves behind: JSON, and a table for a README."""

import json
import sys
from statistics import geometric_mean

from benchmarks import NAMES
from benchmarks.harness import OURS, Result
from benchmarks.table import amount, groups, ratio, roof


def save(run, path):
    """Write a run as JSON."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(run, file, indent=1, ensure_ascii=False)


def load(paths):
    """Runs written by `save`, as one: later files add rows, or replace those of their name."""
    whole = None
    for path in paths:
        with open(path, encoding="utf-8") as file:
            run = json.load(file)
        if whole is None:
            whole = run
            continue
        for name, part in run["modules"].items():
            before = whole["modules"].get(name, {"rows": [], "fits": []})
            rows = {row["name"]: row for row in before["rows"] + part["rows"]}
            fits = part.get("fits") or before["fits"]
            whole["modules"][name] = part | {"rows": list(rows.values()), "fits": fits}
    found = whole["modules"]
    whole["modules"] = {name: found[name] for name in NAMES if name in found}
    return whole


def results(run, module=None):
    """The `Result`s of a run, all or of one module."""
    found = []
    for name, part in run["modules"].items():
        if module in (None, name):
            for row in part["rows"]:
                fields = {k: v for k, v in row.items() if k != "ratios"}
                found.append(Result(**fields))
    return found


def markdown(run, path, every_row=False):
    """Write the table: our time, its share of the roof, the ratio to each peer.

    The rows that count get a line; of the others, the geometric mean and the least of each group.
    With `every_row` all get one.
    """
    text = "\n".join(_markdown(run, every_row)) + "\n"
    if path == "-":
        sys.stdout.write("\n" + text)
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _markdown(run, every_row):
    found = run["machine"]
    names = list(dict.fromkeys(n for r in results(run) for n in r.medians if n != OURS))
    versions = ", ".join(f"{k} {v}" for k, v in found["versions"].items())
    yield (
        f"`{found['command']}`, {found['date']}, {found['cpu']}, {found['threads']} thread(s), "
        f"kernels {found['build']['cpu level']}; {versions}. Medians; the numbers under a peer "
        "are its time divided by ours, in groups the geometric mean and in brackets the least."
    )
    yield ""
    yield _cells("", OURS, "of the roof", *names)
    yield _cells("---", "---:", "---:", *["---:"] * len(names))
    for module, part in run["modules"].items():
        here = [r for r in results(run, module) if OURS in r.medians]
        yield _cells(f"**{part['title']}** (`{module}`)", *[""] * (2 + len(names)))
        for result in here:
            if every_row or result.headline:
                ours = f"{amount(result.medians[OURS], result.unit)} ±{result.spreads[OURS]:.0%}"
                ratios = result.ratios()
                peers = [ratio(ratios[n])[:-1] if n in ratios else "" for n in names]
                yield _cells(result.name, ours, " ".join(roof(result).split()), *peers)
        rest = [r for r in here if not r.headline]
        for group, means in groups(rest).items() if not every_row else ():
            count = sum(r.group == group for r in rest)
            peers = [_mean(means[n]) if n in means else "" for n in names]
            yield _cells(f"{group or 'rows'} ({count})", "", "", *peers)
    fits = [text for part in run["modules"].values() for text in part.get("fits", ())]
    yield ""
    yield from (f"- {text}" for text in fits)


def _mean(values):
    mean = ratio(geometric_mean(values))[:-1]
    return f"{mean} ({ratio(min(values))[:-1]})" if len(values) > 1 else mean


def _cells(*texts):
    return "| " + " | ".join(texts) + " |"
