"""Push is refused where it would take the server from everybody, and says what helps."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from flask import Flask
from gunicorn.app.base import BaseApplication

from flask_workos_sessions import ConfigurationError, WorkOSSessions
from flask_workos_sessions.parts import PARTS
from flask_workos_sessions.testing import settings
from flask_workos_sessions.web_server import (
    has_green_threads,
    is_concurrent,
    is_sync_gunicorn,
)

PUSH = {"WORKOS_UI_PUSH": "sse"}


def make(**config):
    app = Flask("served")
    app.config.update(settings(**config))
    WorkOSSessions(app)
    return app.extensions[PARTS].streams


@pytest.fixture
def loaded(monkeypatch):
    """Loads modules of these names, and none of gunicorn's besides."""

    def load(*names, **modules):
        for name in [each for each in sys.modules if each.startswith("gunicorn.workers.")]:
            monkeypatch.delitem(sys.modules, name)
        for name in names:
            monkeypatch.setitem(sys.modules, f"gunicorn.workers.{name}", SimpleNamespace())
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name.replace("__", "."), module)

    return load


@pytest.fixture
def green(loaded):
    patched = SimpleNamespace(is_module_patched=lambda name: name == "threading")
    return lambda *names: loaded(*names, gevent__monkey=patched)


def test_without_push_nothing_is_asked_of_the_server(loaded):
    loaded("sync")
    assert make() is None


def test_a_budget_has_to_be_set(loaded):
    loaded()
    with pytest.raises(ConfigurationError) as raised:
        make(**PUSH)
    (fault,) = raised.value.faults
    assert "WORKOS_UI_PUSH_STREAMS" in fault
    assert "at most a quarter of a worker's threads" in fault
    assert make(**PUSH, WORKOS_UI_PUSH_STREAMS=4).most == 4


def test_where_threads_cost_nothing_there_is_a_default(green):
    green("ggevent")
    assert make(**PUSH).most == 1_000
    assert make(**PUSH, WORKOS_UI_PUSH_STREAMS=7).most == 7


def test_gunicorn_with_preload_patches_only_after_the_app_is_made(loaded):
    loaded("ggevent")
    assert make(**PUSH).most == 1_000


def test_eventlet_counts_too(loaded):
    loaded(eventlet__patcher=SimpleNamespace(is_monkey_patched=lambda name: name == "thread"))
    assert has_green_threads()


def test_sync_workers_are_refused_whatever_is_set(loaded):
    loaded("sync", "base")
    with pytest.raises(ConfigurationError, match=r"gunicorn's sync workers.*--threads 16"):
        make(**PUSH, WORKOS_UI_PUSH_STREAMS=4)


@pytest.mark.parametrize("other", ["gthread", "ggevent", "gtornado", "gasgi"])
def test_another_worker_beside_it_is_the_one_that_serves(loaded, other):
    loaded("sync", other)
    assert not is_sync_gunicorn()


class Served(BaseApplication):
    """An app as gunicorn loads it, with gunicorn's own code."""

    def __init__(self, options, **config):
        self.options, self.given = options, config
        super().__init__()

    def load_config(self):
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self):
        return make(**PUSH, **self.given)


@pytest.mark.parametrize(
    ("streams", "threads", "remedy"),
    [
        (16, 16, "Set --threads to 64, or it to 4."),
        (15, 16, "Set --threads to 60, or it to 4."),
        (100, 8, "Set --threads to 400, or it to 2."),
        (1, 2, "Set --threads to 4."),
        (1, 1, "Set --threads to 4."),
    ],
)
def test_a_budget_that_would_take_every_thread_is_refused(loaded, streams, threads, remedy):
    loaded("gthread")
    served = Served({"threads": threads}, WORKOS_UI_PUSH_STREAMS=streams)
    with pytest.raises(ConfigurationError) as raised:
        served.wsgi()
    (fault,) = raised.value.faults
    assert f"answers {threads} requests at a time (--threads)" in fault
    assert fault.endswith(remedy)


@pytest.mark.parametrize(("streams", "threads"), [(14, 16), (4, 16), (1, 3)])
def test_a_budget_that_leaves_a_thread_is_taken(loaded, streams, threads):
    loaded("gthread")
    assert Served({"threads": threads}, WORKOS_UI_PUSH_STREAMS=streams).wsgi().most == streams


@pytest.mark.parametrize(("connections", "streams"), [(1000, 500), (600, 300), (9000, 1000)])
def test_greenlets_leave_half_of_the_connections(green, connections, streams):
    green("ggevent")
    assert Served({"worker_connections": connections}).wsgi().most == streams


def test_greenlets_that_would_take_every_connection_are_refused(green):
    green("ggevent")
    served = Served({"worker_connections": 1000}, WORKOS_UI_PUSH_STREAMS=999)
    with pytest.raises(ConfigurationError, match=r"\(--worker-connections\).* or it to 500\."):
        served.wsgi()
    served = Served({"worker_connections": 1000}, WORKOS_UI_PUSH_STREAMS=998)
    assert served.wsgi().most == 998


def test_what_is_no_gunicorn_is_not_asked_how_many_threads_it_has(loaded):
    loaded("gthread")
    assert make(**PUSH, WORKOS_UI_PUSH_STREAMS=100).most == 100


@pytest.mark.parametrize("value", ["0", 0, -1, "four", True, 1.5], ids=lambda value: f"{value!r}")
def test_a_budget_is_a_whole_number(value):
    with pytest.raises(ConfigurationError, match="WORKOS_UI_PUSH_STREAMS must be a whole number"):
        make(**PUSH, WORKOS_UI_PUSH_STREAMS=value)


def test_other_ways_to_push_are_not_known():
    with pytest.raises(ConfigurationError, match="WORKOS_UI_PUSH must be one of off, sse"):
        make(WORKOS_UI_PUSH="mercure")


def test_gevent_s_own_server_has_one_thread_and_answers_many(green, loaded):
    loaded()
    assert not is_concurrent({"wsgi.multithread": False})
    assert is_concurrent({"wsgi.multithread": True})
    green()
    assert is_concurrent({"wsgi.multithread": False})
