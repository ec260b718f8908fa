"""The small interface behind which processes and hosts share what they must agree on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from .breaker import Answer


class Rule(NamedTuple):
    """How two values become one, the same in whatever order; and until when (epoch seconds) a value
    matters: it is kept for so long, whoever wrote it."""

    merged: Callable[[bytes, bytes], bytes]
    until: Callable[[bytes], float]

    def seconds(self, value: bytes, now: float) -> int:
        """For how long a value is to be kept."""
        return max(1, math.ceil(self.until(value) - now))


#: What keys of a kind that can be merged begin with (up to and with the colon), and the rule.
Combine = Mapping[str, Rule]


def rule_for(key: str, combine: Combine) -> Rule:
    """The rule by which values under a key are merged.

    :raises KeyError: there is none for keys of this kind.
    """
    kind, colon, _ = key.partition(":")
    return combine[kind + colon]


class SharedState(Protocol):
    """Values under keys, each with a lifetime in whole seconds.

    Keys are hashes and values are bytes: nothing that is kept here tells who somebody is.
    """

    @property
    def born(self) -> float:
        """Since when (epoch seconds) it remembers; before that, others may have forgotten."""
        ...

    def get(self, key: str) -> bytes | None:
        """The value, or ``None`` when there is none or its time has passed."""
        ...

    def ask(self, key: str) -> Answer:
        """The same; ``given`` is whether this question reached what the processes share."""
        ...

    def ask_all(self, keys: Sequence[str]) -> list[Answer]:
        """The answers to several questions, for the price of one."""
        ...

    def set(self, key: str, value: bytes, seconds: int) -> None:
        """Keep a value for ``seconds`` (at least 1)."""
        ...

    def add(self, key: str, value: bytes, seconds: int) -> bool:
        """Keep a value unless there is one already: true for exactly one caller."""
        ...

    def merge(self, key: str, value: bytes) -> None:
        """Keep a value together with the one that is there, by the rule for keys of this kind
        (:class:`Rule`): whoever writes first or last, and during an outage, none is lost."""
        ...

    def is_shared(self, key: str) -> bool:
        """Whether what this process wrote under the key reached what the processes share."""
        ...

    def delete(self, key: str) -> None:
        """Forget a value, if there is one."""
        ...

    def discard(self, key: str, value: bytes) -> None:
        """Forget a value if it is still this one: who held a lease must not free another's."""
        ...
