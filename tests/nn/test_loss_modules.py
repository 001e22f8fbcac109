"""Losses as modules: each is its function; arguments, buffers, bad arguments; as PyTorch's."""

import inspect

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn

chance = np.random.default_rng(0)
x, y, z = (mg.tensor(chance.uniform(0.1, 0.9, (4, 3))) for _ in range(3))
signs, classes = mg.tensor([1, -1, 1, -1]), mg.tensor([2, 0, 1, 1])
labels = mg.tensor([[0, -1, 1], [2, 1, 0], [-1, 0, 0], [1, 2, -1]])
w = mg.tensor(chance.uniform(0.5, 2, 3))

# constructor arguments, inputs
ROWS = {
    "CrossEntropyLoss": ({"weight": w, "label_smoothing": 0.1, "ignore_index": 1}, (x, classes)),
    "NLLLoss": ({"weight": w, "ignore_index": 0}, (x, classes)),
    "MSELoss": ({}, (x, y)),
    "L1Loss": ({}, (x, y)),
    "HuberLoss": ({"delta": 0.3}, (x, y)),
    "SmoothL1Loss": ({"beta": 0.3}, (x, y)),
    "BCELoss": ({"weight": w}, (x, y)),
    "BCEWithLogitsLoss": ({"weight": w, "pos_weight": w * 2}, (x, y)),
    "KLDivLoss": ({"log_target": True}, (x, y)),
    "GaussianNLLLoss": ({"full": True, "eps": 0.5}, (x, y, z)),
    "PoissonNLLLoss": ({"log_input": False, "full": True, "eps": 0.1}, (x, y * 4)),
    "HingeEmbeddingLoss": ({"margin": 0.5}, (x, signs[:, None])),
    "MarginRankingLoss": ({"margin": 0.5}, (x, y, signs[:, None])),
    "SoftMarginLoss": ({}, (x, signs[:, None])),
    "CosineEmbeddingLoss": ({"margin": 0.5}, (x, y, signs)),
    "TripletMarginLoss": ({"margin": 0.5, "p": 3, "eps": 0.1, "swap": True}, (x, y, z)),
    "MultiMarginLoss": ({"p": 2, "margin": 0.5, "weight": w}, (x, classes)),
    "MultiLabelMarginLoss": ({}, (x, labels)),
    "MultiLabelSoftMarginLoss": ({"weight": w}, (x, y)),
}
FUNCTIONS = {
    "BCELoss": F.binary_cross_entropy,
    "BCEWithLogitsLoss": F.binary_cross_entropy_with_logits,
    "KLDivLoss": F.kl_div,
    "NLLLoss": F.nll_loss,
    "GaussianNLLLoss": F.gaussian_nll_loss,
    "PoissonNLLLoss": F.poisson_nll_loss,
    "MSELoss": F.mse_loss,
    "L1Loss": F.l1_loss,
    "SmoothL1Loss": F.smooth_l1_loss,
    "CrossEntropyLoss": F.cross_entropy,
    "HuberLoss": F.huber_loss,
    "HingeEmbeddingLoss": F.hinge_embedding_loss,
    "MarginRankingLoss": F.margin_ranking_loss,
    "SoftMarginLoss": F.soft_margin_loss,
    "CosineEmbeddingLoss": F.cosine_embedding_loss,
    "TripletMarginLoss": F.triplet_margin_loss,
    "MultiMarginLoss": F.multi_margin_loss,
    "MultiLabelMarginLoss": F.multilabel_margin_loss,
    "MultiLabelSoftMarginLoss": F.multilabel_soft_margin_loss,
}


@pytest.mark.filterwarnings("ignore:kl_div")
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("name", ROWS)
def test_module_is_its_function_with_every_option(name, reduction):
    options, inputs = ROWS[name]
    module = getattr(nn, name)(reduction=reduction, **options)
    want = FUNCTIONS[name](*inputs, reduction=reduction, **options)
    np.testing.assert_array_equal(module(*inputs).numpy(), want.numpy())
    assert repr(module) == f"{name}()"
    tensors = [k for k, v in options.items() if isinstance(v, mg.Tensor)]
    assert list(module.state_dict()) == tensors


@pytest.mark.parametrize("name", ROWS)
def test_options_and_numbers_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    left_out = {"size_average", "reduce", "reduction"}

    def signature(cls):
        parameters = inspect.signature(cls).parameters.values()
        return {p.name: p.default for p in parameters if p.name not in left_out}

    assert signature(getattr(nn, name)) == signature(getattr(torch.nn, name))
    options, inputs = ROWS[name]
    there = [torch.tensor(t.numpy()) for t in inputs]
    given = {
        k: torch.tensor(v.numpy()) if isinstance(v, mg.Tensor) else v for k, v in options.items()
    }
    if name == "SoftMarginLoss":
        there[1] = there[1].expand(4, 3).contiguous()
    want = getattr(torch.nn, name)(reduction="sum", **given)(*there)
    got = getattr(nn, name)(reduction="sum", **options)(*inputs)
    np.testing.assert_allclose(got.item(), want.item(), rtol=1e-7)


@pytest.mark.parametrize("name", ROWS)
def test_unknown_reductions_are_refused_when_the_module_is_made(name):
    with pytest.raises(ValueError, match=f"{name}: reduction .*'max'"):
        getattr(nn, name)(reduction="max")


def test_batchmean_is_the_divergences_alone():
    assert nn.KLDivLoss(reduction="batchmean")(x, y).ndim == 0
    with pytest.raises(ValueError, match="MSELoss"):
        nn.MSELoss(reduction="batchmean")


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda: nn.HuberLoss(delta=1 + 0j), TypeError, "HuberLoss: delta"),
        (lambda: nn.TripletMarginLoss(0), ValueError, "TripletMarginLoss: margin"),
        (lambda: nn.MultiMarginLoss(3), ValueError, "MultiMarginLoss: p"),
        (lambda: nn.MultiMarginLoss(weight=x), ValueError, "MultiMarginLoss: weight"),
        (lambda: nn.CrossEntropyLoss(label_smoothing=2), ValueError, "label_smoothing"),
    ],
)
def test_mistakes_are_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()
