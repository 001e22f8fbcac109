"""Six error surfaces that are small enough to be seen whole."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
from minigrad.lab.words import say
from minigrad.nn import functional as F


class Place(NamedTuple):
    """A point of a surface with a name."""

    name: str
    at: tuple


@dataclass(frozen=True)
class Surface:
    """A loss over one or two parameters, and how it is shown.

    `loss` takes parameters (..., d) to losses (...). Learning rates come in two kinds: those of
    gradient descent and momentum multiply a gradient, those of the adaptive methods are lengths.
    """

    name: str
    title: str
    about: str
    loss: Any
    parameters: tuple  # names
    view: tuple  # ((low, high), …), one pair a parameter
    starts: tuple  # of Place
    marks: tuple  # of Place: minima and saddles
    rates: tuple  # of gradient descent and momentum
    lengths: tuple  # rates of the adaptive methods
    updates: int
    losses: tuple  # (low, high) of the axis of losses
    goal: float  # a loss that counts as arrived
    logarithmic: bool = False


def saddle(w):
    """The network y = w₁w₂x on the datum (1, 1)."""
    return (1 - w[..., 0] * w[..., 1]) ** 2


X = mg.from_numpy(np.array([338, 333, 328, 207, 226, 25, 179, 60, 208, 606.0]))
Y = mg.from_numpy(np.array([640, 633, 619, 393, 428, 27, 193, 66, 226, 1591.0]))
LEAST = 101936.7  # squared error of the ten points at the best b and w, rounded down


def valley(p):
    """The lecture's linear regression y = b + wx: squared errors, above the least there can be."""
    b, w = p[..., :1], p[..., 1:]
    return ((Y - b - w * X) ** 2).sum(-1) - LEAST


def crescent(w):
    """Rosenbrock's valley along a parabola, a tenth as steep as his."""
    return (1 - w[..., 0]) ** 2 + 10 * (w[..., 1] - w[..., 0] ** 2) ** 2


def hills(w):
    """A shallow valley, a hill, a deep valley."""
    w = w[..., 0]
    return w**4 / 8 - w**2 + 0.35 * w


def logits(y):
    """The network's outputs (y₁, y₂, −1000), (..., 3)."""
    return mg.cat([y, mg.full((*y.shape[:-1], 1), -1000.0, dtype=y.dtype)], dim=-1)


def squared_error(y):
    """Squared distance of softmax(y₁, y₂, −1000) from the first of three classes."""
    return ((F.softmax(logits(y), dim=-1) - mg.eye(3, dtype=y.dtype)[0]) ** 2).sum(-1)


def cross_entropy(y):
    """−log of the first class's softmax."""
    return -F.log_softmax(logits(y), dim=-1)[..., 0]


LOGITS: dict[str, Any] = {
    "parameters": ("y₁", "y₂"),
    "view": ((-12, 12), (-12, 12)),
    "starts": (
        Place(say("the wrong corner (−10, 10)"), (-10, 10)),
        Place(say("a little wrong (−1, 1)"), (-1, 1)),
    ),
    "marks": (),
    "rates": (0.1, 0.3, 1, 3, 10, 30),
    "lengths": (0.01, 0.03, 0.1, 0.3, 1, 3),
    "updates": 150,
    "goal": 0.01,
}

SURFACES = (
    Surface(
        "saddle",
        say("The saddle: (1 − w₁w₂)²"),
        say(
            "The smallest network that has a saddle point. The gradient is zero at the origin, "
            "where the loss is 1; the minima, loss 0, are the two curves w₁w₂ = 1."
        ),
        saddle,
        ("w₁", "w₂"),
        ((-1.8, 1.8), (-1.8, 1.8)),
        (
            Place(say("on the line into the saddle (0.5, −0.5)"), (0.5, -0.5)),
            Place(say("a little beside it (0.52, −0.5)"), (0.52, -0.5)),
        ),
        (
            Place(say("saddle"), (0, 0)),
            Place(say("minimum"), (1, 1)),
            Place(say("minimum"), (-1, -1)),
        ),
        (0.01, 0.03, 0.1, 0.2, 0.4, 0.6),
        (0.003, 0.01, 0.03, 0.1, 0.3, 1),
        150,
        (0, 2.4),
        0.01,
    ),
    Surface(
        "valley",
        say("The convex valley: a linear regression"),
        say(
            "Squared error of y = b + wx on the lecture's ten points, above the least there can "
            "be. Across, the surface bends 300,000 times as strongly as along: gradient descent "
            "is stable up to a rate of 1.145e-6, and along the valley that is nothing."
        ),
        valley,
        ("b", "w"),
        ((-260, -60), (-5.5, 6.5)),
        (
            Place(say("the lecture's start (−120, −4)"), (-120, -4)),
            Place(say("the other side (−230, 5)"), (-230, 5)),
        ),
        (Place(say("minimum"), (-188.43, 2.669)),),
        (1e-8, 3e-8, 1e-7, 3e-7, 1e-6, 1.2e-6),
        (0.01, 0.1, 1, 3, 10, 30),
        400,
        (1, 1e9),
        100,
        True,
    ),
    Surface(
        "crescent",
        say("The crescent: a valley that bends"),
        say(
            "(1 − w₁)² + 10(w₂ − w₁²)²: which direction is steep changes along the way, so a "
            "method has to change its mind about it."
        ),
        crescent,
        ("w₁", "w₂"),
        ((-2, 2), (-1, 3)),
        (
            Place(say("on the other arm (−1.5, 2.5)"), (-1.5, 2.5)),
            Place(say("inside the bend (0, 2)"), (0, 2)),
        ),
        (Place(say("minimum"), (1, 1)),),
        (3e-4, 0.001, 0.003, 0.006, 0.012, 0.024),
        (0.003, 0.01, 0.03, 0.1, 0.3, 1),
        300,
        (1e-5, 1e2),
        0.01,
        True,
    ),
    Surface(
        "hills",
        say("Hill and valley: one parameter"),
        say(
            "A ball comes down from the right. Does it stay in the first valley, or has it the "
            "momentum for the hill?"
        ),
        hills,
        ("w",),
        ((-3.2, 3.2),),
        (Place(say("high on the right, 3"), (3,)), Place(say("on the hill, 0.25"), (0.25,))),
        (Place(say("local minimum"), (1.907,)), Place(say("global minimum"), (-2.082,))),
        (0.003, 0.01, 0.03, 0.1, 0.2, 0.4),
        (0.01, 0.03, 0.1, 0.3, 1, 3),
        150,
        (-3, 3),
        -2.6,
    ),
    Surface(
        "mse",
        say("Logits under the squared error"),
        say(
            "Outputs (y₁, y₂, −1000), the truth is the first class. Where the network is surely "
            "wrong, the loss is 2 and the surface is flat: the gradient is 1e-8."
        ),
        squared_error,
        losses=(0, 2.1),
        **LOGITS,
    ),
    Surface(
        "ce",
        say("Logits under cross-entropy"),
        say(
            "The same outputs, the other loss. Where the network is surely wrong, the gradient "
            "is 1.4: the slope shows the way from everywhere."
        ),
        cross_entropy,
        losses=(1e-4, 1e2),
        logarithmic=True,
        **LOGITS,
    ),
)
