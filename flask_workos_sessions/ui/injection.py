"""Puts our script into a page that an app has rendered, or leaves the page alone.

A page may hold ``</body>`` in a script, a comment, a text area or an attribute. Markup put in
there would end it and free what follows, so only the ``</body>`` that ends the document counts
(security P3).
"""

from __future__ import annotations

import re

_SPACE = rb"[ \t\r\n\f]*"
_END = re.compile(
    rb"</body" + _SPACE + rb">" + _SPACE + rb"(?:</html" + _SPACE + rb">)?\Z", re.IGNORECASE
)
#: Bytes before the end of the document, without white space, in which its ``</body>`` must be.
_TAIL = 512


def is_injectable(html: bytes) -> bool:
    """Whether :func:`inject` has a place for the snippet."""
    return _place(html) is not None


def inject(html: bytes, snippet: bytes) -> bytes | None:
    """The document with ``snippet`` before its last ``</body>``.

    ``None`` when nothing may be put in: there is no ``</body>`` after which only white space and
    ``</html>`` follow. The time does not depend on what the document holds. ``snippet`` is ASCII,
    so it is right in every charset in which ``</body>`` is found.
    """
    at = _place(html)
    return None if at is None else b"".join((html[:at], snippet, html[at:]))


def _place(html: bytes) -> int | None:
    end = len(html.rstrip(b" \t\r\n\f"))
    tail = max(0, end - _TAIL)
    found = _END.search(html[tail:end])
    return None if found is None else tail + found.start()
