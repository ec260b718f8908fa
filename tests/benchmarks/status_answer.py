"""What a page's question costs: the status answer, beside a bare Flask view."""

from __future__ import annotations

import itertools

from flask import Flask
from measuring import Case, Limits, line, medians, repeated
from sample import Sample, bare_app, environ, get


def run(limits: Limits) -> None:
    print("A status answer (10 permissions, 5 feature flags)")
    sample = Sample()
    cookie = sample.cookies(1)[0]
    cases: dict[str, Case] = {
        "bare": _requests(bare_app(), cookie, "/", b"Hello Margaret"),
        "status": _requests(sample.app, cookie, "/auth/session", b'"state":"active"'),
        "guarded": _requests(sample.app, cookie, "/", b"Hello Margaret"),
    }
    times = medians(cases, rounds=60, number=100)
    line("bare Flask view", times["bare"], "us")
    line("a guarded view", times["guarded"], "us")
    line("the status", times["status"], "us")
    limits.at_most("times a bare Flask view", times["status"] / times["bare"], 2)


def _requests(app: Flask, cookie: str, path: str, holds: bytes) -> Case:
    return repeated(get(app, itertools.repeat(environ(cookie, path)), holds))
