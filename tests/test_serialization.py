"""Checkpoints: everything comes back as it was; nothing is half written; nothing is run."""

import json
import math
import os
import pickle
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad import serialization

PACKAGE = Path(mg.__file__).parent
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"]
arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**40), 10**40),
    st.floats(),
    st.text(),
    st.sampled_from(["\ud800", "minigrad", "a.b", "a\x00b", "__metadata__", ""]),
)
keys = st.one_of(scalars, st.tuples(st.integers(), st.text()))
leaves = st.one_of(
    scalars,
    arrays,
    arrays.map(mg.tensor),
    arrays.map(lambda a: mg.tensor(a.T, dtype="float64", requires_grad=True)),
    st.sampled_from([np.float32(1.5), np.int8(-3), np.bool_(True)]),
)
objects = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
    ),
    max_leaves=12,
)


def assert_same(a, b):
    """b is what a must be after a round trip."""
    if isinstance(a, mg.Tensor):
        assert type(b) is mg.Tensor and not b.requires_grad
        a, b = a.detach().numpy(), b.numpy()
    assert type(a) is type(b)
    if isinstance(a, (np.ndarray, np.generic)):
        assert a.dtype == b.dtype and a.shape == b.shape
        if isinstance(a, np.ndarray):
            assert b.flags.c_contiguous and b.flags.writeable
        np.testing.assert_array_equal(a, b)
    elif isinstance(a, dict):
        assert len(a) == len(b)
        for (key, value), (other, found) in zip(a.items(), b.items(), strict=True):
            assert_same(key, other)
            assert_same(value, found)
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    elif isinstance(a, float):
        assert math.isnan(b) if math.isnan(a) else a.hex() == b.hex()
    else:
        assert a == b


@pytest.fixture(params=[".npz", ".safetensors"])
def path(request, tmp_path):
    if request.param == ".safetensors":
        pytest.importorskip("safetensors")
    return tmp_path / f"checkpoint{request.param}"


@given(obj=objects)
def test_round_trip(path, obj):
    mg.save(obj, path)
    assert_same(obj, mg.load(path))


def test_round_trip_of_what_is_easily_lost(path):
    same_name = {"a": {"b": mg.ones(1)}, "a.b": mg.zeros(2), "minigrad": mg.ones(3)}
    numbers = [-0.0, math.inf, -math.inf, math.nan, 5e-324, 10**5000, -(2**63), True, 1, 1.0]
    assert_same(same_name, mg.load(mg.save(same_name, path) or path))
    assert_same(numbers, mg.load(mg.save(numbers, path) or path))
    keys = {0: 1, "0": 2, (0, "0"): 3, None: 4, 1.5: 5, "x": 6}
    assert_same(keys, mg.load(mg.save(keys, path) or path))
    assert_same(mg.tensor(3), mg.load(mg.save(mg.tensor(3), path) or path))
    ordered = mg.load(mg.save(OrderedDict(b=1, a=2), path) or path)
    assert type(ordered) is dict and list(ordered) == ["b", "a"]


def test_arrays_of_other_dtypes_in_npz(tmp_path):
    kept = [
        np.array(["ab", "c"]),
        np.float16([1.5]),
        np.array([1 + 2j]),
        np.array("2020", "M8[Y]"),
    ]
    kept.append(np.array([(1, 2.5)], dtype=[("i", "i4"), ("f", "f8")]))
    mg.save(kept, tmp_path / "a.npz")
    assert_same(kept, mg.load(tmp_path / "a.npz"))
    with pytest.raises(TypeError, match=r"\[0\] has dtype <U2"):
        mg.save(kept, tmp_path / "a.safetensors")


