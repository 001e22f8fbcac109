"""Checkpoints of optimizers: in memory, in files, from PyTorch and back."""

import copy

import numpy as np
import pytest
from optim_table import CASES, IDS, formula, gradient, start, train

import minigrad as mg
from minigrad.optim import SGD, Adam, Lion, Muon

cases = pytest.mark.parametrize(("rule", "options"), CASES, ids=IDS)


@cases
def test_state_dict_in_mid_training_goes_on_identically(rule, options):
    p = mg.tensor(start(), requires_grad=True)
    optimizer = rule([p], **options)
    train(optimizer, p, 1, 7)
    q = mg.tensor(p, requires_grad=True)
    other = rule([q], lr=9.0)
    other.load_state_dict(optimizer.state_dict())
    train(optimizer, p, 8, 15)
    train(other, q, 8, 15)
    np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


@cases
def test_checkpoint_file_goes_on_identically(rule, options, tmp_path):
    p = mg.tensor(start(), requires_grad=True)
    optimizer = rule([p], **options)
    train(optimizer, p, 1, 3)
    mg.save({"p": p, "optimizer": optimizer.state_dict()}, tmp_path / "a.npz")
    loaded = mg.load(tmp_path / "a.npz")
    q = loaded["p"].requires_grad_()
    other = rule([q])
    other.load_state_dict(loaded["optimizer"])
    assert other.param_groups[0] | {"params": 0} == optimizer.param_groups[0] | {"params": 0}
    train(optimizer, p, 4, 6)
    train(other, q, 4, 6)
    np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


def test_state_dict_has_pytorchs_layout():
    p, q = mg.ones(2, requires_grad=True), mg.ones(3, requires_grad=True)
    optimizer = Adam([{"params": [p]}, {"params": [q], "lr": 0.5}])
    q.grad = mg.ones(3)
    optimizer.step()
    state = optimizer.state_dict()
    assert set(state) == {"state", "param_groups"}
    assert [group["params"] for group in state["param_groups"]] == [[0], [1]]
    assert state["param_groups"][1]["lr"] == 0.5
    assert list(state["state"]) == [1]
    assert set(state["state"][1]) == {"step", "exp_avg", "exp_avg_sq"}
    assert state["state"][1]["step"] == 1


def test_loaded_state_is_a_copy_in_the_parameters_dtype():
    p, q = mg.ones(2, requires_grad=True), mg.ones(2, dtype="float64", requires_grad=True)
    optimizer, other = SGD([p], momentum=0.9), SGD([q], momentum=0.9)
    p.grad = mg.ones(2)
    optimizer.step()
    other.load_state_dict(optimizer.state_dict())
    buffer = other.state[q]["momentum_buffer"]
    assert buffer.dtype == np.float64
    p.grad = mg.ones(2)
    optimizer.step()
    np.testing.assert_array_equal(buffer.numpy(), [1, 1])


@cases
def test_pytorch_checkpoint_loads_and_ours_loads_there(rule, options, monkeypatch):
    torch = pytest.importorskip("torch")
    if rule is Lion:
        pytest.skip("PyTorch has no Lion")
    if rule is Muon:
        monkeypatch.setattr(torch.Tensor, "bfloat16", lambda x: x.clone())
    known = {name: value for name, value in options.items() if name != "ns_dtype"}

    def go(optimizer, q, first, last):
        for t in range(first, last + 1):
            q.grad = torch.tensor(gradient(q.detach().numpy(), t))
            optimizer.step()

    def ours_of(state):
        kept = {
            name: mg.tensor(v.numpy()) if isinstance(v, torch.Tensor) else v
            for name, v in state["state"].get(0, {"momentum_buffer": None}).items()
        }
        return {"state": {0: kept}, "param_groups": state["param_groups"]}

    def theirs_of(state):
        kept = {
            name: torch.tensor(v.numpy()) if isinstance(v, mg.Tensor) else v
            for name, v in state["state"].get(0, {}).items()
        }
        return {"state": {0: kept} if kept else {}, "param_groups": state["param_groups"]}

    expected = formula(rule, options, start(), 9)
    q = torch.tensor(start(), requires_grad=True)
    theirs = getattr(torch.optim, rule.__name__)([q], **known)
    go(theirs, q, 1, 3)
    p = mg.tensor(q.detach().numpy(), requires_grad=True)
    ours = rule([p])
    ours.load_state_dict(ours_of(theirs.state_dict()))
    if rule is Muon:
        ours.param_groups[0]["ns_dtype"] = None
    train(ours, p, 4, 6)
    q = torch.tensor(p.detach().numpy(), requires_grad=True)
    theirs = getattr(torch.optim, rule.__name__)([q])
    theirs.load_state_dict(theirs_of(ours.state_dict()))
    go(theirs, q, 7, 9)
    np.testing.assert_allclose(q.detach().numpy(), expected, rtol=1e-9, atol=1e-10)


def test_load_state_dict_refuses_what_does_not_fit():
    def momentum(*shapes):
        params = [mg.ones(*shape, requires_grad=True) for shape in shapes]
        optimizer = SGD(params, momentum=0.9)
        for p in params:
            p.grad = mg.ones(*p.shape)
        optimizer.step()
        return optimizer

    optimizer = momentum((2,), (3,))
    with pytest.raises(ValueError, match="group 0 has 1 parameters, that of the optimizer 2"):
        optimizer.load_state_dict(momentum((2,)).state_dict())
    with pytest.raises(ValueError, match=r"parameter 0 has shape \(3,\), the parameter \(2,\)"):
        optimizer.load_state_dict(momentum((3,), (2,)).state_dict())
    two = SGD([{"params": [mg.ones(2)]}, {"params": [mg.ones(3)]}])
    with pytest.raises(ValueError, match="2 parameter groups given, the optimizer has 1"):
        optimizer.load_state_dict(two.state_dict())
    assert optimizer.state[optimizer.param_groups[0]["params"][0]]["momentum_buffer"].shape == (2,)


def test_deepcopy_trains_apart():
    p = mg.tensor(start(), requires_grad=True)
    optimizer = Adam([p])
    train(optimizer, p, 1, 3)
    other = copy.deepcopy(optimizer)
    (q,) = other.param_groups[0]["params"]
    assert q is not p
    before = p.detach().clone()
    train(other, q, 4, 6)
    np.testing.assert_array_equal(p.detach().numpy(), before.numpy())
    train(optimizer, p, 4, 6)
    np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


def test_named_parameters():
    model = mg.nn.Linear(2, 1)
    optimizer = SGD(model.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"][0] is model.weight
    state = optimizer.state_dict()
    assert state["param_groups"][0]["param_names"] == ["weight", "bias"]
    other = SGD(model.parameters())
    other.load_state_dict(state)
    assert other.param_groups[0]["lr"] == 0.1
    del state["param_groups"][0]["param_names"]
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
