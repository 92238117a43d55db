"""The types a study parameter may have: read from source by ``ast``, applied to text or values.

Nothing here executes notebook code: an annotation is translated name by name, and what is not
in the short list below is refused with its line.
"""

import ast
import json
import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from types import GenericAlias, NoneType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

SCALARS: dict[str, type] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "date": date,
    "Path": Path,
}
ALLOWED = (
    "str, int, float, bool, date, Path, list[...], Literal[...], Annotated[..., Field(...)], "
    "and unions of None, one Literal and one other type"
)
CONSTRAINTS = ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern")

_WANTED = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true, false, yes or no",
    date: "a date like 2026-01-31",
    Path: "the path of a file or folder",
    NoneType: "none",
}
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}


class UnreadableError(ValueError):
    """A piece of the parameters cell is outside the schema language; carries its line."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def read_type(node: ast.expr) -> Any:
    """Return the type that an annotation stands for, from the short list in ``ALLOWED``."""
    if isinstance(node, ast.Name) and node.id in SCALARS:
        return SCALARS[node.id]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union(node)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        reader = _GENERICS.get(node.value.id)
        if reader is not None:
            return reader(node.slice)
    raise UnreadableError(f"type {ast.unparse(node)} is not one of {ALLOWED}", node.lineno)


def _union(node: ast.BinOp) -> Any:
    members = [NoneType if _is_none(part) else read_type(part) for part in _members(node)]
    plain = [m for m in members if m is not NoneType and get_origin(m) is not Literal]
    literals = [m for m in members if get_origin(m) is Literal]
    if len(plain) > 1 or len(literals) > 1 or (plain and literals and base_type(plain[0]) is str):
        raise UnreadableError(
            f"type {ast.unparse(node)} is ambiguous; a union holds None, one Literal and one "
            "other type that is not str",
            node.lineno,
        )
    return Union[tuple(members)]  # noqa: UP007 made from a list


def _members(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_members(node.left), *_members(node.right)]
    return [node]


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _list(node: ast.expr) -> Any:
    element = read_type(node)
    if get_origin(element) is list or NoneType in get_args(element):
        raise UnreadableError("a list holds plain values, not lists and not None", node.lineno)
    return GenericAlias(list, (element,))


def _literal(node: ast.expr) -> Any:
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    choices = tuple(read_value(part) for part in parts)
    if not choices or any(type(choice) not in (str, int) for choice in choices):
        raise UnreadableError("Literal holds texts or whole numbers", node.lineno)
    return Literal[choices]


def _annotated(node: ast.expr) -> Any:
    from pydantic import Field

    parts = node.elts if isinstance(node, ast.Tuple) else []
    if len(parts) != 2 or not _is_field(parts[1]):
        raise UnreadableError("Annotated needs a type and one Field(...)", node.lineno)
    call = parts[1]
    options: dict[str, Any] = {}
    for keyword in call.keywords:  # type: ignore[attr-defined]
        if keyword.arg not in CONSTRAINTS:
            raise UnreadableError(
                f"Field takes {', '.join(CONSTRAINTS)} here; got {keyword.arg}", node.lineno
            )
        options[keyword.arg] = read_value(keyword.value)
    limits = ", ".join(f"{name}={value!r}" for name, value in options.items())
    # the text is for people; pydantic passes over metadata it does not know
    return Annotated[read_type(parts[0]), Field(**options), limits]


def _is_field(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Field"
        and not node.args
    )


_GENERICS: dict[str, Callable[[ast.expr], Any]] = {
    "list": _list,
    "Literal": _literal,
    "Annotated": _annotated,
}


def read_value(node: ast.expr) -> Any:
    """Return the value that a default stands for: a literal, a ``Path(...)``, a ``date(...)``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        values = [read_value(part) for part in node.args]
        try:
            if node.func.id == "Path" and len(values) == 1:
                return Path(values[0])
            if node.func.id == "date" and len(values) == 3:
                return date(*values)
        except (TypeError, ValueError) as err:
            raise UnreadableError(f"{ast.unparse(node)}: {err}", node.lineno) from None
    if isinstance(node, ast.List):
        return [read_value(part) for part in node.elts]
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise UnreadableError(
            f"the value {ast.unparse(node)} is not a literal, Path('...') or date(y, m, d)",
            node.lineno,
        ) from None


def base_type(type_: Any) -> Any:
    """Return the type without its ``Annotated`` constraints."""
    return get_args(type_)[0] if get_origin(type_) is Annotated else type_


