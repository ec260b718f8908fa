"""Our texts in the language of the person, through Flask-Babel where an app has set it up.

Without Flask-Babel everything is English. A translation lies in one of the app's translation
folders as ``<locale>/LC_MESSAGES/workos_sessions.mo``; the catalogue to translate is
``translations/workos_sessions.pot`` beside this module.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from flask import Flask, current_app
from markupsafe import Markup

if TYPE_CHECKING:
    from flask_babel import Domain  # type: ignore[import-untyped]

DOMAIN = "workos_sessions"


class Language(NamedTuple):
    """A BCP 47 tag, and ``ltr`` or ``rtl``: for the ``lang`` and ``dir`` of an element."""

    lang: str
    dir: str


_ENGLISH = Language("en", "ltr")

#: One for each app: a domain keeps what it has found in an app's folders.
_DOMAINS: WeakKeyDictionary[Flask, Domain] = WeakKeyDictionary()


def message(text: str) -> str:
    """Mark a text for the catalogue, where it is written; :func:`gettext` translates it later."""
    return text


def gettext(text: str, **values: object) -> str:
    """A text in the language of the person, with ``values`` for its ``%(name)s``.

    What our own domain lacks is looked up in the app's default domain, else it stays English.
    When a value is Markup the result is too: all the rest is then escaped.
    """
    return _filled(_translated(text, _domain()), values)


def markup_gettext() -> Callable[..., Markup]:
    """:func:`gettext` for a template with many texts: the language is looked up once, and what
    it gives is escaped already."""
    domain = _domain()

    def translate(text: str, **values: object) -> Markup:
        found = _escaped(text if domain is None else _translated(text, domain))
        return found % values if values else found

    return translate


def _filled(text: str, values: Mapping[str, object]) -> str:
    if any(isinstance(value, Markup) for value in values.values()):
        return Markup.escape(text) % values
    return text % values if values else text


@functools.lru_cache(maxsize=1024)
def _escaped(text: str) -> Markup:
    return Markup.escape(text)


def language() -> Language:
    """The language in which :func:`gettext` answers: English unless our domain is translated."""
    domain = _domain()
    if domain is None or not domain.get_translations().files:
        return _ENGLISH
    from flask_babel import get_locale

    locale: Any = get_locale()
    subtags = (locale.language, locale.script, locale.territory, locale.variant)
    return Language("-".join(filter(None, subtags)), locale.text_direction)


def _translated(text: str, domain: Domain | None) -> str:
    if domain is None:
        return text
    translated: str = domain.get_translations().ugettext(text)
    if translated != text:
        return translated
    from flask_babel import get_translations

    of_the_app: str = get_translations().ugettext(text)
    return of_the_app


def _domain() -> Domain | None:
    """Our domain in this app; ``None`` without Flask-Babel."""
    if not current_app or "babel" not in current_app.extensions:
        return None
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    domain = _DOMAINS.get(app)
    if domain is None:
        try:
            from flask_babel import Domain
        except ImportError:
            return None  # another extension of this name
        domain = _DOMAINS[app] = Domain(domain=DOMAIN)
    return domain
