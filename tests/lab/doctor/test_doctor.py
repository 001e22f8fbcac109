"""The doctor: leaves no trace, says what it found, refuses what it cannot watch."""

import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.lab.clinic.patients import PATIENTS
from minigrad.lab.clinic.patients.patient import fit
from minigrad.lab.doctor import Doctor
from minigrad.nn import functional as F
from minigrad.utils.data import DataLoader, TensorDataset


def network():
    """Dropout and batch norm: random numbers and buffers that a doctor might disturb."""
    return nn.Sequential(
        nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3)
    )


def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(96, 6)).astype("f4")
    return mg.tensor(x), mg.tensor((x[:, 0] > 0) + (x[:, 1] > 0.5).astype(int))


OPTIMIZERS = {
    "SGD": lambda p: mg.optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: mg.optim.Adam(p, lr=0.01),
}


def trained(make, how):
    """The state after 45 steps with shuffled batches, watched as `how` says."""
    mg.manual_seed(3)
    model = network()
    optimizer = make(model.parameters())
    x, y = data()
    loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)
    doctor = Doctor(model, F.cross_entropy, optimizer, loader) if how else None
    if how == "with":
        doctor.__enter__()
    for epoch in range(8):
        for a, b in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(a), b)
            loss.backward()
            if how == "step before":
                doctor.step(loss)
            optimizer.step()
            if how == "step after":
                doctor.step(loss)
        if how == "with" and epoch == 4:
            doctor.diagnosis()
            doctor.__enter__()
    if how:
        doctor.diagnosis()
    state = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    return model, optimizer, state, mg.default_generator().bit_generator.state, doctor


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("how", ["with", "step before", "step after"])
def test_training_is_the_same_bit_for_bit(make, how):
    *_, plain, chance, _ = trained(make, None)
    _, _, watched, chance_then, doctor = trained(make, how)
    assert all(np.array_equal(plain[name], watched[name]) for name in plain)
    assert chance == chance_then
    assert 46 <= doctor.record.steps <= 48


@pytest.mark.parametrize("how", ["with", "step after"])
def test_no_hook_stays(how):
    model, optimizer, _, _, doctor = trained(OPTIMIZERS["Adam"], how)
    assert "step" not in vars(optimizer)
    assert not any(module._hooks for module in model.modules())
    before = doctor.record.forwards
    F.cross_entropy(model(data()[0]), data()[1]).backward()
    assert doctor.record.forwards == before
    pickle.dumps(optimizer.state_dict())


def test_hooks_go_when_the_loop_fails():
    model = network()
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ZeroDivisionError), Doctor(model, F.cross_entropy, optimizer, data()):
        model(data()[0])
        1 / 0
    assert "step" not in vars(optimizer)
    assert not any(module._hooks for module in model.modules())


def test_an_own_step_of_the_optimizer_stays():
    """A wrapper that someone else put on the instance is there again afterwards."""
    model = network()
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    calls, plain = [], optimizer.step

    def own():
        calls.append(1)
        return plain()

    optimizer.step = own
    with Doctor(model, F.cross_entropy, optimizer, data()):
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(model(data()[0]), data()[1]).backward()
            optimizer.step()
    assert len(calls) == 3
    assert optimizer.step is own


def test_modes_and_gradients_are_left_alone():
    model, optimizer, _, _, doctor = trained(OPTIMIZERS["SGD"], "with")
    model[1].eval()
    modes = [m.training for m in model.modules()]
    gradients = [p.grad.numpy().copy() for p in model.parameters()]
    doctor.diagnosis()
    assert modes == [m.training for m in model.modules()]
    for p, g in zip(model.parameters(), gradients, strict=True):
        assert np.array_equal(p.grad.numpy(), g)


# what it says ---------------------------------------------------------------------------------


def diagnosed(name, seed=0):
    mg.manual_seed(seed)
    case = PATIENTS[name].make(seed)
    with Doctor(case.model, case.loss, case.optimizer, case.data) as doctor:
        (case.train or fit)(case)
    return doctor, doctor.diagnosis()


def test_the_letter_has_evidence_remedy_and_lesson():
    _, diagnosis = diagnosed("softmax twice")
    letter = str(diagnosis)
    assert "softmax-twice" in diagnosis
    assert not diagnosis.healthy
    assert "[softmax-twice]" in letter
    assert "Remedy:" in letter
    assert "minigrad lab softmax" in letter
    assert max(map(len, letter.splitlines())) <= 92
    # 1 / 10 of the probability for e in ten classes: log(e + 9) - 1
    least = diagnosis.findings[0].numbers["least loss"]
    assert least == pytest.approx(np.log(np.e + 9) - 1)


