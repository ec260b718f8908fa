"""``flask workos local``: a LocalWorkOS as a process, in the foreground."""

from __future__ import annotations

import json
import shlex
import signal
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

import click

from .clock import MovableClock
from .local_workos import LocalWorkOS
from .user import LocalUser
from .webhook import LocalWebhook

#: Where ``flask run`` serves an application.
REDIRECT_URIS = ("http://localhost:5000/auth/callback", "http://127.0.0.1:5000/auth/callback")


@click.command("local")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="Port on 127.0.0.1; 0: a free one.",
)
@click.option(
    "--redirect-uri",
    "redirect_uris",
    multiple=True,
    default=REDIRECT_URIS,
    show_default=True,
    help="Callback of your application; may be given several times.",
)
@click.option(
    "--logout-uri",
    "logout_uris",
    multiple=True,
    help="Sign-out redirect; unless given, the front page of each redirect URI's site.",
)
@click.option(
    "--access-token-seconds",
    type=click.IntRange(min=1),
    default=300,
    show_default=True,
    help="How long an access token is valid.",
)
@click.option(
    "--max-length",
    type=click.IntRange(min=1),
    default=30 * 86_400,
    show_default=True,
    help="The maximum session length, in seconds.",
)
@click.option(
    "--inactivity-timeout",
    type=click.IntRange(min=1),
    help="The inactivity timeout, in seconds; off unless given.",
)
@click.option(
    "--webhook-url",
    help="Send events here, to this machine; the path of your application's webhook.",
)
def local_command(
    port: int,
    redirect_uris: tuple[str, ...],
    logout_uris: tuple[str, ...],
    access_token_seconds: int,
    max_length: int,
    inactivity_timeout: int | None,
    webhook_url: str | None,
) -> None:
    """Run a local WorkOS to sign in to, for development.

    It listens on 127.0.0.1 only. Client id, API key, cookie password and control secret are made
    for this run; nothing is kept when it ends.
    """
    workos = LocalWorkOS(
        clock=MovableClock(),
        access_token_seconds=access_token_seconds,
        max_length=max_length,
        inactivity_timeout=inactivity_timeout,
        redirect_uris=redirect_uris,
        logout_uris=logout_uris or [_front_page(uri) for uri in redirect_uris],
        port=port,
    )
    try:
        webhook = None if webhook_url is None else workos.add_webhook(webhook_url)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--webhook-url") from error
    try:
        workos.start()
    except OSError as error:
        raise click.ClickException(
            f"Cannot listen on port {port} ({error.strerror}); choose another one with --port."
        ) from error
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background jobs
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        click.echo(instructions(workos, redirect_uris, webhook))
        workos.wait()
    except KeyboardInterrupt:
        click.echo("\nStopped.")
    finally:
        workos.stop()


def instructions(
    workos: LocalWorkOS, redirect_uris: Sequence[str], webhook: LocalWebhook | None = None
) -> str:
    """What a developer needs to know: settings to copy, who can sign in, how to steer it."""
    # All of them: an app on this machine has two names.
    several = redirect_uris[0] if len(redirect_uris) == 1 else json.dumps(redirect_uris)
    settings = workos.settings(webhook=webhook, WORKOS_REDIRECT_URI=several)
    exports = [f"export {name}={shlex.quote(str(value))}" for name, value in settings.items()]
    fail = shlex.quote(json.dumps({"fail_next": 3, "status": 503}))
    return "\n".join(
        [
            f"A local WorkOS runs at {workos.url}. For development only. Ctrl-C stops it.",
            "",
            "Settings for your application, in another terminal:",
            "",
            *exports,
            "",
            "Who can sign in, without a password:",
            "",
            *(f"  {_person(workos, user)}" for user in workos.users),
            "",
            "Let the next three exchanges fail:",
            "",
            f"export LOCAL_WORKOS_CONTROL_SECRET={shlex.quote(workos.control_secret)}",
            f"curl {workos.url}/local/faults --json {fail} \\",
            '  -H "Authorization: Bearer $LOCAL_WORKOS_CONTROL_SECRET"',
        ]
    )


def _person(workos: LocalWorkOS, user: LocalUser) -> str:
    places = ", ".join(workos.places_of(user)) or "no organization"
    return f"{user.email:<20} {user.label} ({places})"


def _front_page(uri: str) -> str:
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc, "/", "", ""))
