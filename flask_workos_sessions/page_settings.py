"""The settings for what people see in the browser before and after the end: ``WORKOS_UI_*``."""

from __future__ import annotations

from dataclasses import dataclass

from . import validators
from .setting import setting


@dataclass(frozen=True, repr=False, kw_only=True)
class PageSettings:
    """The part of :class:`~flask_workos_sessions.settings.Settings` that goes into the page."""

    ui_inject: bool = setting(
        validators.flag, True, "Put the warning script into private HTML pages that do not have it."
    )
    ui_show: bool = setting(
        validators.flag,
        True,
        "Show the banner and the dialogs. Off: only the events and the API of the script.",
    )
    ui_warn: int = setting(
        validators.positive_seconds, 120, "Seconds before the end at which the person is warned."
    )
    ui_notice: int = setting(
        validators.seconds,
        300,
        "Seconds before an end by inactivity at which a quiet banner tells of it; twice that "
        "before the maximum length. No more than `WORKOS_UI_WARN`: no banner.",
    )
    ui_poll: int = setting(
        validators.poll_seconds,
        30,
        "Seconds between two questions of a visible page that is otherwise idle; 0: only when "
        "something is due.",
    )
    ui_activity: str = setting(
        validators.activity,
        "input",
        "What counts as activity: `input` lets typing and clicking in a visible page extend in "
        "the second half of the inactivity timeout; with `requests` only requests do.",
    )
    ui_on_end: str = setting(
        validators.on_end,
        "overlay",
        "What becomes of the page after the end: `overlay` keeps what was typed in it; `replace` "
        "goes to the page that explains.",
    )
    ui_title: bool = setting(
        validators.flag, True, "Put the minutes that are left into the page's title when warning."
    )
    ui_frames: bool = setting(validators.flag, False, "Run the script in frames too.")
    ui_push: str = setting(
        validators.push,
        "off",
        "With `sse` a visible page is told within two seconds that its session has ended or "
        "changed.",
    )
    ui_push_streams: int | None = setting(
        validators.count,
        None,
        "How many pages a process tells at once; each holds a thread of the server. Unset: 1,000, "
        "or half of gunicorn's `--worker-connections`, where gevent or eventlet has patched "
        "threading; elsewhere push needs it.",
    )
