"""ReduceLROnPlateau against PyTorch, and by hand."""

import math

import pytest
from schedule_table import make, rates, same

import minigrad as mg
from minigrad.optim import lr_scheduler as S

LOSSES = [3.0, 2.0, 1.9995, 1.999, 2.5, 2.1, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.9, math.nan, 0.9] * 7


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 1},
        {"factor": 0.5, "patience": 0, "cooldown": 2},
        {"mode": "max", "patience": 2, "threshold": 0.01, "threshold_mode": "abs"},
        {"threshold": 0.3, "patience": 1, "threshold_mode": "abs", "min_lr": [0.001, 0.1]},
        {"mode": "max", "threshold": 0.1, "patience": 1, "min_lr": 0.01},
        {"patience": 0, "factor": 0.9, "eps": 0.05},
    ],
    ids=lambda options: "-".join(options),
)
def test_plateau_is_pytorchs(options):
    torch = pytest.importorskip("torch")
    seen = []
    for module in (mg, torch):
        optimizer = make(module)
        scheduler = module.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        rows = []
        for loss in LOSSES:
            scheduler.step(module.tensor(loss))
            rows.append([*scheduler.get_last_lr(), scheduler.num_bad_epochs, scheduler.best])
        seen.append(rows)
    same(*seen)


def test_plateau_waits_and_cools_down_and_resumes(tmp_path):
    optimizer = make(rates=(1.0,))
    scheduler = S.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, cooldown=1)
    mg.save(scheduler.state_dict(), tmp_path / "a.npz")
    seen = []
    for _ in range(9):
        scheduler.step(1.0)
        seen.append(optimizer.param_groups[0]["lr"])
    assert seen == [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]
    scheduler.load_state_dict(mg.load(tmp_path / "a.npz"))
    assert scheduler.best == math.inf and scheduler.last_epoch == 0 and not scheduler.in_cooldown


def test_plateau_and_a_new_parameter_group():
    optimizer = make(rates=(1.0,))
    one, many = (S.ReduceLROnPlateau(optimizer, patience=0, min_lr=m) for m in (0.5, [0.5]))
    optimizer.add_param_group({"params": [mg.zeros(1)], "lr": 2.0})
    for scheduler in (one, many):
        scheduler.step(1.0)
    one.step(1.0)
    assert rates(optimizer) == [0.5, 0.5]
    with pytest.raises(RuntimeError, match="1 min_lr were given, and the optimizer now has 2"):
        many.step(1.0)