def _is_literal(type_: Any) -> bool:
    origin: Any = get_origin(type_)
    return origin is Literal


def takes_text(type_: Any) -> bool:
    """Return whether any text at all is a value of the type (``str`` alone or ``str | None``)."""
    return any(base_type(part) is str for part in _parts(type_))


def _parts(type_: Any) -> tuple[Any, ...]:
    return get_args(type_) if get_origin(type_) is Union else (type_,)


def wanted(type_: Any) -> str:
    """Return in words what a value of the type looks like."""
    origin, args = get_origin(type_), get_args(type_)
    if origin is Union:
        return " or ".join(wanted(part) for part in args)
    if origin is Literal:
        return ("one of " if len(args) > 1 else "") + ", ".join(repr(choice) for choice in args)
    if origin is Annotated:
        return f"{wanted(args[0])} ({args[2]})" if args[2] else wanted(args[0])
    if origin is list:
        return f"a list like a,b,c of which each is {wanted(args[0])}"
    return _WANTED[type_]


def coerce(value: Any, type_: Any) -> Any:
    """Return what a caller gave as a value of the type; text is read as the type says.

    Raises ``ValueError`` with what was wanted. The same rules hold for the command line and for
    Python callers, so ``"2026-01-31"`` is a date for both, and ``"007"`` stays text where the
    type is ``str``.
    """
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, str | Path) and not _is_unicode(str(value)):
        raise ValueError(f"must be valid Unicode text; got {value!r}")
    found = _read(value, type_) if isinstance(value, str) else _plain(value, type_)
    return _validated(found, type_)


def _is_unicode(text: str) -> bool:
    """Return whether text can be written to a file; bytes that are no UTF-8 cannot."""
    return text == text.encode("utf-8", "replace").decode("utf-8")


def _plain(value: Any, type_: Any) -> Any:
    """Return a Python value; the parts of a list may be text."""
    for part in _parts(type_):
        inner = base_type(part)
        if get_origin(inner) is list and isinstance(value, list | tuple):
            return [coerce(element, get_args(inner)[0]) for element in value]
    if isinstance(value, datetime):  # a datetime is a date to isinstance, and would lose its time
        raise ValueError(f"must be {wanted(type_)}; got {value!r}")
    return value


def _validated(value: Any, type_: Any) -> Any:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(type_).validate_python(value, strict=True)
    except ValidationError as err:
        why = "" if err.error_count() > 1 else f" ({err.errors()[0]['msg']})"
        raise ValueError(f"must be {wanted(type_)}; got {value!r}{why}") from None


def _read(text: str, type_: Any) -> Any:
    parts = _parts(type_)
    if NoneType in parts and (text == "" or (text.lower() == "none" and not takes_text(type_))):
        return None
    # a Literal first: its words are exact, the other member is read by form
    literals = [part for part in parts if _is_literal(part)]
    for part in (*literals, *(part for part in parts if part not in literals)):
        if part == NoneType:
            continue
        try:
            return _read_one(text, base_type(part))
        except ValueError:
            continue
    raise ValueError(f"must be {wanted(type_)}; got {text!r}")


def _read_one(text: str, type_: Any) -> Any:
    if get_origin(type_) is Literal:
        choices = {str(choice): choice for choice in get_args(type_)}
        return choices[text] if text in choices else _no(text)
    if get_origin(type_) is list:
        element = get_args(type_)[0]
        return [_validated(_read(part, element), element) for part in _split(text)]
    return _READERS[type_](text)


def _no(text: str) -> Any:
    raise ValueError(f"{text!r} does not fit")


def _split(text: str) -> list[str]:
    """Return the parts of a list: JSON when it opens with a bracket, else between commas."""
    if not text.strip():
        return []
    if not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",")]
    parts = json.loads(text)
    return [part if isinstance(part, str) else json.dumps(part) for part in parts]


def _integer(text: str) -> int:
    return int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else _no(text)


def _number(text: str) -> float:
    plain = re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text)
    return float(text) if plain else _no(text)


def _boolean(text: str) -> bool:
    found = _BOOLEANS.get(text.lower())
    return found if found is not None else _no(text)


def _date(text: str) -> date:
    return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else _no(text)


def _path(text: str) -> Path:
    return Path(text) if text.strip() and "\0" not in text else _no(text)


_READERS: dict[Any, Callable[[str], Any]] = {
    str: str,
    int: _integer,
    float: _number,
    bool: _boolean,
    date: _date,
    Path: _path,
}
