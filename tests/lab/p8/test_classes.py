"""Class numbers against one-hot vectors: targets, decisions, and the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p8 import classes

TINY = {"most": 200, "hidden": 8, "rates": [0.03], "updates": 30, "every": 10}


@pytest.fixture(scope="module")
def measurements():
    return measure("classes", TINY)


def test_contract(measurements):
    check("classes", measurements)


@pytest.mark.parametrize("arm", classes.ARMS)
def test_deciding_undoes_the_target(arm):
    y = mg.tensor([2, 0, 1, 3, 3])
    code = mg.tensor([1, 3, 0, 2]) if arm == classes.SHUFFLED else mg.arange(4)
    goal = classes.target(arm, y, 4, code)
    assert goal.shape == ((5, 4) if arm == classes.ONE_HOT else (5, 1))
    assert classes.decide(arm, goal, 4, code).tolist() == y.tolist()


def test_an_output_beyond_the_classes_means_the_last_one():
    output = mg.tensor([[-3.0], [0.4], [0.6], [99.0]])
    given = classes.decide(classes.NUMBERS, output, 3, mg.arange(3))
    assert given.tolist() == [0, 0, 1, 2]


def test_diabetes_is_cut_into_equally_filled_classes_in_order():
    parts = classes.table(classes.DIABETES, 0, {"bins": 5})
    counts = np.bincount(np.concatenate([y.numpy() for _, y in parts]))
    assert len(counts) == 5
    assert counts.max() - counts.min() < 10
    np.testing.assert_allclose(parts[0][0].numpy().mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(parts[0][0].numpy().std(axis=0), 1, rtol=1e-4)


def test_confusion_holds_accuracy_and_error(measurements):
    for arms in measurements["runs"][0]["results"].values():
        for result in arms.values():
            confusion = np.array(result["confusion"])
            row, column = np.indices(confusion.shape)
            total = confusion.sum()
            assert np.trace(confusion) / total == pytest.approx(result["accuracy"], abs=1e-6)
            error = (abs(row - column) * confusion).sum() / total
            assert error == pytest.approx(result["error"], rel=1e-5)


def made_up(measurements, **facts):
    """Five runs; facts: {table_what: (numbers, one-hot)}."""
    runs = []
    for k in range(5):
        run = copy.deepcopy(measurements["runs"][0])
        for name, (first, second) in facts.items():
            table, what = name.split("_")
            run["results"][table][classes.NUMBERS][what] = first + 1e-3 * k
            run["results"][table][classes.ONE_HOT][what] = second
        runs.append(run)
    return classes.verdict({**measurements, "runs": runs})


GOOD = {
    "images_accuracy": (0.4, 0.9),
    "wine_accuracy": (0.8, 0.9),
    "diabetes_error": (0.5, 0.9),
    "diabetes_accuracy": (0.4, 0.4),
}


def test_verdict_holds(measurements):
    assert made_up(measurements, **GOOD).outcome == "holds"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"wine_accuracy": (0.9, 0.9)}, "wine"),
        ({"diabetes_error": (0.8985, 0.9)}, "is not shown"),
        ({"diabetes_accuracy": (0.3, 0.4)}, "more accurate"),
    ],
)
def test_verdict_holds_with_a_limit(measurements, change, word):
    verdict = made_up(measurements, **{**GOOD, **change})
    assert verdict.outcome == "holds with a limit"
    assert word in verdict.reasons[-1]


@pytest.mark.parametrize(
    "change", [{"images_accuracy": (0.9, 0.9)}, {"diabetes_error": (0.9, 0.5)}]
)
def test_verdict_does_not_hold(measurements, change):
    assert made_up(measurements, **{**GOOD, **change}).outcome == "does not hold"


def test_verdict_is_undecided(measurements):
    assert made_up(measurements, **{**GOOD, "images_accuracy": (0.888, 0.9)}).outcome == (
        "undecided"
    )
    assert classes.verdict(measurements).outcome == "undecided"  # one seed
