"""A lock among the threads of one process, whatever its parent's threads did."""

from __future__ import annotations

import os
import threading
import time

import pytest

from flask_workos_sessions.coordination import process_lock
from flask_workos_sessions.coordination.process_lock import ProcessLock

THREADS = 4


class SlowThreading:
    """A lock takes long to make: all threads come before the first one has it."""

    @staticmethod
    def Lock():  # noqa: N802
        time.sleep(0.02)
        return threading.Lock()


def crowd(lock):
    """The errors of threads that want it at once, and how many had it at the same time."""
    errors, inside, most = [], [], []

    def enter():
        try:
            with lock:
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.02)
                inside.pop()
        except RuntimeError as error:
            errors.append(error)

    threads = [threading.Thread(target=enter) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    return errors, max(most), [thread for thread in threads if thread.is_alive()]


def test_one_thread_has_it(monkeypatch):
    monkeypatch.setattr(process_lock, "threading", SlowThreading)
    assert crowd(ProcessLock()) == ([], 1, [])


def test_one_thread_of_a_child_has_it_from_the_first_use_on(monkeypatch):
    lock = ProcessLock()
    with lock:  # which the child must not wait for
        monkeypatch.setattr(process_lock, "threading", SlowThreading)
        with monkeypatch.context() as child:
            child.setattr("os.getpid", lambda: -7)
            assert crowd(lock) == ([], 1, [])


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_does_not_inherit_it_locked():
    lock, held, done = ProcessLock(), threading.Event(), threading.Event()

    def hold():
        with lock:
            held.set()
            done.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(5)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if crowd(lock) == ([], 1, []) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    done.set()
    holder.join()
