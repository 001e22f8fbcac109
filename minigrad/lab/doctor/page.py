"""The doctor's page: findings with their remedies, and figures of what was recorded."""

from pathlib import Path

import numpy as np

from minigrad.lab import extras, plots, store
from minigrad.lab.doctor.examination import Surface
from minigrad.lab.experiment import Figure
from minigrad.lab.report.html import document, prose, speaker
from minigrad.lab.words import say

LOOKS = [
    (colour, dash)
    for dash in ("-", "--", ":")
    for colour in (plots.BLUE, plots.ORANGE, plots.GREEN, plots.RED, plots.PURPLE, plots.BLACK)
]


def loss_figure(record, exam):
    """Mini-batch loss, and the loss on the examined data at the snapshots."""
    figure, panel = plots.axes("backward passes", "loss")
    values = np.array(record.losses)
    some = np.unique(np.linspace(0, max(len(values) - 1, 0), 600).astype(int))
    if len(values):
        panel.plot(some, values[some], color=plots.SKY, lw=0.9, label="mini-batch")
    steps = [s.step for s in record.snapshots] + [record.steps]
    scale = record.backwards / max(record.steps, 1)
    panel.plot(np.array(steps) * scale, exam.losses, "o-", color=plots.BLUE, ms=4,
               label="examined data")  # fmt: skip
    finite = values[np.isfinite(values)]
    if len(finite) and finite.min() > 0 and finite.max() > 30 * finite.min():
        panel.set_yscale("log")
    plots.legend(panel)
    return Figure(
        figure,
        say("The loss of each mini-batch, and on the examined data before the sampled steps."),
        say("Loss against backward passes."),
    )


def surface_figures(record, exam, limit):
    """Full-batch gradient norm and λmax at the snapshots."""
    steps, norms, tops = [], [], []
    for snapshot in record.snapshots:
        try:
            surface = Surface(exam.hessian_at(snapshot.before))
            if np.isfinite(surface.norm):
                found_top = surface.top
                steps.append(snapshot.step)
                norms.append(surface.norm)
                tops.append(found_top)
        except (ArithmeticError, RuntimeError, ValueError, TypeError):
            continue  # a point without finite derivatives has no place on the curve
    if not steps:
        return []
    found = []
    figure, panel = plots.axes("updates", "gradient norm ‖g‖", yscale="log")
    slopes = np.array(record.slopes)
    some = np.unique(np.linspace(0, max(len(slopes) - 1, 0), 600).astype(int))
    if len(slopes):
        panel.plot(some, slopes[some], color=plots.SKY, lw=0.9, label="mini-batch, one parameter")
    panel.plot(steps, norms, "o-", color=plots.BLUE, ms=4, label="examined data, all parameters")
    plots.legend(panel)
    found.append(
        Figure(
            figure,
            say(
                "Norm of the gradient: of one parameter in each step, and of all parameters on "
                "the examined data. A loss that stalls while this stays up is no critical point."
            ),
            say("Gradient norms against updates."),
        )  # fmt: skip
    )
    figure, panel = plots.axes("updates", "largest eigenvalue of the Hessian", yscale="log")
    positive = np.maximum(tops, 1e-12)
    panel.plot(steps, positive, "o-", color=plots.RED, ms=4, label="λmax")
    if np.isfinite(limit):
        panel.axhline(limit, color=plots.BLACK, lw=1, ls="--", label="limit of the rate")
    plots.legend(panel)
    found.append(
        Figure(
            figure,
            say(
                "Sharpness λmax, and for plain SGD the limit 2(1 + momentum)/η above which a "
                "quadratic surface throws descent out."
            ),
            say("Largest Hessian eigenvalue against updates."),
        )  # fmt: skip
    )
    return found


def layer_figure(record, ylabel, values, caption):
    """One line a layer or parameter over the sampled steps; `values(sample)` → {name: number}."""
    lines = {}
    for sample in record.samples:
        for name, value in values(sample).items():
            if value is not None and np.isfinite(value) and value > 0:
                lines.setdefault(name, []).append((sample.step + 1, value))
    if not lines:
        return []
    figure, panel = plots.axes("updates", ylabel, xscale="log", yscale="log", height=4.2)
    for (name, points), (colour, dash) in zip(list(lines.items())[:18], LOOKS, strict=False):
        panel.plot(*np.array(points).T, dash, color=colour, marker=".", lw=1.2, label=name)
    plots.legend(figure)
    return [Figure(figure, caption, caption)]


def figures(doctor):
    """All figures there is data for."""
    record = doctor.record
    exam, symptoms = doctor.examination()
    with exam.aside():
        found = [loss_figure(record, exam)] if record.losses else []
        found += surface_figures(record, exam, symptoms.limit)
    found += layer_figure(
        record,
        "‖update‖ / ‖weights‖",
        lambda s: {n: u / max(s.weights[n], 1e-30) for n, u in s.updates.items()},
        say("How far an update moves each parameter, relative to its norm: about 1e-3 is usual."),
    )
    found += layer_figure(
        record,
        "root mean square of the output",
        lambda s: {layer.name: layer.output for layer in s.layers},
        say("The size of each layer's output: lines far apart say that values explode or vanish."),
    )
    found += layer_figure(
        record,
        "root mean square of dL/d(output)",
        lambda s: {layer.name: layer.gradient for layer in s.layers},
        say(
            "The size of the gradient at each layer's output: it should not shrink layer by layer."
        ),
    )
    return found


def section(number, finding, t):
    """One finding as HTML."""
    evidence = "".join(f"<p>{prose(sentence, t)}</p>" for sentence in finding.evidence)
    remedy = t(say("Remedy: {remedy}", remedy=finding.remedy))
    lesson = prose(say("Lesson: `minigrad lab {name}`", name=finding.experiment), t)
    return (
        f"<section><h2>{number}. {t(finding.title)}</h2>"
        f'<p class="soft"><code>{finding.name}</code></p>'
        f"{evidence}<p><strong>{remedy}</strong></p><p>{lesson}</p></section>"
    )


def write(path, doctor, language="en"):
    """Write the page; returns its path. See `Doctor.report`."""
    extras.require(("matplotlib",))
    t = speaker(language)
    diagnosis = doctor.diagnosis()
    title = t(say("Why does this network not train?"))
    parts = [f"<header><h1>{title}</h1></header><main>"]
    if diagnosis.healthy:
        parts.append(f"<section><h2>{t(say('No illness found.'))}</h2></section>")
    parts += [section(k, finding, t) for k, finding in enumerate(diagnosis.findings, 1)]
    seen = "".join(f"<li>{t(sentence)}</li>" for sentence in diagnosis.observations)
    if seen:
        parts.append(f"<section><h2>{t(say('Observed'))}</h2><ul>{seen}</ul></section>")
    with np.errstate(all="ignore"):
        drawn = figures(doctor)
    pictures = "".join(
        f"<figure>{plots.svg(f.figure, f'doctor-{i}', t(f.alt))}"
        f"<figcaption>{t(f.caption)}</figcaption></figure>"
        for i, f in enumerate(drawn)
    )
    if pictures:
        parts.append(
            f'<section><h2>{t(say("Figures"))}</h2><div class="figures">{pictures}</div></section>'
        )
    parts.append("</main>")
    store.write_atomically(path, document(title, "\n".join(parts), language))
    return Path(path)
