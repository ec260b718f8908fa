"""One signal and one log line for every refusal and failed sign-in (security G6)."""

from __future__ import annotations

import logging
from typing import TypeVar

from flask import request

from . import signals
from .errors import Refused

log = logging.getLogger("flask_workos_sessions")

AnyRefusal = TypeVar("AnyRefusal", bound=Refused)


def report(error: AnyRefusal) -> AnyRefusal:
    """Tell of a refusal, once, and return it to be raised.

    It is told where it happens, so that an error handler of the app which answers in its own way
    hides nothing from who listens.
    """
    if not error.reported:
        error.reported = True
        signals.send(signals.refused, error=error)
        rule = request.url_rule.rule if request.url_rule else None
        log.info("Refused %s %r: %s.", request.method, rule, error.error)
    return error


def report_failed_sign_in(reason: str) -> None:
    """Tell of a sign-in that did not succeed. ``reason`` is a fixed word."""
    signals.send(signals.sign_in_failed, reason=reason)
    log.info("A sign-in did not succeed: %s.", reason)
