"""The pool of threads: every piece once, the same bits for any number, no hang after a fork."""

import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import _loader, kernels

compiled = pytest.mark.skipif(not _loader.compiled, reason="the uncompiled build has no threads")
forks = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="the system has no fork"
)


@pytest.fixture(autouse=True)
def restore():
    before = mg.get_num_threads()
    yield
    mg.set_num_threads(before)


def work(seed=0):
    """A little of every kernel that may use threads, large enough that it does."""
    chance = np.random.default_rng(seed)
    x = chance.standard_normal((600, 517)).astype(np.float32)
    w = chance.standard_normal((517, 400)).astype(np.float32)
    t = mg.tensor(x, requires_grad=True)
    u = mg.tensor(w, requires_grad=True)
    h = mg.nn.functional.batch_norm(t @ u, None, None, training=True).tanh()
    loss = mg.nn.functional.cross_entropy(h, mg.tensor(chance.integers(0, 400, 600)))
    loss.backward()
    big = chance.standard_normal((33, 20011))
    image = mg.tensor(chance.standard_normal((8, 3, 30, 30)), requires_grad=True)
    kernel = mg.tensor(chance.standard_normal((16, 3, 3, 3)), requires_grad=True)
    mg.nn.functional.conv2d(image, kernel, padding=1).square().sum().backward()
    return [
        loss.detach().numpy(),
        t.grad.numpy(),
        u.grad.numpy(),
        image.grad.numpy(),
        kernel.grad.numpy(),
        kernels.exp(big),
        kernels.sum(big),
        kernels.sum(big, 0),
        kernels.sum(big, 1),
        kernels.matmul(big, big.T),
        kernels.matmul(x.astype(np.float64).T, x.astype(np.float64)),
        kernels.softmax(big),
    ]


def same_bits(results, expected):
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(results, expected))


def digest(_=None):
    return [float(np.abs(a).sum()) for a in work()]


@compiled
@pytest.mark.parametrize("threads", [2, 3, 8])
def test_any_number_of_threads_gives_the_same_bits(threads):
    mg.set_num_threads(1)
    expected = work()
    mg.set_num_threads(threads)
    for _ in range(3):
        assert same_bits(work(), expected)


@compiled
def test_python_threads_share_the_pool():
    mg.set_num_threads(1)
    expected = work()
    mg.set_num_threads(2)
    with ThreadPoolExecutor(4) as pool:
        for results in pool.map(lambda _: work(), range(8)):
            assert same_bits(results, expected)


@compiled
def test_a_thread_that_ends_leaves_the_pool_usable():
    mg.set_num_threads(2)
    for _ in range(3):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(60)
        assert not thread.is_alive()
    work()


def _child(queue):
    queue.put((mg.get_num_threads(), digest()))


@forks
@compiled
def test_a_forked_child_does_not_hang_and_has_one_thread():
    mg.set_num_threads(2)
    expected = digest()
    context = multiprocessing.get_context("fork")
    for _ in range(3):
        queue = context.Queue()
        child = context.Process(target=_child, args=(queue,))
        child.start()
        threads, result = queue.get(timeout=60)
        child.join(60)
        assert child.exitcode == 0
        assert (threads, result) == (1, expected)
    assert digest() == expected  # and the parent goes on


def _child_with_threads(queue):
    mg.set_num_threads(2)
    queue.put(digest())


@forks
@compiled
def test_a_forked_child_may_ask_for_threads():
    mg.set_num_threads(2)
    expected = digest()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_child_with_threads, args=(queue,))
    child.start()
    assert queue.get(timeout=60) == expected
    child.join(60)
    assert child.exitcode == 0


@forks
@compiled
def test_a_process_pool_of_forks_works():
    mg.set_num_threads(2)
    expected = digest()
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        for result in pool.map(digest, range(4), timeout=120):
            assert result == expected


@pytest.mark.parametrize("bad", [0, -1, 1.5, "2", None, True])
def test_a_number_of_threads_is_a_positive_integer(bad):
    with pytest.raises(ValueError, match="set_num_threads"):
        mg.set_num_threads(bad)


@compiled
def test_the_number_is_read_back():
    mg.set_num_threads(3)
    assert mg.get_num_threads() == 3
    assert mg.get_config()["threads"] == "3"
    mg.set_num_threads(1000)
    assert mg.get_num_threads() == 64


def in_fresh_process(code, folder, **environment):
    """Run `code` with the minigrad of this test, from a folder that is not its source tree."""
    env = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    env["PYTHONPATH"] = str(Path(mg.__file__).parent.parent)
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env=env | environment, cwd=folder, capture_output=True, text=True
    )


@compiled
def test_the_environment_sets_the_number(tmp_path):
    code = "import minigrad as mg; print(mg.get_num_threads())"
    asked = {"MINIGRAD_NUM_THREADS": "3", "OMP_NUM_THREADS": "2"}
    assert in_fresh_process(code, tmp_path, **asked).stdout == "3\n"
    assert in_fresh_process(code, tmp_path, OMP_NUM_THREADS="2").stdout == "2\n"
    wrong = in_fresh_process(code, tmp_path, MINIGRAD_NUM_THREADS="many")
    assert wrong.returncode and "MINIGRAD_NUM_THREADS='many'" in wrong.stderr
