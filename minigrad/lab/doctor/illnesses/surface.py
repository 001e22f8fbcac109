"""Illnesses of the error surface and the rate: too large, too small, a saddle, a valley."""

import numpy as np

from minigrad.lab.doctor.birth import birth
from minigrad.lab.doctor.finding import Finding
from minigrad.lab.words import say


def not_a_number(record, exam, symptoms):
    """NaN, and where it was born."""
    if record.failure is None:
        return None
    kind, step = record.failure[:2]
    if kind == "update" or _grew(symptoms.curve):
        return None  # the weights ran away: a matter of the rate
    found = birth(record, exam)
    if found is None:
        return None
    where = say("in the forward pass") if kind == "forward" else say("in the backward pass")
    evidence = [
        say(
            "At step {step} a number stopped being finite, {where}: {operation}, called at "
            "{file}, line {line}, in {function}: {source}",
            step=step,
            where=where,
            operation=found.operation,
            file=found.frame.filename,
            line=found.frame.lineno,
            function=found.frame.name,
            source=found.frame.line or "",
        )
    ]
    return Finding(
        "not-a-number",
        say("Not a number"),
        evidence,
        say(
            "Keep the argument inside the operation's domain: clamp it, add a small ε under roots "
            "and logarithms, or use a fused loss such as cross_entropy on logits."
        ),
        "cross_entropy",
        {"step": step, "operation": found.operation, "line": found.frame.lineno},
    )


def rate_too_large(record, exam, symptoms):
    """Updates that overshoot."""
    if not record.steps:
        return None
    evidence, numbers = [], {"rate": symptoms.rate}
    ran_away = record.failure is not None and (
        record.failure[0] == "update" or _grew(symptoms.curve)
    )
    first, last = symptoms.first, symptoms.last
    risen = np.isfinite(last) and last > 1.2 * first and record.steps >= 3
    leap = symptoms.leap
    one, tenth = symptoms.change(1.0), symptoms.change(0.1)
    overshoots = one > 0.02 and tenth < 0.2 * one and not symptoms.is_trained
    if ran_away:
        evidence.append(
            say(
                "Weights or loss ran away to infinity at step {step}; before that the loss had "
                "reached {most:.3g}, from {first:.3g} at the start.",
                step=record.failure[1],
                most=float(symptoms.curve.max(initial=0.0)),
                first=float(symptoms.curve[0]) if len(symptoms.curve) else np.nan,
            )
        )
    elif risen and symptoms.change(0.01) <= 0.2 * max(one, 0.0) + 1e-9:
        evidence.append(
            say("The loss rose from {first:.4g} to {last:.4g}.", first=first, last=last)
        )
    elif leap > 3 and not symptoms.is_trained and symptoms.fallen < 0.5:
        evidence.append(
            say(
                "One of the first updates raised the loss {leap:.3g}-fold, and training has not "
                "recovered: the loss went from {first:.4g} to {last:.4g}.",
                leap=leap,
                first=first,
                last=last,
            )
        )
    elif overshoots and (symptoms.fallen < 0.5 or one > 0.5):
        evidence.append(
            say(
                "Tried on a copy, the last recorded updates change the loss by {one:+.1f} % on "
                "average, a tenth of them by {tenth:+.2f} %: they overshoot.",
                one=100 * one,
                tenth=100 * tenth,
            )
        )
    if not evidence:
        return None
    top = max(exam.sharpest, exam.sharpness) if np.isfinite(symptoms.limit) else np.nan
    if top > 0.9 * symptoms.limit:
        evidence.append(
            say(
                "The largest eigenvalue of the Hessian is {top:.3g} where it is largest, of the "
                "start, the first updates and the end; with a rate of {rate:g} descent is stable "
                "up to {limit:.3g}.",
                top=top,
                rate=symptoms.rate,
                limit=symptoms.limit,
            )
        )
        numbers.update(sharpness=top, limit=symptoms.limit)
    return Finding(
        "rate-too-large",
        say("The learning rate is too large"),
        evidence,
        say("Divide the rate by 3 until the loss falls; warm it up; clip the gradient."),
        "stuck",
        numbers,
    )


