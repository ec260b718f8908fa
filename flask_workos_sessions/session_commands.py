"""``flask workos sessions``: list and end people's sessions from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from flask import current_app
from flask.cli import with_appcontext

from .errors import SessionNotFound, SessionsUnavailable, UserNotFound
from .extension import WorkOSSessions
from .parts import EXTENSION, current_parts
from .workos.active_session import ActiveSession

_NOT_SHARED = (
    'WORKOS_CACHE_TYPE is "memory", so the processes that serve your app do not hear of this '
    "command."
)
_SHARE = "Set it to sqlite (one host) or redis (several), for your app and for this command alike."
_UNKNOWN = (
    "WorkOS knows nobody with this id: copy it from the dashboard of the environment whose "
    "WORKOS_API_KEY is set."
)
#: Characters of a browser's name that are shown.
_SHOWN = 60


@click.group("sessions")
def sessions_group() -> None:
    """List and end the sessions of people. Needs your app: flask --app … workos sessions"""


@sessions_group.command("list")
@click.argument("user", callback=lambda context, option, value: _user_id(value))
@with_appcontext
def list_command(user: str) -> None:
    """List the active sessions of USER, a user id of WorkOS, the newest first."""
    with _told():
        found = _extension().list(user)
    for each in found:
        click.echo(_line(each))
    if not found:
        click.echo("There are none.", err=True)


@sessions_group.command("revoke")
@click.argument("session_id", metavar="[SESSION]", required=False)
@click.option(
    "--user",
    metavar="USER",
    callback=lambda context, option, value: _user_id(value),
    help="Whose session it is; without SESSION all of theirs end.",
)
@click.option("--keep", metavar="SESSION", help="With --user: the one that goes on.")
@click.option("--everybody", is_flag=True, help="End every session of everybody.")
@click.option("--yes", is_flag=True, help="With --everybody: do not ask.")
@with_appcontext
def revoke_command(
    session_id: str | None, user: str | None, keep: str | None, everybody: bool, yes: bool
) -> None:
    """End a session of somebody, all of theirs, or everybody's.

    The status is 1 when a session may go on somewhere.
    """
    _check_usage(session_id, user, keep, everybody, yes)
    sessions = _extension()
    shared = current_parts().settings.cache_type_for(testing=current_app.testing) != "memory"
    if user is None:
        done = _revoke_all(sessions, shared, yes)
    elif session_id is None:
        done = _revoke_user(sessions, user, keep)
    else:
        with _told():
            sessions.revoke(session_id, user=user)
        done = "The session has ended."
    _check_that_it_is_known(sessions.stats())
    click.echo(done)
    if not shared:
        click.echo(
            f"Warning: {_NOT_SHARED} They notice when they renew the access token. {_SHARE}",
            err=True,
        )


def _revoke_all(sessions: WorkOSSessions, shared: bool, yes: bool) -> str:
    if not shared:
        raise click.ClickException(f"Nobody's session was ended. {_NOT_SHARED} {_SHARE}")
    if not yes:
        click.confirm("This signs everybody out. Go on?", abort=True)
    sessions.revoke_all()
    return "Every session that began before now is refused, and ends at WorkOS when it comes."


def _revoke_user(sessions: WorkOSSessions, user: str, keep: str | None) -> str:
    if keep is not None:
        with _told():
            if keep not in {each.id for each in sessions.list(user)}:
                raise SessionNotFound
    count = sessions.revoke_user(user, keep=keep)
    # What it does here holds whatever WorkOS says, so that it says nothing of these.
    try:
        sessions.list(user)
    except SessionsUnavailable:
        raise click.ClickException(
            "Your app refuses all of their sessions from now on, but WorkOS does not answer. Run "
            "it again to end them there too."
        ) from None
    except UserNotFound:
        raise click.ClickException(_UNKNOWN) from None
    return f"{count} {'session has' if count == 1 else 'sessions have'} ended."


def _check_that_it_is_known(stats: dict[str, int]) -> None:
    """This process ends now: nobody tries again what did not succeed."""
    if stats["store_errors"]:
        raise click.ClickException(
            "The shared state could not be used (see the log), so the processes that serve your "
            "app may not have heard of this. Run it again."
        )
    if stats["pending_revocations"]:
        raise click.ClickException(
            "Your app refuses them from now on, but WorkOS has not confirmed the end of "
            f"{stats['pending_revocations']}. Run it again."
        )


def _check_usage(
    session_id: str | None, user: str | None, keep: str | None, everybody: bool, yes: bool
) -> None:
    if everybody and (session_id or user or keep):
        raise click.UsageError("--everybody goes with nothing but --yes: leave the rest out.")
    if not everybody and not user:
        raise click.UsageError("Whose? Name the person with --user, or say --everybody.")
    if yes and not everybody:
        raise click.UsageError("--yes goes with --everybody only: leave it out.")
    if session_id == "" or keep == "":
        # An unset variable of a shell must not end all of them.
        raise click.UsageError(
            "The id of the session is empty: name one, or leave it out to end all of theirs."
        )
    if keep and session_id:
        raise click.UsageError(
            "--keep goes with all sessions of a person, not with one: leave one of the two out."
        )


@contextmanager
def _told() -> Iterator[None]:
    """Say what went wrong as a command does."""
    try:
        yield
    except SessionNotFound:
        raise click.ClickException(
            "This person has no such session; it may be over. Nothing was ended: `flask workos "
            "sessions list` shows those that there are."
        ) from None
    except UserNotFound:
        raise click.ClickException(_UNKNOWN) from None
    except SessionsUnavailable:
        raise click.ClickException(str(SessionsUnavailable.description)) from None


def _extension() -> WorkOSSessions:
    try:
        current_parts()
    except RuntimeError as missing:
        raise click.ClickException(str(missing)) from None
    extension: WorkOSSessions = current_app.extensions[EXTENSION]
    return extension


def _user_id(value: str | None) -> str | None:
    if value is None:
        return None
    if not value or "@" in value:
        # An address can change hands, and WorkOS lists by id alone.
        raise click.BadParameter("A user id of WorkOS is needed, such as user_01ABC…")
    return value


def _line(session: ActiveSession) -> str:
    browser = "".join(each if each.isprintable() else "?" for each in session.user_agent or "")
    about = [
        session.id,
        f"since {_moment(session.created_at)}",
        f"renewed {_moment(session.updated_at)}",
        f"ends {_moment(session.expires_at)}",
        session.organization_id or "no organization",
        session.auth_method or "",
        session.ip_address or "",
        browser[:_SHOWN],
        "impersonated" if session.impersonator else "",
    ]
    return "  ".join(filter(None, about))


def _moment(seconds: int | None) -> str:
    return "?" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}Z"
