"""Fixtures of the tests of optimizers."""

import pytest


@pytest.fixture
def torch_double():
    """PyTorch, with the numbers in its states in double precision, as ours are."""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(before)