def _grew(curve):
    """Whether the losses before the failure had grown far beyond the first."""
    return len(curve) > 2 and curve[-3:].max() > 10 * max(abs(curve[0]), 1e-12)


def rate_too_small(record, exam, symptoms):
    """Updates in the right direction, a hundred times too short."""
    if record.steps < 5 or symptoms.is_trained or record.empty:
        return None
    return _too_short(record, exam, symptoms) or _too_slow(record, exam, symptoms)


def _too_slow(record, exam, symptoms):
    """Nothing has moved, and trainings of copies at larger rates get far."""
    if record.steps < 10 or not abs(symptoms.fallen) < 0.02:
        return None
    steps = min(60, max(20, record.steps))
    for factor in (10.0, 1e2, 1e3, 1e4, 1e5):
        best = exam.trial(factor, steps=steps)[0]
        if best < symptoms.first - 0.2 * abs(symptoms.first):
            break
    else:
        return None
    return Finding(
        "rate-too-small",
        say("The learning rate is too small"),
        [
            say(
                "In {steps} steps the loss went from {first:.4g} to {last:.4g}. A copy, trained "
                "from the same start at {factor:g} times the rate, reaches {best:.3g} in {few} "
                "steps.",
                steps=record.steps,
                first=symptoms.first,
                last=symptoms.last,
                factor=factor,
                best=best,
                few=steps,
            )
        ],
        say("Raise the rate tenfold, as long as the loss falls; look at the schedule."),
        "valley",
        {"rate": symptoms.rate, "factor": factor, "best": best},
    )


def _too_short(record, exam, symptoms):
    """Updates of which longer ones do more, on the spot and over a whole training."""
    if np.isfinite(symptoms.recent) and symptoms.recent >= 0.03:
        return None
    if np.isfinite(symptoms.limit) and exam.sharpness > 0.1 * symptoms.limit:
        return None  # ten times the rate would diverge: steep across, flat along
    one, ten, hundred = (symptoms.change(s) for s in (1.0, 10.0, 100.0))
    works = one < 0 and ten < 5 * one and (hundred < 10 * one or ten < -0.05)
    lost = symptoms.reach < 1e-6 and symptoms.along_gradient[0] > 0.01
    if not works and not lost:
        return None
    if works and not lost:
        trials = [exam.trial(f, steps=min(200, record.steps))[0] for f in (10.0, 100.0)]
        if min(trials) > symptoms.last - 0.3 * abs(symptoms.last):
            return None
    evidence = [
        say(
            "The last third of training took {recent:.2g} % off the loss. An update changes the "
            "weights by {reach:.1e} of their norm; 1e-3 is usual.",
            recent=100 * symptoms.recent,
            reach=symptoms.reach,
        )
    ]
    if works:
        evidence.append(
            say(
                "Tried on a copy, the last recorded updates take {one:.2g} % off the loss, ten "
                "times as long ones {ten:.2g} %, a hundred times as long ones {hundred:.2g} %.",
                one=-100 * one,
                ten=-100 * ten,
                hundred=-100 * hundred,
            )
        )
    else:
        gain, length = symptoms.along_gradient
        evidence.append(
            say(
                "A step of length {length:.2g} along the gradient, tried on a copy, takes "
                "{gain:.2g} % off the loss; the updates drown in rounding.",
                length=length,
                gain=100 * gain,
            )
        )
    return Finding(
        "rate-too-small",
        say("The learning rate is too small"),
        evidence,
        say("Raise the rate tenfold, as long as the loss falls; look at the schedule."),
        "valley",
        {"rate": symptoms.rate, "one": one, "ten": ten, "hundred": hundred},
    )