def test_training_goes_on_from_a_checkpoint(path):
    def build():
        w = mg.tensor([1.0, -2.0], requires_grad=True)
        optimizer = mg.optim.Adam([w], lr=0.1)
        return w, optimizer, mg.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)

    def train(w, optimizer, scheduler):
        for _ in range(5):
            optimizer.zero_grad()
            (w**4).sum().backward()
            optimizer.step()
            scheduler.step()

    w, optimizer, scheduler = build()
    train(w, optimizer, scheduler)
    states = (optimizer.state_dict(), scheduler.state_dict())
    mg.save({"model": {"w": w}, "states": states, "epoch": 5}, path)
    train(w, optimizer, scheduler)
    v, optimizer, scheduler = build()
    loaded = mg.load(path)
    v.data = loaded["model"]["w"]
    optimizer.load_state_dict(loaded["states"][0])
    scheduler.load_state_dict(loaded["states"][1])
    train(v, optimizer, scheduler)
    np.testing.assert_array_equal(w.detach().numpy(), v.detach().numpy())


# Other programs -----------------------------------------------------------------------------


def test_npz_is_an_archive_that_numpy_reads(tmp_path):
    mg.save({"layer": {"0.weight": mg.eye(2)}, "n": 3}, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert set(archive) == {"layer.0.weight", "minigrad"}
        np.testing.assert_array_equal(archive["layer.0.weight"], np.eye(2))
        assert json.loads(archive["minigrad"].tobytes())["minigrad"] == 1


def test_equal_objects_make_equal_files(path):
    mg.save({"a": mg.ones(3)}, path)
    first = path.read_bytes()
    mg.save({"a": mg.ones(3)}, path)
    assert path.read_bytes() == first


def test_safetensors_of_pytorch_both_ways(tmp_path):
    torch = pytest.importorskip("torch")
    files = pytest.importorskip("safetensors.torch")
    state = {"0.weight": mg.rand(3, 2), "0.bias": mg.arange(3), "scale": mg.tensor(2.0)}
    mg.save(state, tmp_path / "ours.safetensors")
    theirs = files.load_file(tmp_path / "ours.safetensors")
    assert set(theirs) == set(state)
    for name, value in state.items():
        np.testing.assert_array_equal(theirs[name].numpy(), value.numpy())
    files.save_file({k: v.clone() for k, v in theirs.items()}, tmp_path / "theirs.safetensors")
    back = mg.load(tmp_path / "theirs.safetensors")
    assert_same({k: state[k] for k in back}, back)
    files.save_file({"h": torch.zeros(2, dtype=torch.float16)}, tmp_path / "half.safetensors")
    with pytest.raises(ValueError, match="float16"):
        mg.load(tmp_path / "half.safetensors")


def test_without_the_package_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for call in (lambda p: mg.save({}, p), mg.load):
        with pytest.raises(ImportError, match=r"pip install safetensors .*minigrad-cython\["):
            call(tmp_path / "a.safetensors")
    mg.save({}, tmp_path / "a.npz")


# Refusals -----------------------------------------------------------------------------------


def test_unsupported_objects_are_named_by_their_place(path):
    for obj, message in [
        ({"state": {"fn": lambda: 0}}, r"state\.fn is a function"),
        ({"state": [1, {2: {1, 2}}]}, r"state\[1\]\[2\] is of type set"),
        (len, "the object is a function"),
        ([1 + 2j], r"\[0\] is of type complex"),
        ({"a": np.array([object()])}, "a is an array of dtype object; .* pickled"),
        ({"a": {frozenset(): 1}}, r"a has a key frozenset\(\), of type frozenset"),
        ({"a": np.ma.masked_array([1.0], [True])}, "a is of type MaskedArray"),
        ({"a": st}, "a is of type module"),
    ]:
        with pytest.raises(TypeError, match=f"save: {message}"):
            mg.save(obj, path)
        assert not list(path.parent.iterdir())
    cycle = {"a": [1]}
    cycle["a"].append(cycle)
    with pytest.raises(ValueError, match=r"a\[1\] contains itself"):
        mg.save(cycle, path)
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="too deeply"):
        mg.save(deep, path)
    while deep:  # freed by recursion, it would overflow the stack too
        deep = deep.pop()
    twice = [[1], "x"]
    assert_same([twice, twice], mg.load(mg.save([twice, twice], path) or path))


