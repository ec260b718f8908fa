"""Holds every lock of the package, so that a fork finds them all taken."""

import gc
import os
import threading

PACKAGE = "flask_workos_sessions"
LOCKS = (type(threading.Lock()), type(threading.RLock()))


def hold_every_lock(forks):
    """Take them in another thread, until so many processes were forked: where they were found."""
    names, held, enough = [], threading.Event(), threading.Semaphore(0)
    os.register_at_fork(after_in_parent=enough.release)

    def hold():
        taken = []
        for owner in gc.get_objects():
            if str(type(owner).__module__).partition(".")[0] == PACKAGE:
                for name, lock in locks_of(owner):
                    lock.acquire()
                    taken.append(lock)
                    names.append(f"{type(owner).__name__}.{name}")
        held.set()
        for _ in range(forks):
            enough.acquire()
        for lock in taken:
            lock.release()

    threading.Thread(target=hold, daemon=True).start()
    assert held.wait(10)
    return sorted(names)


def locks_of(owner):
    slots = [name for kind in type(owner).__mro__ for name in getattr(kind, "__slots__", ())]
    for name in {*slots, *getattr(owner, "__dict__", ())}:
        value = getattr(owner, name, None)
        # A lock may lie beside the id of its process.
        several = value.values() if isinstance(value, dict) else value
        for each in several if isinstance(value, dict | tuple) else (value,):
            if isinstance(each, threading.Semaphore):
                each = each._cond
            if isinstance(each, threading.Condition):
                each = each._lock
            if isinstance(each, LOCKS):
                yield name, each
