"""Holds every lock of the package, so that a fork finds them all taken."""

import gc
import threading

PACKAGE = "flask_workos_sessions"
LOCKS = (type(threading.Lock()), type(threading.RLock()))


def hold_every_lock():
    """Take them in a thread that never lets go: the names of their owners' classes."""
    names, held = [], threading.Event()

    def hold():
        for owner in gc.get_objects():
            if type(owner).__module__.partition(".")[0] == PACKAGE:
                names.extend(
                    f"{type(owner).__name__}.{name}"
                    for name, value in attributes(owner)
                    if take(value)
                )
        held.set()
        threading.Event().wait()

    threading.Thread(target=hold, daemon=True).start()
    assert held.wait(10)
    return sorted(names)


def attributes(owner):
    slots = [name for kind in type(owner).__mro__ for name in getattr(kind, "__slots__", ())]
    for name in {*slots, *getattr(owner, "__dict__", ())}:
        value = getattr(owner, name, None)
        # A lock may lie beside the id of its process.
        for each in value if isinstance(value, tuple) else (value,):
            yield name, each


def take(value):
    """Whether it is a lock; it is held from now on."""
    if isinstance(value, threading.Condition):
        value = value._lock
    if isinstance(value, threading.Semaphore):
        while value.acquire(blocking=False):
            pass
        value = value._cond._lock
    if not isinstance(value, LOCKS):
        return False
    value.acquire()
    return True