def test_the_letter_of_the_healthy():
    _, diagnosis = diagnosed("relu network")
    assert diagnosis.healthy
    assert "softmax-twice" not in diagnosis
    assert "No illness found" in str(diagnosis)
    assert diagnosis.observations


def test_the_saddle_that_was_left_on_a_copy():
    """y = w₁w₂x at (0, 0): eigenvalues ±2, and a loss of 1 that can fall to 0."""
    _, diagnosis = diagnosed("at the saddle")
    numbers = next(f for f in diagnosis.findings if f.name == "saddle").numbers
    assert numbers["lowest"] == pytest.approx(-2, abs=0.01)
    assert numbers["highest"] == pytest.approx(2, abs=0.01)
    assert 0.9 < numbers["decrease"] <= 1.0


def test_where_a_number_was_born():
    class Root(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(6, 3)

        def forward(self, x):
            return self.linear(x).sqrt()  # of negative numbers

    mg.manual_seed(0)
    model = Root()
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    x, y = data()
    with Doctor(model, F.cross_entropy, optimizer, (x, y)) as doctor:
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    (finding,) = doctor.diagnosis().findings
    assert finding.name == "not-a-number"
    assert finding.numbers["operation"] == "Sqrt"
    assert "self.linear(x).sqrt()" in " ".join(finding.evidence)
    assert finding.numbers["line"] == Root.forward.__code__.co_firstlineno + 1


def test_a_page_that_needs_nothing_else(tmp_path):
    pytest.importorskip("matplotlib")
    doctor, _ = diagnosed("dead units")
    path = doctor.report(tmp_path / "why.html")
    page = path.read_text()
    assert "dead-relu" in page
    assert page.count("<svg") >= 4
    assert "http-equiv" not in page.lower()
    assert 'src="http' not in page
    assert "绘" not in page
    chinese = doctor.report(tmp_path / "zh.html", language="zh").read_text()
    assert 'lang="zh' in chinese


# what it refuses ------------------------------------------------------------------------------


def good():
    model = network()
    return [model, F.cross_entropy, mg.optim.SGD(model.parameters(), lr=0.1), data()]


@pytest.mark.parametrize("place", range(4), ids=["model", "loss", "optimizer", "data"])
def test_other_arguments_are_type_errors(place):
    arguments = good()
    arguments[place] = 3
    with pytest.raises(TypeError, match="Doctor: "):
        Doctor(*arguments)


def test_data_that_looking_would_use_up():
    arguments = good()
    arguments[3] = iter([data()])
    with pytest.raises(TypeError, match="Doctor: .*iterator"):
        Doctor(*arguments)


def test_every_must_be_positive():
    with pytest.raises(ValueError, match="every"):
        Doctor(*good(), every=0)


def test_nothing_watched():
    with pytest.raises(RuntimeError, match="was not called"):
        Doctor(*good()).diagnosis()


def test_the_lab_hands_on_the_doctor():
    assert mg.lab.Doctor is Doctor


def test_generators_of_all_kinds_stand_still():
    import random

    arguments = good()
    own = np.random.default_rng(5)
    arguments[3] = DataLoader(TensorDataset(*data()), batch_size=8, shuffle=True, generator=own)

    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(6, 3)

        def forward(self, x):
            return self.linear(x) + np.random.rand() + random.random() + mg.rand(1)

    model = Noisy()
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    with Doctor(model, F.cross_entropy, optimizer, arguments[3]) as doctor:
        for x, y in arguments[3]:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()

    def states():
        generators = mg.default_generator(), own
        return (
            repr([g.bit_generator.state for g in generators]),
            repr(random.getstate()),
            repr(np.random.get_state()),
        )

    before = states()
    doctor.diagnosis()
    assert states() == before


def test_another_model_trained_meanwhile_is_not_heard():
    arguments = good()
    other = network()
    theirs = mg.optim.SGD(other.parameters(), lr=0.1)
    with Doctor(*arguments) as doctor:
        for _ in range(4):
            for model, optimizer in ((arguments[0], arguments[2]), (other, theirs)):
                optimizer.zero_grad()
                F.cross_entropy(model(data()[0]), data()[1]).backward()
                optimizer.step()
    assert doctor.record.backwards == doctor.record.steps == 4
