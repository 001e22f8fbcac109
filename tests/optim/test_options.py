"""What optimizers refuse."""

import math

import pytest
from optim_table import RULES

import minigrad as mg
from minigrad.optim import (
    ASGD,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Muon,
    NAdam,
    RAdam,
    RMSprop,
    Rprop,
)

every = pytest.mark.parametrize("rule", RULES)


BAD_OPTIONS = [
    (SGD, {"lr": -1}, "SGD: lr must be finite and >= 0, got -1"),
    (SGD, {"lr": math.nan}, "lr"),
    (SGD, {"lr": mg.ones(2)}, r"lr as a Tensor must be 0-d, got shape \(2,\)"),
    (SGD, {"momentum": -0.5}, "momentum"),
    (SGD, {"weight_decay": -0.5}, "weight_decay"),
    (SGD, {"nesterov": True}, "nesterov needs momentum > 0 and dampening 0"),
    (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "nesterov"),
    (Adagrad, {"lr_decay": -1}, "lr_decay"),
    (Adagrad, {"initial_accumulator_value": -1}, "initial_accumulator_value"),
    (RMSprop, {"alpha": -0.1}, "alpha"),
    (RMSprop, {"eps": -1e-8}, "eps"),
    (Adam, {"betas": (1.0, 0.9)}, r"Adam: betas\[0\] must be in \[0, 1\), got 1.0"),
    (Adam, {"betas": (0.9, -0.1)}, r"betas\[1\]"),
    (Adam, {"betas": 0.9}, "two numbers"),
    (AdamW, {"eps": -1}, "AdamW: eps"),
    (RAdam, {"betas": (0.9,)}, "two numbers"),
    (Adam, {"betas": (mg.tensor(0.9), 0.9)}, "all Tensors or all floats"),
    (Adadelta, {"rho": 1.1}, r"Adadelta: rho must be in \[0, 1\], got 1.1"),
    (Adadelta, {"eps": -1}, "eps"),
    (Adamax, {"betas": (0.0, 1.0)}, r"Adamax: betas\[1\]"),
    (NAdam, {"momentum_decay": -0.2}, "momentum_decay"),
    (NAdam, {"betas": (1.0, 0.0)}, r"NAdam: betas\[0\]"),
    (Rprop, {"etas": (1.0, 0.5)}, "etas must be"),
    (Rprop, {"etas": 0.5}, "two numbers"),
    (Rprop, {"step_sizes": (0.5,)}, "two numbers"),
    (ASGD, {"weight_decay": -0.5}, "weight_decay"),
    (ASGD, {"lambd": math.nan}, "lambd must be finite, got nan"),
    (Lion, {"betas": (0.9, 1.0)}, r"Lion: betas\[1\]"),
]


MUON = [
    ({"ns_steps": 100}, r"ns_steps must be in \[0, 100\)"),
    ({"ns_coefficients": (1.0, 2.0)}, "three numbers"),
    ({"adjust_lr_fn": "arbitrary"}, "adjust_lr_fn"),
    ({"ns_dtype": "float16"}, "ns_dtype"),
    ({"momentum": -1}, "momentum"),
]


@pytest.mark.parametrize(("options", "message"), MUON)
def test_options_of_muon_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        Muon([mg.ones(1, 1)], **options)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_muon_takes_matrices_only(shape):
    with pytest.raises(ValueError, match="parameter 1 has shape .* only matrices"):
        Muon([mg.ones(2, 2), mg.ones(*shape)])


@every
@pytest.mark.parametrize("name", ["foreach", "fused", "capturable", "differentiable"])
def test_what_is_not_offered_is_refused(rule, name):
    with pytest.raises(TypeError, match=name):
        rule([mg.ones(1, 1)], **{name: True})


@pytest.mark.parametrize(("rule", "options", "message"), BAD_OPTIONS)
def test_options_out_of_range(rule, options, message):
    with pytest.raises(ValueError, match=message):
        rule([mg.ones(1)], **options)
    with pytest.raises(ValueError, match=message):
        rule([{"params": [mg.ones(1)], **options}])


def test_options_that_are_not_numbers():
    with pytest.raises(TypeError, match="SGD: lr must be a number, got str"):
        SGD([mg.ones(1)], lr="0.1")
    with pytest.raises(TypeError, match="SGD: lr must be a number, got tuple"):
        SGD([mg.ones(1)], lr=(0.1, 0.2))


def test_parameters_that_cannot_be_optimized():
    x = mg.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="list of parameters is empty"):
        SGD([])
    with pytest.raises(TypeError, match="got one Tensor"):
        SGD(x)
    with pytest.raises(TypeError, match="order"):
        SGD({x})
    with pytest.raises(TypeError, match="iterable"):
        SGD(3)
    with pytest.raises(TypeError, match="parameter 1 is a float, not a Tensor"):
        SGD([x, 1.0])
    with pytest.raises(TypeError, match=r"model\.parameters"):
        SGD(["weight"])
    with pytest.raises(ValueError, match="either all parameters have names"):
        SGD([("weight", x), mg.ones(1)])
    with pytest.raises(ValueError, match="either all parameters have names"):
        SGD([{"params": [x]}, {"params": [("bias", mg.ones(1))]}])
    with pytest.raises(ValueError, match=r"parameter 0, shape \(2,\), is not a leaf.*Mul"):
        SGD([x * 2])
    with pytest.raises(ValueError, match="already in another group"):
        SGD([{"params": [x]}, {"params": [x]}])
    with pytest.warns(UserWarning, match="twice"):
        SGD([x, x])
    with pytest.raises(TypeError, match="must be a dict"):
        SGD([x]).add_param_group([mg.ones(1)])
    with pytest.raises(ValueError, match="no entry 'params'"):
        SGD([{"lr": 1}])
