"""Work beside the requests: one pool for each process, and no more than there is room for."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from flask_workos_sessions.coordination import background as background_module
from flask_workos_sessions.coordination.background import Background

THREADS = 4


@pytest.fixture
def pools(monkeypatch):
    """The pools that were made, each of them slowly."""
    made = []

    def make(*arguments, **keywords):
        time.sleep(0.05)
        made.append(ThreadPoolExecutor(*arguments, **keywords))
        return made[-1]

    monkeypatch.setattr(background_module, "ThreadPoolExecutor", make)
    yield made
    for pool in made:
        pool.shutdown()


def crowd(background):
    """What threads get that submit at once."""
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(background.submit(lambda: 1).result(5)))
        for _ in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_many_threads_may_be_the_first(pools):
    assert crowd(Background()) == [1] * THREADS
    assert len(pools) == 1


def test_in_a_child_too_and_nothing_goes_to_the_pool_of_its_parent(pools, monkeypatch):
    background = Background()
    crowd(background)
    pools[0].shutdown()  # its threads do not exist there
    monkeypatch.setattr("os.getpid", lambda: -7)
    assert crowd(background) == [1] * THREADS
    assert len(pools) == 2


def test_there_is_room_for_so_many_and_again_when_they_are_done():
    background, go = Background(workers=1, queue=1), threading.Event()
    taken = [background.submit(go.wait, 5) for _ in range(3)]
    assert taken[2] is None
    go.set()
    for future in taken[:2]:
        assert future.result(5)
    while background._waiting:
        time.sleep(0.001)
    assert background.submit(lambda: 2).result(5) == 2
