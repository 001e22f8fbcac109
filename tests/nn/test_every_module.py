"""Every module of the table: names, shapes, repr, copies, dtypes, derivatives, PyTorch."""

import copy
import pickle

import numpy as np
import pytest
from table.modules import ROWS

import minigrad as mg

every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.text)


def make(row, library=mg):
    return eval(f"nn.{row.text}", {"nn": library.nn})


def tensors(arrays, dtype=np.float64, library=mg):
    return [library.tensor(a if a.dtype.kind == "i" else a.astype(dtype)) for a in arrays]


def flat(out):
    if isinstance(out, (tuple, list)):
        return [x for part in out for x in flat(part)]
    return [] if out is None else [out]


def inputs_of(row, seed=0):
    return row.draw(np.random.default_rng(seed))


@every_row
def test_state_and_repr_are_pytorchs(row):
    module = make(row)
    assert {k: v.shape for k, v in module.state_dict().items()} == row.state
    assert list(module.state_dict()) == list(row.state)
    assert repr(module) == row.shown
    for name, p in module.named_parameters():
        assert p.dtype == np.float32 and np.isfinite(p.detach().numpy()).all(), name


@every_row
def test_copies_and_dtypes(row):
    module = make(row).eval()
    x = tensors(inputs_of(row), np.float32)
    want = [y.detach().numpy() for y in flat(module(*x))]
    fresh = make(row).eval()
    fresh.load_state_dict(module.state_dict())
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), fresh):
        for y, w in zip(flat(other(*x)), want, strict=True):
            assert y.dtype == w.dtype
            np.testing.assert_array_equal(y.detach().numpy(), w)
    wide = flat(module.double()(*tensors(inputs_of(row))))
    for y, w in zip(wide, want, strict=True):
        assert y.dtype == (np.float64 if w.dtype == np.float32 else w.dtype)
        np.testing.assert_allclose(y.detach().numpy(), w, rtol=1e-4, atol=1e-4)


@every_row
def test_first_and_second_derivative_are_central_differences(row):
    module = make(row).double()
    if "Dropout" in row.text:
        module.eval()
    chance = np.random.default_rng(1)
    inputs = inputs_of(row)
    names = [n for n, _ in module.named_parameters()]
    arrays = [a for a, moves in zip(inputs, row.moving, strict=True) if moves]
    arrays += [p.detach().numpy().copy() for p in module.parameters()]
    state = {n: b.detach().clone() for n, b in module.named_buffers()}
    weights = [chance.standard_normal(y.shape) for y in flat(module(*tensors(inputs)))]
    directions = [chance.uniform(-1, 1, a.shape) for a in arrays]

    def loss(values):
        values = list(values)
        given = [
            values.pop(0) if moves else mg.tensor(a)
            for a, moves in zip(inputs, row.moving, strict=True)
        ]
        fresh = {n: b.clone() for n, b in state.items()}
        out = mg.func.functional_call(
            module, {**fresh, **dict(zip(names, values, strict=True))}, tuple(given)
        )
        return sum(
            (y * mg.tensor(w)).sum()
            for y, w in zip(flat(out), weights, strict=True)
            if y.dtype.kind == "f"
        )

    def slope(moved, create_graph=False):
        leaves = [mg.tensor(a, requires_grad=True) for a in moved]
        y = loss(leaves)
        total = mg.zeros((), dtype=mg.float64)
        if y.requires_grad:
            grads = mg.grad(y, leaves, create_graph=create_graph, allow_unused=True)
            for g, u in zip(grads, directions, strict=True):
                total = total if g is None else total + (g * mg.tensor(u)).sum()
        return total, leaves

    def moved(step):
        return [a + step * u for a, u in zip(arrays, directions, strict=True)]

    if not arrays or "padding_idx" in row.text:  # its row has no gradient, by definition
        return
    first, leaves = slope(arrays, create_graph=True)
    second = 0.0
    if first.requires_grad:
        for g, u in zip(mg.grad(first, leaves, allow_unused=True), directions, strict=True):
            second += 0.0 if g is None else float((g.numpy() * u).sum())
    h = 1e-5
    with mg.no_grad():
        up, down = (loss([mg.tensor(a) for a in moved(s)]).item() for s in (h, -h))
    scale = 1 + abs(first.item())
    assert first.item() == pytest.approx((up - down) / (2 * h), abs=1e-5 * scale)
    up, down = (slope(moved(s))[0].item() for s in (h, -h))
    assert second == pytest.approx((up - down) / (2 * h), abs=1e-4 * (scale + abs(second)))


@every_row
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_numbers_are_pytorchs_and_checkpoints_go_both_ways(row, training, tmp_path):
    torch = pytest.importorskip("torch")
    files = pytest.importorskip("safetensors.torch")
    theirs = make(row, torch).double().train(training)
    ours = make(row).double().train(training)
    if theirs.state_dict():
        files.save_file(theirs.state_dict(), tmp_path / "theirs.safetensors")
        ours.load_state_dict(mg.load(tmp_path / "theirs.safetensors"))
        mg.save(ours.state_dict(), tmp_path / "ours.safetensors")
        back = files.load_file(tmp_path / "ours.safetensors")
        assert theirs.load_state_dict(back).missing_keys == []
    if "Dropout" in row.text and training:
        return
    arrays = inputs_of(row)
    x, z = tensors(arrays), tensors(arrays, library=torch)
    for leaf, moves in zip((*x, *z), row.moving * 2, strict=True):
        leaf.requires_grad_(moves)
    have, want = flat(ours(*x)), flat(theirs(*z))
    for y, w in zip(have, want, strict=True):
        np.testing.assert_allclose(y.detach().numpy(), w.detach().numpy(), rtol=1e-9, atol=1e-11)
    if want[0].requires_grad:
        sum(y.square().sum() for y in have).backward()
        sum(w.square().sum() for w in want).backward()
        for p, q in zip([*x, *ours.parameters()], [*z, *theirs.parameters()], strict=True):
            if q.grad is not None:
                np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-7, atol=1e-10)
    for (name, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-10, err_msg=name)
