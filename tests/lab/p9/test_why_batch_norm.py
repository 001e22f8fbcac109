"""What is measured about batch norm, against independent formulas; the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad import nn
from minigrad.curvature import Hessian
from minigrad.lab.p9 import why_batch_norm
from minigrad.lab.training import network
from minigrad.nn import functional as F

NAME = "why_batch_norm"
TINY = {
    "most": 400,
    "hidden": [6, 5],
    "batch": 32,
    "probe": 60,
    "rates": [0.1, 0.4],
    "updates": 20,
    "every": 10,
    "probes": 3,
    "lanczos": 5,
}


@pytest.fixture(scope="module")
def measurements():
    return measure(NAME, TINY)


@pytest.fixture
def part():
    mg.manual_seed(5)
    return mg.randn(24, 6, dtype=mg.float64), mg.tensor([0, 1, 2] * 8)


def model_of(batch_norm, seed=0):
    mg.manual_seed(seed)
    return network([6, 5, 4, 3], nn.Tanh, batch_norm).double()


def parameters(model):
    return dict(model.named_parameters())


def test_contract(measurements):
    check(NAME, measurements)


def test_layers_hold_a_weight_and_what_follows_it():
    assert why_batch_norm.layers(parameters(model_of(True))) == [
        ["0.weight", "1.weight", "1.bias"],
        ["3.weight", "4.weight", "4.bias"],
        ["6.weight", "6.bias"],
    ]


@pytest.mark.parametrize("batch_norm", [False, True])
def test_covariate_shift_by_backward_passes_through_mixed_networks(part, batch_norm):
    before, after = model_of(batch_norm, 0), model_of(batch_norm, 1)
    found = why_batch_norm.covariate_shift(before, parameters(before), parameters(after), part)

    def gradient(model, name):
        F.cross_entropy(model(part[0]), part[1]).backward()
        return dict(model.named_parameters())[name].grad.numpy().ravel()

    weights = [name for name, p in parameters(before).items() if p.ndim == 2]
    expected = []
    for weight in weights[1:]:
        mixed = copy.deepcopy(before)
        mixed.load_state_dict({
            **before.state_dict(),
            **{n: p for n, p in parameters(after).items() if int(n[0]) < int(weight[0])},
        })  # fmt: skip
        g, moved = gradient(copy.deepcopy(before), weight), gradient(mixed, weight)
        size = np.linalg.norm(g)
        expected.append(
            [np.linalg.norm(g - moved) / size, g @ moved / size / np.linalg.norm(moved)]
        )
    np.testing.assert_allclose(found, np.mean(expected, axis=0), rtol=1e-10)


def test_no_shift_where_the_layers_below_stay(part):
    model = model_of(True)
    here = parameters(model)
    above = {n: p * 3 if n.startswith("6") else p for n, p in here.items()}
    for after in (here, above):
        shift, turn = why_batch_norm.covariate_shift(model, here, after, part)
        assert shift == 0
        assert turn == pytest.approx(1)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_small_steps_ahead_see_the_hessian(part, batch_norm):
    model = model_of(batch_norm)
    H = Hessian(model, F.cross_entropy, part)
    g = H.gradient()
    beta, cosine, variation = why_batch_norm.ahead(model, parameters(model), part, [1e-5])
    assert beta == pytest.approx(np.linalg.norm(H @ g) / np.linalg.norm(g), rel=1e-3)
    assert cosine == pytest.approx(1)
    assert variation == pytest.approx(1e-5 * g @ g, rel=1e-3)
    assert beta <= np.linalg.norm(H.dense(), 2)


def test_condition_against_the_whole_spectrum(part):
    model = model_of(True)
    eigenvalues = np.linalg.eigvalsh(Hessian(model, F.cross_entropy, part).dense())
    found = why_batch_norm.condition(model, part, 400, 30)
    sizes = abs(eigenvalues)
    assert found["parameters"] == len(eigenvalues)
    assert found["largest"] == pytest.approx(eigenvalues[-1], rel=1e-6)
    assert found["smallest"] == pytest.approx(eigenvalues[0], rel=1e-6)
    assert found["condition"] == pytest.approx(sizes.max() / sizes.mean(), rel=0.1)
    half = np.searchsorted(why_batch_norm.FRACTIONS, 0.1)
    above = (sizes >= why_batch_norm.FRACTIONS[half] * sizes.max()).sum()
    assert found["above"][half] == pytest.approx(above, rel=0.3)


def test_noise_is_within_its_bounds_and_only_in_training():
    mg.manual_seed(0)
    noise = why_batch_norm.Noise(0.5, 1.25, 0.1)
    zeros, ones = mg.zeros(50, 400), mg.ones(50, 400)
    shift = noise(zeros).numpy()
    assert abs(shift).max() <= 0.6 + 1e-6
    means = shift.mean(axis=0)
    assert means.std() == pytest.approx(0.5 / 3**0.5, rel=0.1)
    assert np.ptp(shift, axis=0).max() <= 0.2 + 1e-6  # the spread over samples
    scale = noise(ones).numpy().mean(axis=0)
    assert scale.mean() == pytest.approx(1.125, abs=0.06)
    assert abs(noise(zeros).numpy().mean(axis=0) - means).max() > 0.3  # drawn anew
    noise.eval()
    np.testing.assert_array_equal(noise(ones).numpy(), ones.numpy())
    still = why_batch_norm.Noise(0.0, 1.0, 0.0)
    np.testing.assert_array_equal(still(ones).numpy(), ones.numpy())


def test_drift_counts_moved_means_in_deviations(part):
    before = model_of(False)
    assert why_batch_norm.drift(before, before, part[0]) == 0
    after = copy.deepcopy(before)
    with mg.no_grad():
        after[0].bias.add_(0.5)
    _, deviations = why_batch_norm.layer_inputs(before, part[0])
    assert deviations.shape == (5 + 4,)  # the inputs of the second and the third Linear
    assert why_batch_norm.drift(before, after, part[0]) > 0.1


def test_noise_moves_the_inputs_of_layers():
    settings = {"hidden": [8, 8], "noise": [[0.5, 1.25]], "spread": 0.1}
    part = mg.randn(40, 6), mg.tensor([0, 1] * 20)
    (noisy, _), *_ = why_batch_norm.noisy(settings)
    still, moving = (why_batch_norm.fresh(arm, part, settings, 0) for arm in ("batch norm", noisy))
    assert why_batch_norm.drift(still, still, part[0]) == 0
    assert why_batch_norm.drift(moving, moving, part[0]) > 0.05
    assert sum(p.numel() for p in still.parameters()) == sum(
        p.numel() for p in moving.parameters()
    )


IDEAL = {
    "shift": 1.0, "same shift": 1.0, "beta": 0.3, "same beta": 0.3, "cosine": 1.0,
    "condition": 0.5, "noise": 0.2, "strong": 0.5,
}  # fmt: skip


def made_up(spread=1.05, n=4, **changes):
    """Measurements with these ratios (with / without batch norm), times spread^±1 by turns."""
    ratios = {**IDEAL, **changes}
    runs = []
    for k in range(n):
        wobble = spread ** (-1) ** k

        def curve(key, by=1.0, wobble=wobble):
            return [by * ratios[key] * wobble] * 3

        drift = [0.1 * wobble] * 3
        arms = {
            "plain": {"shift": [1.0] * 3, "beta": [1.0] * 3, "cosine": [-0.3] * 3, "drift": drift}
        }
        for arm, key in (("batch norm", ""), (why_batch_norm.SAME, "same ")):
            cosine = [ratios["cosine"] - 0.3 + 0.1 * wobble] * 3
            arms[arm] = {
                "shift": curve(key + "shift"),
                "beta": curve(key + "beta"),
                "cosine": cosine,
                "drift": drift,
            }
        names = ["batch norm + noise ± 0.5", "batch norm + noise ± 2"]
        arms.update({name: {"drift": [0.2] * 3} for name in names})
        end = {
            "plain": 1.0,
            "batch norm": 0.15,
            names[0]: ratios["noise"] * wobble,
            names[1]: ratios["strong"] * wobble,
        }
        hessian = {
            "plain": [{"condition": 100.0, "largest": 10.0}] * 3,
            "batch norm": [{"condition": 100 * ratios["condition"] * wobble, "largest": 2.0}] * 3,
        }
        runs.append({"arms": arms, "end": end, "hessian": hessian})
    settings = {"noise": [[0.5, 1.25], [2.0, 2.0]]}
    return {"settings": settings, "seeds": list(range(n)), "runs": runs}


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({}, "holds", ""),
        ({"same shift": 0.4}, "holds with a limit", "does lower the covariate shift, to 0.40 ×"),
        ({"shift": 0.7}, "holds with a limit", "At its own rate, too"),
        ({"shift": 3.0}, "holds with a limit", "more than doubles the covariate shift"),
        ({"noise": 0.6}, "holds with a limit", "costs 4.0 × the loss"),
        ({"strong": 1.6}, "holds with a limit", "ends at 1.6 × the plain network's loss"),
        ({"condition": 1.2}, "holds with a limit", "The condition is not shown"),
        ({"beta": 1.5}, "holds with a limit", "The β is not shown"),
        ({"shift": 0.2}, "does not hold", "more than halves"),
        ({"noise": 1.5}, "does not hold", "ends above the plain one"),
        ({"beta": 1.5, "cosine": -1.0}, "does not hold", "is not smoother"),
        ({"beta": 1.0, "cosine": -1.0}, "undecided", "--full"),
        ({"shift": 0.5}, "undecided", "--full"),
        ({"noise": 1.0}, "undecided", "--full"),
        ({"n": 2}, "undecided", "--seeds 5"),
    ],
)
def test_verdict_follows_the_measurement(changes, outcome, words):
    verdict = why_batch_norm.verdict(made_up(**changes))
    assert verdict.outcome == outcome
    assert words in verdict.reasons[-1]
