"""``flask workos doctor``: whether the app is set up as it should be, and what to do if not."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stdout
from types import TracebackType
from typing import IO, Any

import click
from flask import Flask
from flask.cli import NoAppException, ScriptInfo, pass_script_info
from werkzeug.middleware.proxy_fix import ProxyFix

from .conflicts import store_conflicts
from .doctor.examination import examine
from .doctor.finding import CHECKS, Finding, fault, ok, warning, without_warnings_of
from .doctor.report import as_json, as_text, failed
from .doctor.subject import Subject
from .errors import ConfigurationError
from .events_poller import last_read
from .parts import PARTS
from .settings import Settings, read_settings
from .validators import InvalidValue, url
from .web_server import push_conflicts

#: Layers of middleware that are looked through.
_LAYERS = 20


@click.command("doctor")
@click.option("--json", "for_program", is_flag=True, help="Print JSON.")
@click.option("--strict", is_flag=True, help="Warnings make the status 1 too.")
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="CHECK",
    type=click.Choice(list(CHECKS)),
    help="Let the warnings of this check be (the name in brackets). Can be given several times.",
)
@click.option("--offline", is_flag=True, help="Send nothing to any host.")
@click.option(
    "--token-file",
    type=click.File("r", encoding="utf-8", errors="replace"),  # it may be any file
    help="A real access token in a file (- for stdin), which tells the issuer. It is not shown.",
)
@click.option(
    "--webhook-url",
    metavar="URL",
    callback=lambda context, option, value: _checked_url(value),
    help="Where your webhook route answers: something unsigned is posted there.",
)
@pass_script_info
def doctor_command(
    info: ScriptInfo,
    for_program: bool,
    strict: bool,
    ignored: tuple[str, ...],
    offline: bool,
    token_file: IO[str] | None,
    webhook_url: str | None,
) -> None:
    """Check the settings, the shared state, and WorkOS as it answers.

    It works without a valid app too: then it says what is wrong with it. The status is 1 when
    there is a fault. It shows no secret.
    """
    if offline and webhook_url:
        raise click.UsageError(
            "--webhook-url asks a host, and --offline forbids it: leave one out."
        )
    with redirect_stdout(sys.stderr):  # what an app prints while it is made is no report
        subject, about_the_app = _subject(info)
    token = None if token_file is None else token_file.read()
    examined = examine(subject, offline=offline, token=token, webhook_url=webhook_url)
    findings = without_warnings_of(ignored, [about_the_app, versions(), *examined])
    click.echo((as_json if for_program else as_text)(subject, findings))
    if failed(findings, strict=strict):
        raise SystemExit(1)


def versions() -> Finding:
    """What runs here: the first thing that somebody asks who is to help."""
    named = ("Flask-WorkOS-Sessions", "Flask", "Werkzeug")
    told = [f"{name} {importlib.metadata.version(name)}" for name in named]
    return ok("versions", f"{', '.join(told)}, Python {platform.python_version()}.")


def _subject(info: ScriptInfo) -> tuple[Subject, Finding]:
    """What can be examined, and what became of the app."""
    try:
        app = info.load_app()
    except ConfigurationError as error:
        made = _app_of(error.__traceback__)
        subject = (
            _environment(error.faults)
            if made is None
            else _of_app(made, error.faults, to_the_end=False)
        )
        if not subject.faults:
            return subject, ok("app", "The app starts where gevent or eventlet serves it.")
        what = "The app does not start: its settings are wrong."
        return subject, fault("app", what, "", "See the faults below.")
    except NoAppException:
        if info.app_import_path is None:
            what = "There is no app at hand: the environment alone is checked."
            remedy = "Name it: flask --app … workos doctor"
            return _environment(), warning("app", what, "", remedy)
        return _environment(), _unloaded("it is not found, or cannot be imported")
    except Exception as error:
        # Anything of the app's own; what it says may hold a secret.
        return _environment(), _unloaded(type(error).__name__)
    if PARTS not in app.extensions:
        what = "The extension is not set up on this app."
        return _of_app(app), fault("app", what, "", "Call WorkOSSessions(app), or init_app(app).")
    return _of_app(app), ok("app", f"The app {app.name} starts.")


def _unloaded(why: str) -> Finding:
    return fault(
        "app",
        f"The app cannot be loaded ({why}): the environment alone is checked.",
        "",
        "`flask --app … routes` shows the error.",
    )


def _environment(faults: Sequence[str] = ()) -> Subject:
    settings, _ = read_settings({}, os.environ)
    more = (*faults, *store_conflicts(settings, given=False, testing=False))
    return Subject.of({}, os.environ, _certain((*more, *push_conflicts(settings)), settings))


def _of_app(app: Flask, faults: Sequence[str] = (), *, to_the_end: bool = True) -> Subject:
    parts = app.extensions.get(PARTS)
    settings, _ = read_settings(app.config, os.environ)
    if parts is None:
        conflicts = store_conflicts(settings, given=False, testing=app.testing)
        faults = (*faults, *conflicts, *push_conflicts(settings))
    return Subject.of(
        app.config,
        os.environ,
        _certain(faults, settings),
        testing=app.testing,
        instance_path=app.instance_path,
        made=to_the_end,
        proxy_fix=_proxy_fix(app),
        last_polled=None if parts is None else lambda: last_read(parts.state),
    )


def _certain(faults: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """What is wrong wherever the app is served. A command has threads where the server has
    greenlets, if these are installed: :func:`~flask_workos_sessions.doctor.pages.push` tells."""
    if not any(importlib.util.find_spec(name) for name in ("gevent", "eventlet")):
        return tuple(faults)
    here_only = push_conflicts(settings)
    return tuple(each for each in faults if each not in here_only)


def _app_of(trace: TracebackType | None) -> Flask | None:
    """The app that could not be set up. The error does not carry it: whatever logs the error would
    have its secrets."""
    for frame, _ in traceback.walk_tb(trace):
        app = frame.f_locals.get("app")
        if frame.f_code.co_name == "init_app" and isinstance(app, Flask):
            return app
    return None


def _proxy_fix(app: Flask) -> ProxyFix | None:
    layer: Any = app.wsgi_app
    for _ in range(_LAYERS):
        if isinstance(layer, ProxyFix):
            return layer
        layer = getattr(layer, "app", None) or getattr(layer, "wsgi_app", None)
    return None


def _checked_url(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        return url(value)
    except InvalidValue as invalid:
        raise click.BadParameter(f"It {invalid}.") from None
