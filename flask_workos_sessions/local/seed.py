"""The people of a new LocalWorkOS."""

from __future__ import annotations

from .directory import Directory


def _id(kind: str, name: str) -> str:
    return f"{kind}_{('01' + name).ljust(26, '0')}"


def seed(directory: Directory) -> None:
    """Two organizations and four people.

    ``alice@acme.test`` is an admin in Acme, ``bob@acme.test`` a member there,
    ``carol@acme.test`` belongs to Acme and Globex, ``dave@example.test`` to none.
    """
    directory.add_role("member", ["posts:read"])
    directory.add_role("admin", ["posts:read", "posts:write", "members:manage"])
    acme = directory.add_organization(
        "Acme",
        id=_id("org", "ACME"),
        connection_id=_id("conn", "ACME"),
        entitlements=("audit-logs", "sso"),
        feature_flags=("new-editor",),
    )
    globex = directory.add_organization(
        "Globex", id=_id("org", "GLOBEX"), connection_id=_id("conn", "GLOBEX")
    )
    alice = directory.add_user(
        "alice@acme.test",
        id=_id("user", "ALICE"),
        first_name="Alice",
        last_name="Admin",
        external_id="ext-alice",
        metadata={"team": "core"},
    )
    bob = directory.add_user(
        "bob@acme.test", id=_id("user", "BOB"), first_name="Bob", last_name="Member"
    )
    carol = directory.add_user(
        "carol@acme.test", id=_id("user", "CAROL"), first_name="Carol", last_name="Consultant"
    )
    directory.add_user(
        "dave@example.test", id=_id("user", "DAVE"), first_name="Dave", last_name="Newcomer"
    )
    directory.add_membership(alice, acme, ["admin"])
    directory.add_membership(bob, acme, ["member"])
    directory.add_membership(carol, acme, ["member"])
    directory.add_membership(carol, globex, ["admin"])