def saddle(record, exam, symptoms):
    """Stuck where the gradient is nearly zero and the curvature leads down."""
    if not symptoms.stalled or record.steps < 5:
        return None
    surface = exam.surface
    gain, _ = symptoms.along_gradient
    value, direction = surface.bottom
    if value > -1e-3 * max(abs(surface.top), 1e-300):
        return None
    better, length = max(symptoms.best_along(direction), symptoms.best_along(-direction))
    # the point where the gradient is zero must be near, against the step that leads away from it
    if better < 0.02 or surface.norm > 0.05 * abs(value) * length:
        return None
    return Finding(
        "saddle",
        say("Stuck at a saddle point"),
        [
            say(
                "The gradient has norm {norm:.2e}, and the best step along it takes {gain:.2g} % "
                "off the loss of {loss:.4g}.",
                norm=surface.norm,
                gain=100 * gain,
                loss=surface.loss,
            ),
            say(
                "The Hessian's eigenvalues run from {low:.3g} to {high:.3g}: no minimum. A step "
                "of length {length:.3g} along the eigenvector of the lowest one, tried on a copy, "
                "takes {better:.3g} % off the loss.",
                low=value,
                high=surface.top,
                length=length,
                better=100 * better,
            ),
        ],
        say(
            "Step along minigrad.curvature.escape_direction, add noise, take smaller batches, or "
            "start elsewhere."
        ),
        "saddle",
        {"lowest": value, "highest": surface.top, "decrease": better, "norm": surface.norm},
    )


def valley(record, exam, symptoms):
    """A plateau with a large gradient: steep across, flat along."""
    creeps = not symptoms.is_trained and symptoms.recent < 0.05
    if not (symptoms.stalled or creeps) or record.steps < 10 or not np.isfinite(symptoms.last):
        return None
    surface = exam.surface
    gain, _ = symptoms.along_gradient
    if not np.isfinite(surface.norm) or surface.norm == 0:
        return None
    bound = np.isfinite(symptoms.limit) and surface.top > 0.1 * symptoms.limit
    if bound:
        reached = exam.downhill()
        if reached < 0.3 * symptoms.last and gain < 0.3:
            return _bent(surface, symptoms, gain, reached)
    if not symptoms.stalled:
        return None
    if not bound and gain > 0.1:
        return None
    better, _ = symptoms.best_along(surface.newton())
    if better < 0.4 or (not bound and better < 5 * gain):
        return None
    return Finding(
        "valley",
        say("In a valley: steep across, flat along"),
        [
            say(
                "The loss stands at {loss:.4g} with a gradient of norm {norm:.3g}. The best step "
                "along the gradient takes {gain:.2g} % off it; a step by conjugate gradients, "
                "which knows the curvature, {better:.3g} %.",
                loss=surface.loss,
                norm=surface.norm,
                gain=100 * gain,
                better=100 * better,
            ),
            say(
                "The rate is bound by the steepest direction (largest eigenvalue {top:.3g}), the "
                "way leads along the flat ones.",
                top=surface.top,
            ),
        ],
        say("Normalise features and layers; use momentum, or an adaptive method such as Adam."),
        "valley",
        {"gain": gain, "better": better, "sharpness": surface.top},
    )


def _bent(surface, symptoms, gain, reached):
    """A valley that bends: no straight step leads down it, many short ones do."""
    return Finding(
        "valley",
        say("In a valley: steep across, flat along"),
        [
            say(
                "The loss stands at {loss:.4g} with a gradient of norm {norm:.3g}; the last third "
                "of training took {recent:.2g} % off it. The steepest curvature, {top:.3g}, is "
                "{share:.2g} of what the rate can bear ({limit:.3g}), so that a larger rate would "
                "leave the valley.",
                loss=surface.loss,
                norm=surface.norm,
                recent=100 * symptoms.recent,
                top=surface.top,
                share=surface.top / symptoms.limit,
                limit=symptoms.limit,
            ),
            say(
                "The best step along the gradient takes {gain:.3g} % off the loss; L-BFGS, which "
                "learns the curvature, tried on a copy, goes down to {reached:.3g}.",
                gain=100 * gain,
                reached=reached,
            ),
        ],
        say("Normalise features and layers; use momentum, or an adaptive method such as Adam."),
        "valley",
        {"gain": gain, "reached": reached, "sharpness": surface.top},
    )


ILLNESSES = [not_a_number, rate_too_large, saddle, rate_too_small, valley]
