"""Which part of what decides a report is no longer the same, in words."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

MOST = 6  # changes of one kind that are named before the rest is counted


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return each change between two runs' parts (``manifest.key_parts``).

    Examples
    --------
    >>> a = {"versions": {"scipy": "1.2"}, "language": "en", "cells": [["cell 1", "x"]]}
    >>> b = {"versions": {"scipy": "1.3"}, "language": "en", "cells": [["cell 1", "y"]]}
    >>> changes(a, b)
    ['cell 1 of the notebook changed', 'scipy 1.2 -> 1.3']
    """
    found = [
        *_few(_cells(before.get("cells", ()), now.get("cells", ())), "cells"),
        *_few(_modules(_part(before, "modules"), _part(now, "modules")), "modules"),
        *_few(_parameters(_part(before, "parameters"), _part(now, "parameters")), "parameters"),
        *_few(_inputs(_part(before, "inputs"), _part(now, "inputs")), "files"),
    ]
    if before.get("language") != now.get("language"):
        found.append(f"language {before.get('language')} -> {now.get('language')}")
    if before.get("code") != now.get("code"):
        found.append("servlab's own code changed")
    found += _few(_versions(_part(before, "versions"), _part(now, "versions")), "packages")
    if not found and before != now:
        found.append("it was made by another version of servlab's records")
    return found


def _part(parts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parts.get(name, {})
    return value if isinstance(value, Mapping) else {}


def _few(found: list[str], what: str) -> list[str]:
    more = len(found) - MOST
    return found if more <= 0 else [*found[:MOST], f"and {more} more {what}"]


def _cells(before: Sequence[Sequence[str]], now: Sequence[Sequence[str]]) -> list[str]:
    """Return the cells that were changed, added or taken out, in the notebook's order."""
    old, new = [cell[1] for cell in before], [cell[1] for cell in now]
    found = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        changed = min(b - a, d - c)
        found += [f"{cell[0]} of the notebook changed" for cell in now[c : c + changed]]
        found += [f"{cell[0]} of the notebook is new" for cell in now[c + changed : d]]
        found += [f"{cell[0]} of the notebook was taken out" for cell in before[a + changed : b]]
    return found


def _modules(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [f"{name} beside the notebook {how}" for name, how, *_ in _different(before, now)]


def _parameters(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    found = []
    for name, how, old, new in _different(before, now):
        what = "exports" if name == "--export" else f"parameter {name}"
        found.append(f"{what} {old} -> {new}" if how == "changed" else f"{what} {how}")
    return found


def _inputs(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the files that are others now, by name or by bytes."""
    found = []
    for name, how, old, new in _different(before, now):
        if how == "changed":
            same = old[0] == new[0]
            text = f"{new[0]} ({name}) changed" if same else f"{name}: {old[0]} -> {new[0]}"
        else:
            text = f"{(new or old)[0]} ({name}) {how}"
        found.append(text)
    return found


def _versions(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [
        f"{name} {old} -> {new}" if how == "changed" else f"{name} {new or old} {how}"
        for name, how, old, new in _different(before, now)
    ]


def _different(
    before: Mapping[str, Any], now: Mapping[str, Any]
) -> list[tuple[str, str, Any, Any]]:
    """Return (name, how, before, now) of what differs, in order; None where there is none."""
    found = []
    for name in [*before, *(name for name in now if name not in before)]:
        old, new = before.get(name), now.get(name)
        if old != new:
            how = "is new" if name not in before else "changed" if name in now else "is gone"
            found.append((name, how, old, new))
    return found
