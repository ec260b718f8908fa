"""Short keyed hashes, to recognise something by without saying what it is."""

from __future__ import annotations

from collections.abc import Iterable

from .sealing.keys import KeyRing

#: Hex digits of one: enough to tell two apart that a browser can meet.
_LENGTH = 16


def of_name(keys: KeyRing, purpose: str, name: str) -> str:
    """Of a person, say, or a session."""
    return keys.digest(purpose, name)[:_LENGTH]


def of_rights(
    keys: KeyRing, purpose: str, one: Iterable[str], rights: Iterable[Iterable[str]]
) -> str:
    """Of who somebody is (``one`` text after the other) and what they may do (``rights``, each a
    list in any order). What two values look like in one text can be told apart."""
    lists = ["\x1f".join(sorted(each)) for each in rights]
    return of_name(keys, purpose, "\x1e".join((*one, *lists)))
