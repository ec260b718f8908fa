"""What type checkers must see in the public names: read by mypy and pyright, never run."""

from __future__ import annotations

from typing import assert_type

from flask import Flask
from werkzeug.wrappers import Response

from flask_workos_sessions import (
    WorkOSSessions,
    current_session,
    current_user,
    login_required,
    passive,
    public,
    sign_in_url,
    sign_out_url,
    sign_up_url,
)

app = Flask(__name__)
sessions = WorkOSSessions(app)
later = WorkOSSessions()
later.init_app(app)

assert_type(current_user.first_name, str | None)
assert_type(current_user.display_name, str | None)
assert_type(current_session.permissions, tuple[str, ...])
assert_type(current_session.lifetime.expires_in, int | None)
assert_type(sign_in_url(), str)
assert_type(sign_in_url("/next", organization_id="org_1"), str)
assert_type(sign_up_url(), str)
assert_type(sign_out_url(), str)


@app.get("/bare/<int:number>")
@login_required
def bare(number: int) -> str:
    return str(number)


@app.get("/called/<int:number>")
@login_required(role=["admin", "owner"], permission="invoices:read", organization=True, max_age=300)
def called(number: int, *, page: int = 1) -> Response:
    return Response(f"{number} {page}")


@app.get("/awaited")
@login_required(role="admin")
async def awaited(name: str) -> str:
    return name


@app.get("/open")
@public
def open_to_all(name: str) -> str:
    return name


@app.get("/polled")
@passive
@login_required
def polled(name: str) -> str:
    return name


assert_type(bare(1), str)
assert_type(called(1, page=2), Response)
assert_type(open_to_all("x"), str)
assert_type(polled("x"), str)


async def caller() -> None:
    assert_type(await awaited("x"), str)


# A wrong call is an error, which the comment expects: without the error, the comment is one.
bare("one")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
called(page="two")  # type: ignore[call-arg, arg-type] # pyright: ignore
login_required(roles="admin")  # type: ignore[call-overload] # pyright: ignore