def test_wrong_suffix():
    for call in (lambda p: mg.save({}, p), mg.load):
        with pytest.raises(ValueError, match=r"must end in \.npz or \.safetensors, got 'a\.pt'"):
            call("a.pt")


def test_missing_file(path):
    with pytest.raises(FileNotFoundError):
        mg.load(path)


def test_foreign_and_damaged_files(path):
    obj = {"w": mg.arange(50.0), "n": [1, 2.5, "text"]}
    mg.save(obj, path)
    whole = path.read_bytes()
    pieces = [b"", b"not a checkpoint", whole[:-30], whole[: len(whole) // 2], whole[30:]]
    for data in [*pieces, pickle.dumps({"a": 1})]:
        path.write_bytes(data)
        with pytest.raises(ValueError, match="load: .* cannot be read: .*damaged"):
            mg.load(path)


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_in_npz_is_noticed_or_harmless(tmp_path, place, bit):
    path = tmp_path / "a.npz"
    obj = {"w": mg.arange(50.0), "n": [1, 2.5, "text"]}
    mg.save(obj, path)
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    path.write_bytes(data)
    try:
        loaded = mg.load(path)
    except ValueError as error:
        assert "cannot be read" in str(error)
    else:
        assert_same(obj, loaded)


def test_pickled_arrays_are_not_read(tmp_path):
    path = tmp_path / "a.npz"

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    np.savez(path, minigrad=np.array([Bomb()], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        mg.load(path)
    assert not (tmp_path / "ran").exists()
    np.savez(path, a=np.ones(2))
    with pytest.raises(ValueError, match=r"no entry 'minigrad'; .* numpy\.load"):
        mg.load(path)


def test_structures_that_minigrad_does_not_write(tmp_path):
    path = tmp_path / "a.npz"
    for text in [
        "3",
        '{"minigrad": 2, "object": null}',
        '{"minigrad": 1}',
        '{"minigrad": 1, "object": [1]}',
        '{"minigrad": 1, "object": {"tensor": "absent"}}',
        '{"minigrad": 1, "object": {"eval": "1"}}',
        '{"minigrad": 1, "object": {"dict": [[{"list": []}, 1]]}}',
        '{"minigrad": 1, "object": {"list": [], "tuple": []}}',
        "[" * 100_000,
    ]:
        np.savez(path, minigrad=np.frombuffer(text.encode(), np.uint8))
        with pytest.raises(ValueError, match="cannot be read"):
            mg.load(path)


# Atomicity ----------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("stage", ["write", "fsync", "replace"])
def test_failure_leaves_the_old_file_whole_and_nothing_beside_it(
    tmp_path, monkeypatch, stage, error
):
    path = tmp_path / "a.npz"
    mg.save({"a": mg.ones(3)}, path)
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise error

    if stage == "write":
        monkeypatch.setattr(np.lib.format, "write_array", fail)
    else:
        monkeypatch.setattr(serialization.os, stage, fail)
    with pytest.raises(type(error)):
        mg.save({"a": mg.zeros(1000)}, path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


KILLED = """
import os, signal, sys
import minigrad as mg
from minigrad import serialization
synced = serialization.os.fsync
def die(fd):
    synced(fd)
    os.kill(os.getpid(), signal.SIGKILL)
serialization.os.fsync = die
mg.save({"a": mg.zeros(1000)}, sys.argv[1])
"""


def test_kill_in_the_middle_leaves_the_old_file_whole(path):
    mg.save({"a": mg.ones(3)}, path)
    before = path.read_bytes()
    command = [sys.executable, "-c", KILLED, str(path)]
    run = subprocess.run(command, check=False, timeout=60, cwd=PACKAGE.parent)
    assert run.returncode == -9
    assert path.read_bytes() == before


def test_replaced_file_keeps_its_mode_and_links(tmp_path):
    path, link = tmp_path / "a.npz", tmp_path / "link.npz"
    mg.save(1, path)
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()
    path.chmod(0o640)
    link.symlink_to(path)
    mg.save(2, link)
    assert link.is_symlink() and mg.load(path) == 2
    assert path.stat().st_mode & 0o777 == 0o640


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
