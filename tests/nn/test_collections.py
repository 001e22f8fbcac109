"""Modules and parameters in dicts and lists: what they count, how they are named and refused."""

import copy

import pytest

import minigrad as mg
from minigrad import nn


def test_module_dict_is_a_dict_whose_parameters_count():
    d = nn.ModuleDict({"a": nn.Linear(2, 3), "b": nn.ReLU()})
    d["c"] = nn.Linear(3, 1)
    assert list(d) == list(d.keys()) == ["a", "b", "c"] and len(d) == 3 and "b" in d
    assert [k for k, _ in d.items()] == ["a", "b", "c"]
    assert list(d.values())[0] is d["a"] is d.a
    assert list(d.state_dict()) == ["a.weight", "a.bias", "c.weight", "c.bias"]
    relu = d.pop("b")
    assert isinstance(relu, nn.ReLU) and "b" not in d
    d.update([("a", nn.ReLU()), ("z", relu)])
    assert list(d) == ["a", "c", "z"] and isinstance(d["a"], nn.ReLU)
    del d["c"]
    assert not list(d.parameters())
    d.clear()
    assert len(d) == 0


def test_module_dict_refuses():
    d = nn.ModuleDict()
    for wrong in (3, "ab", [1], [("a", 1)], {"a": mg.ones(1)}):
        with pytest.raises(TypeError):
            d.update(wrong)
    for name in ("keys", "training", "a.b", ""):
        with pytest.raises(KeyError):
            d[name] = nn.ReLU()
    with pytest.raises(TypeError):
        d[1] = nn.ReLU()
    with pytest.raises(KeyError, match="missing"):
        d["missing"]
    with pytest.raises(KeyError):
        del d["missing"]
    with pytest.raises(NotImplementedError):
        d(1)


def test_parameter_list_is_a_list_of_parameters():
    memory = mg.zeros(2)
    p = nn.ParameterList([memory, nn.Parameter(mg.ones(3))])
    p.append(mg.ones(1, 2)).extend([mg.ones(4)])
    p += [mg.ones(5)]
    assert [x.shape for x in p] == [(2,), (3,), (1, 2), (4,), (5,)] and len(p) == 5
    assert all(isinstance(x, nn.Parameter) and x.requires_grad for x in p)
    memory.add_(1)
    assert p[0].tolist() == [1.0, 1.0]
    p[-1] = mg.zeros(6)
    assert p[4].shape == (6,) and list(p.state_dict()) == list("01234")
    assert isinstance(p[1:3], nn.ParameterList) and p[1:3][0] is p[1]
    assert copy.deepcopy(p)[1].tolist() == [1.0] * 3
    assert "(2): Parameter containing: [float32 of size 1x2]" in repr(p)
    model = nn.Sequential(nn.Linear(1, 1))
    model.extra = p
    assert len(list(model.parameters())) == 7


def test_parameter_list_refuses():
    p = nn.ParameterList([mg.ones(1)])
    for index in (1, -2):
        with pytest.raises(IndexError, match="ParameterList"):
            p[index]
    for wrong in (3, "ab", mg.ones(2), [nn.ReLU()]):
        with pytest.raises(TypeError):
            p.extend(wrong)
    with pytest.raises(NotImplementedError):
        p(1)


def test_parameter_dict_is_a_dict_of_parameters():
    p = nn.ParameterDict({"a": mg.ones(2)})
    p["b"] = nn.Parameter(mg.zeros(1))
    assert list(p) == ["a", "b"] and "a" in p and len(p) == 2
    assert [k for k, _ in p.items()] == list(p.state_dict()) == ["a", "b"]
    p.update({"a": mg.zeros(3)})
    assert p["a"].shape == (3,) and p.pop("b").shape == (1,) and list(p.keys()) == ["a"]
    del p["a"]
    assert not list(p.values())
    for wrong in (3, [("a", mg.ones(1))], {"a": 3}):
        with pytest.raises(TypeError):
            p.update(wrong)
    with pytest.raises(KeyError):
        p["missing"]
