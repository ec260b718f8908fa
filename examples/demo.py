"""The sample app with a WorkOS on this machine: ``python -m examples.demo [--port 5050]``.

Its clocks are short, so that a refresh and the warning can be watched within two minutes.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
from types import FrameType
from typing import Any, NoReturn

from flask import Flask
from werkzeug.serving import BaseWSGIServer, make_server

from examples.team_app import create_app
from examples.team_app.board import Board
from flask_workos_sessions.local import LocalWorkOS

#: Seconds: how long an access token is valid; how long somebody may be away; the longest session;
#: how long before the end a banner says so, and how long before it a dialog asks.
ACCESS_TOKEN, INACTIVITY, MAX_LENGTH, NOTICE, WARN = 60, 180, 1800, 90, 60
#: Pages that are told at once, of as many sessions.
STREAMS = 16
#: Not 5000, which other programs like as well.
PORT = 5050

WELCOME = """
Harbour, the sample app:   {url}

Sign in there as one of these people (no password):

{people}

What to try:
  * Leave the page alone. After about {quiet} seconds a banner says so, after {most} a dialog asks:
    "Stay signed in" keeps you.
  * Use it. The access token is valid for {token} seconds and is renewed without you noticing.
  * Type into the form, let the time run out, sign in again in the new tab, come back: your words
    are still there.
  * Sign out in one tab, and look at the others.
  * Sign in as Bob in a private window and type. As Alice, sign him out on the admin page.
  * Take the role of administrator from Alice, and watch her page; then let her click on:
    curl {workos}/local/set-role -H "Authorization: Bearer {secret}" \\
      --json '{{"user": "alice@acme.test", "organization": "Acme", "roles": ["member"]}}'
  * See what Bob sees when support acts as him (this link works once, in a private window):
    {impersonation}
    Then open the app there and sign in.

The local WorkOS: {workos}
Ctrl-C stops both.
"""

#: Title, text, and whether it is decided.
NOTES = [
    ("Do we move the weekly meeting to Tuesday?", "Mondays are often public holidays.", True),
    (
        "Which invoicing tool from January on?",
        "The contract ends on 31 December.\nFor A: it talks to our bank. For B: half the price.",
        False,
    ),
]


def main(arguments: list[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument(
        "--port", type=_port, help=f"port of the app; default {PORT}, or a free one if it is taken"
    )
    wanted: int | None = parser.parse_args(arguments).port
    # A request a line would hide what is printed here.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    for number in (signal.SIGTERM, signal.SIGINT):  # a shell's background jobs ignore SIGINT
        signal.signal(number, _interrupt)
    try:
        listening = _listen(wanted)
    except OSError as error:
        print(f"Port {wanted} cannot be used: {_reason(error)}.", file=sys.stderr)
        return 1
    workos = LocalWorkOS(
        access_token_seconds=ACCESS_TOKEN, inactivity_timeout=INACTIVITY, max_length=MAX_LENGTH
    )
    with listening, workos:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        webhook = workos.add_webhook(f"{url}/auth/webhook")
        app = sample_app(
            workos,
            url,
            WORKOS_WEBHOOK_SECRET=webhook.secret,
            WORKOS_UI_PUSH="sse",
            WORKOS_UI_PUSH_STREAMS=STREAMS,
        )
        server = _serve(listening, app)
        print(welcome(workos, url), flush=True)
        # Returns on Ctrl-C.
        server.serve_forever()
    print("Stopped.")
    return 0


def sample_app(
    workos: LocalWorkOS, url: str, *, notice: int = NOTICE, warn: int = WARN, **more: Any
) -> Flask:
    """The sample app at ``url``, with a few notes on its board."""
    workos.allow_logout_uri(f"{url}/")
    app = create_app(
        workos.settings(f"{url}/auth/callback"),
        WORKOS_UI_NOTICE=notice,
        WORKOS_UI_WARN=warn,
        WORKOS_SIGN_OUT_RETURN_TO="/",
        HARBOUR_ORGANIZATIONS={each.id: each.name for each in workos.organizations},
        **more,
    )
    _write_notes(app.extensions["harbour"], workos)
    return app


def _write_notes(board: Board, workos: LocalWorkOS) -> None:
    acme, alice = workos.organization("Acme"), workos.user("alice@acme.test")
    for title, text, decided in NOTES:
        note = board.add(acme.id, title=title, text=text, author_id=alice.id, author=alice.label)
        if decided:
            board.decide(acme.id, note.id, alice.label)


def welcome(workos: LocalWorkOS, url: str) -> str:
    """Where the app is, and who can sign in."""
    people = "\n".join(
        f"  {person.email:<20} {', '.join(workos.places_of(person)) or 'in no organization'}"
        for person in workos.users
    )
    return WELCOME.format(
        url=url,
        people=people,
        quiet=INACTIVITY - NOTICE,
        most=INACTIVITY - WARN,
        token=ACCESS_TOKEN,
        impersonation=workos.impersonation_url("bob@acme.test", by="support@vendor.test"),
        workos=workos.url,
        secret=workos.control_secret,
    )


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else "it is not free"


def _listen(wanted: int | None) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", PORT if wanted is None else wanted))
    except OSError:
        if wanted is not None:
            raise
        return socket.create_server(("127.0.0.1", 0))


def _serve(listening: socket.socket, app: Flask) -> BaseWSGIServer:
    host, port = listening.getsockname()
    return make_server(host, port, app, threaded=True, fd=listening.fileno())


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
