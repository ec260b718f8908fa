"""``flask workos``: commands. Those for ``events`` and ``sessions`` need a configured
app; ``doctor`` says what keeps an app from being one."""

from __future__ import annotations

import secrets

import click

from .doctor_command import doctor_command
from .events_command import events_command
from .local.command import local_command
from .session_commands import sessions_group


@click.group("workos")
def workos_group() -> None:
    """WorkOS AuthKit sessions."""


@workos_group.command("secret")
def secret_command() -> None:
    """Print a new cookie password for WORKOS_COOKIE_PASSWORD."""
    click.echo(secrets.token_hex(32))


workos_group.add_command(doctor_command)
workos_group.add_command(local_command)
workos_group.add_command(sessions_group)
workos_group.add_command(events_command)
