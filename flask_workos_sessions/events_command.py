"""``flask workos events``: the events poller as a process, in the foreground."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click
from flask import current_app
from flask.cli import with_appcontext

from .coordination.lease import Leases
from .events_poller import LEADER_SECONDS, EventsPoller
from .parts import Parts, current_parts
from .reactions import Unrecorded
from .workos.event_page import EventsRefused, EventsUnavailable


@click.command("events")
@click.option("--once", is_flag=True, help="Read what there is, and end: for a timer.")
@with_appcontext
def events_command(once: bool) -> None:
    """Read what has happened at WorkOS, and tell every process of the app.

    It runs until it is told to stop (SIGTERM, Ctrl-C). Start it on several hosts if you like: one
    of them reads, and another goes on if that one ends.
    """
    parts = _parts()
    stop = threading.Event()
    poller = EventsPoller(
        parts.client.list_events,
        parts.reactions,
        parts.state,
        Leases(parts.state, seconds=LEADER_SECONDS),
        types=(*parts.reactions.types, *parts.settings.events_types),
        interval=parts.settings.events_interval,
        clock=parts.clock,
        wait=stop.wait,
        raised=_log_exception,
    )
    try:
        with _stopped_by_signals(stop):
            if once:
                if not poller.once():
                    click.echo("Another process reads WorkOS's events; nothing was done.")
                return
            click.echo(
                f"Reading WorkOS's events every {parts.settings.events_interval} seconds. "
                "Ctrl-C stops it."
            )
            poller.run()
            click.echo("Stopped.")
    except EventsRefused as refused:
        raise click.ClickException(str(refused)) from None
    except EventsUnavailable as fault:
        raise click.ClickException(
            f"WorkOS did not list events ({fault.reason}): `flask workos doctor` tells what is in "
            "the way. Run this again, and it goes on from here."
        ) from None
    except Unrecorded:
        raise click.ClickException(
            "The shared state cannot be used, so that no other process would learn of an event: "
            "`flask workos doctor` examines it. Run this again, and it goes on from here."
        ) from None


def _parts() -> Parts:
    try:
        parts = current_parts()
    except RuntimeError as error:
        raise click.ClickException(str(error)) from None
    if parts.settings.cache_type_for(testing=current_app.testing) == "memory":
        raise click.ClickException(
            "Shared state is the memory of one process here: this command would tell nobody what "
            "it reads. Set WORKOS_CACHE_TYPE to sqlite (one host) or redis, for the app and for "
            "this command alike."
        )
    return parts


def _log_exception(error: Exception) -> None:
    current_app.logger.error(
        "A receiver of workos_event or session_ended has raised. What has ended stays ended.",
        exc_info=error,
    )


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """The first signal lets the page be finished; a second one ends the process as ever."""
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}

    def finish(number: int, _: FrameType | None) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for each in before:
        signal.signal(each, finish)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
