"""Things to try on the playground: a sentence each, and the settings that show it."""

from typing import NamedTuple

from minigrad.lab.words import say


class Try(NamedTuple):
    """Settings of the page. Rate and length are positions in the surface's lists."""

    text: str
    surface: str
    methods: tuple
    start: int = 0
    rate: int = 2
    length: int = 3
    momentum: float = 0.9
    warm_up: bool = False


TRIES = (
    Try(
        say(
            "Saddle: gradient descent and momentum run along the line into the saddle and stay "
            "at loss 1, for the gradient never points off the line."
        ),
        "saddle",
        ("gd", "momentum"),
    ),
    Try(
        say(
            "Saddle, a little beside the line: the same methods linger at the saddle, then find "
            "a minimum by themselves. Start on the line again and the adaptive methods stay too."
        ),
        "saddle",
        ("gd", "momentum", "rmsprop", "adam"),
        start=1,
        rate=1,
    ),
    Try(
        say(
            "Valley: gradient descent is down between the slopes at once and then stands still, "
            "and no rate helps: the next larger one diverges. Adam, with a scale of its own for "
            "each parameter, arrives. RAdam's first updates have no scale yet: it is thrown out."
        ),
        "valley",
        ("gd", "momentum", "adam", "radam"),
        rate=4,
        length=4,
    ),
    Try(
        say(
            "Crescent: Adagrad adds up all squared gradients, also those of the steep start, and "
            "crawls ever after; RMSProp forgets them, Adam has momentum too."
        ),
        "crescent",
        ("adagrad", "rmsprop", "adam"),
        length=3,
    ),
    Try(
        say(
            "Hill: momentum 0.9 rolls over the hill into the deeper valley. With momentum 0.5 it "
            "stays where gradient descent stays."
        ),
        "hills",
        ("gd", "momentum"),
        rate=3,
    ),
    Try(
        say(
            "Squared error of surely wrong logits: loss 2, and gradient descent does not move at "
            "any rate. Adam divides the tiny gradient by its own size, and walks off."
        ),
        "mse",
        ("gd", "momentum", "adagrad", "adam"),
        rate=5,
        length=2,
    ),
    Try(
        say("Cross-entropy from the same start: every method arrives."),
        "ce",
        ("gd", "momentum", "rmsprop", "adam"),
        rate=3,
        length=4,
    ),
    Try(
        say(
            "Warm-up: on the crescent, momentum with a rate of 0.024 diverges in the steep "
            "start. Switch warm-up on: the rate is small there, and it arrives."
        ),
        "crescent",
        ("gd", "momentum"),
        rate=5,
    ),
)
