"""The page of the playground: its numbers, its words, and where they are written."""

import hashlib
import json
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad.lab import store
from minigrad.lab.playground.encoding import contours, curve, extent, frames, trajectory
from minigrad.lab.playground.frame import FRAME
from minigrad.lab.playground.surfaces import SURFACES
from minigrad.lab.playground.trajectories import METHODS, MOMENTA, WARM_UP, descend, settings
from minigrad.lab.playground.tries import TRIES
from minigrad.lab.report.html import document, speaker
from minigrad.lab.words import say, translate

PACKAGE = files("minigrad.lab.playground")


def key(method, momentum):
    """Where the page finds the runs of a method: "adam", "momentum 0.9".

    >>> key(METHODS[0], 0), key(METHODS[1], 0.5)
    ('gd', 'momentum 0.5')
    """
    return f"{method.name} {momentum:g}" if method.momentum else method.name


def runs(surface):
    """{key: [without, with warm-up][rate][start]} of what `trajectory` makes."""
    chosen = settings(surface)
    paths, losses = descend(surface, chosen)
    found = {}
    for i, setting in enumerate(chosen):
        kinds = found.setdefault(key(setting.method, setting.momentum), [[], []])
        kinds[setting.warm_up].append(
            [
                trajectory(surface, paths[:, i, k], losses[:, i, k])
                for k in range(len(surface.starts))
            ]
        )
    return found


@cache
def computed():
    """All numbers of the page, plain data without words."""
    return [
        {
            "name": s.name,
            "parameters": s.parameters,
            "view": s.view,
            "extent": np.round(extent(s), 6).tolist(),
            "losses": s.losses,
            "logarithmic": s.logarithmic,
            "goal": s.goal,
            "rates": s.rates,
            "lengths": s.lengths,
            "marks": [mark.at for mark in s.marks],
            "frames": frames(s.updates).tolist(),
            "ground": contours(s) if len(s.parameters) == 2 else [curve(s)],
            "runs": runs(s),
        }
        for s in SURFACES
    ]


@cache
def source():
    """A fingerprint of what the numbers are made of."""
    found = hashlib.sha256(mg.__version__.encode())
    for name in ("surfaces.py", "trajectories.py", "encoding.py", "page.py"):
        found.update((PACKAGE / name).read_bytes())
    return found.hexdigest()[:24]


def numbers(folder):
    """What `computed` gives, from ``data/playground.json`` where that is of the same source."""
    path = Path(folder, "data", "playground.json")
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        if saved["source"] == source():
            return saved["surfaces"]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not there, or not ours: computed anew
    surfaces = computed()
    text = json.dumps({"source": source(), "surfaces": surfaces}, separators=(",", ":"))
    store.write_atomically(path, text)
    return surfaces


def with_words(surfaces, language):
    """The numbers with everything that the script says, in the reader's language."""

    def t(sentence):
        return translate(sentence, language)

    shown = [
        {
            **data,
            "title": t(s.title),
            "about": t(s.about),
            "starts": [t(place.name) for place in s.starts],
            "names": [t(place.name) for place in s.marks],
        }
        for data, s in zip(surfaces, SURFACES, strict=True)
    ]
    methods = [
        {"name": m.name, "title": t(m.title), "momentum": m.momentum, "adaptive": m.adaptive}
        for m in METHODS
    ]
    words = {
        "play": say("Play"),
        "pause": say("Pause"),
        "loss": say("loss"),
        "updates": say("updates"),
        "at": say("update {n} of {all}", n="{n}", all="{all}"),
        "now": say("loss {loss}", loss="{loss}"),
        "arrived": say(
            "loss {loss}; below {goal} at update {n}", loss="{loss}", goal="{goal}", n="{n}"
        ),
        "diverged": say("diverged at update {n}", n="{n}"),
        "after": say("After {n} updates: {what}.", n="{n}", what="{what}"),
        "none": say("No method is chosen."),
    }
    return {
        "surfaces": shown,
        "methods": methods,
        "momenta": [0, *MOMENTA],
        "words": {name: t(sentence) for name, sentence in words.items()},
    }


def tries(t):
    """The list of things to try, each with its settings."""
    rows = []
    for one in TRIES:
        state = escape(json.dumps({**one._asdict(), "text": None}))
        rows.append(
            f'<li><button type="button" class="try" data-state="{state}">{t(say("Show"))}'
            f"</button> <span>{t(one.text)}</span></li>"
        )
    return f'<ol class="tries">{"".join(rows)}</ol>'


def page(surfaces, language="en"):
    """The page as HTML that loads nothing."""
    t = speaker(language)
    title = t(say("The optimizer playground"))
    intro = say(
        "Seven methods on six error surfaces. Every path was computed beforehand by minigrad's "
        "own optimizers, {n} runs in all; this page only plays them.",
        n=sum(len(settings(s)) * len(s.starts) for s in SURFACES),
    )
    warm_up = say("warm-up: the rate rises over the first {share:.0%} of updates", share=WARM_UP)
    data = json.dumps(
        with_words(surfaces, language), ensure_ascii=False, separators=(",", ":")
    ).replace("<", "\\u003c")
    fields = {
        "home": t(say("All claims")),
        "title": title,
        "intro": t(intro),
        "noscript": t(say("The playground needs JavaScript, which is switched off here.")),
        "surface": t(say("Surface")),
        "start": t(say("Start")),
        "play": t(say("Play")),
        "step": t(say("Step")),
        "speed": t(say("Speed")),
        "slow": t(say("slow")),
        "normal": t(say("normal")),
        "fast": t(say("fast")),
        "methods": t(say("Methods")),
        "rate": t(say("Learning rate of gradient descent, momentum, Nesterov")),
        "length": t(say("Learning rate of Adagrad, RMSProp, Adam, RAdam")),
        "momentum": t(say("Momentum of momentum and Nesterov")),
        "warm_up": t(warm_up),
        "losses": t(say("Loss against updates")),
        "try": t(say("Things to try")),
        "tries": tries(t),
        "lead": t(
            say(
                "The lighter the ground, the lower the loss; a cross in a circle marks minima and "
                "saddles. Two rates, because the rate of the upper methods multiplies the "
                "gradient, while that of the lower ones is about the length of a step."
            )
        ),
        "data": data,
        "script": (PACKAGE / "playground.js").read_text(encoding="utf-8"),
    }
    frame = FRAME
    css = (PACKAGE / "playground.css").read_text(encoding="utf-8")
    for name, text in fields.items():
        frame = frame.replace(f"@{name}@", text)
    return document(f"{title} · minigrad lab", frame, language, css)


def write(folder, language="en"):
    """Write ``playground.html`` into the folder; returns its path."""
    path = Path(folder, "playground.html")
    store.write_atomically(path, page(numbers(folder), language))
    return path
