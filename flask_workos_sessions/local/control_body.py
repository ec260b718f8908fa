"""What a control request says: JSON, of which each route knows the names."""

from __future__ import annotations

from math import isfinite
from typing import Any

from flask import request


def sent(*known: str) -> dict[str, Any]:
    """The JSON object that came. :raises ValueError: none, or with another name in it."""
    came = request.get_json(silent=True)
    if not isinstance(came, dict) or not set(came) <= set(known):
        raise ValueError(f"Send a JSON object with any of: {', '.join(known)}.")
    return came


def text(given: dict[str, Any], name: str) -> str:
    """A text that is needed. :raises ValueError: it is missing, or no text."""
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is needed, a text.")
    return value


def texts(given: dict[str, Any], name: str) -> list[str]:
    """An array of texts, empty when missing. :raises ValueError: anything else."""
    value = given.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{name} must be an array of texts.")
    return value


def json_object(given: dict[str, Any], name: str) -> dict[str, Any]:
    """An object, empty when missing. :raises ValueError: anything else."""
    value = given.get(name, {})
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be an object.")
    return value


def number(value: object) -> float:
    """A number. :raises ValueError: anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError("A number is needed.")
    return float(value)
