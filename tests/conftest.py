"""What every test run shares: the installed build, its announcement, Hypothesis profiles.

The tests run on the minigrad that Python would import anywhere. If that is this source tree and
it is not built (as with ``python -m pytest``, which puts the tree first on the path), the tree is
taken off the path, so that the installed package is tested.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _built(package):
    return any(package.glob("engine.*.so")) or any(package.glob("engine.*.pyd"))


if not _built(ROOT / "minigrad") and os.environ.get("MINIGRAD_PURE", "0") in ("", "0"):
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT]

import hypothesis  # noqa: E402
import pytest  # noqa: E402

import minigrad as mg  # noqa: E402

PURE = mg.get_config()["engine"] != "compiled"

# The values come from seeds and the shapes from Hypothesis; a pure run takes a fifth of them.
_common = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": list(hypothesis.HealthCheck),
}
hypothesis.settings.register_profile("default", max_examples=5 if PURE else 25, **_common)
hypothesis.settings.register_profile("long", max_examples=2000, **_common)
hypothesis.settings.load_profile(os.environ.get("MINIGRAD_TEST_PROFILE", "default"))


def pytest_report_header(config):
    facts = mg.get_config()
    build = f"{facts['engine']} ({facts['reason']}), kernels {facts['cpu level']}"
    return f"minigrad: {build}, from {Path(mg.__file__).parent}"


@pytest.fixture(autouse=True)
def _seeded():
    mg.manual_seed(0)


@pytest.fixture
def pure():
    """Whether the uncompiled build runs (smaller sizes then)."""
    return PURE
