"""What a study can be asked: the cell tagged ``parameters`` is the schema.

It holds lines ``name: type = default  # help`` and nothing else. It is read by ``ast`` and
never executed for this, so a mistake in a call is answered before a kernel starts, and no
value or name can carry code into the notebook.

Text and Python values follow the same rules: a ``str`` keeps its text as it is (``007`` stays
``007``), a ``bool`` is one of true, false, yes, no, a date is written 2026-01-31, a list
``a,b,c`` or as JSON, and where a type allows None an empty text or ``none`` gives None (only
the empty text where the type also allows any text). ``env:NAME`` for a ``str`` names an
environment variable that ``servlab.secret`` reads inside the kernel; it is passed as that text.
"""

import ast
import difflib
import io
import os
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from servlab.core.errors import ParameterError
from servlab.studies.notebook import Cell, Notebook, read_notebook
from servlab.studies.parameter_types import (
    UnreadableError,
    coerce,
    read_type,
    read_value,
    takes_text,
    wanted,
)
from servlab.studies.secrets import PREFIX

TAG = "parameters"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a study.

    Attributes
    ----------
    name : str
    type_ : type
        What values it takes.
    annotation : str
        The type as the notebook writes it.
    default : object
        The notebook's own value.
    help : str
        The comment behind it.
    """

    name: str
    type_: Any
    annotation: str
    default: Any
    help: str

    @property
    def wanted(self) -> str:
        """Return in words what a value looks like."""
        return wanted(self.type_)


@dataclass(frozen=True, slots=True)
class ParameterSchema:
    """The parameters of a notebook, in its order."""

    notebook: str
    parameters: tuple[Parameter, ...]

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def __contains__(self, name: object) -> bool:
        return any(parameter.name == name for parameter in self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all parameters."""
        return tuple(parameter.name for parameter in self.parameters)


@dataclass(frozen=True, slots=True, eq=False)
class ParameterValues:
    """Values for one run, checked against a schema.

    Attributes
    ----------
    values : mapping of str to object
        Every parameter's value; paths are absolute.
    given : tuple of str
        Those that the caller set.
    """

    values: Mapping[str, Any]
    given: tuple[str, ...]

    @property
    def injected(self) -> dict[str, Any]:
        """Return what is put into the notebook: the values that the caller set."""
        return {name: self.values[name] for name in self.given}

    def paths(self) -> dict[str, Path]:
        """Return the files and folders that parameters name; ``name[2]`` for a list's second."""
        found: dict[str, Path] = {}
        for name, value in self.values.items():
            if isinstance(value, Path):
                found[name] = value
            if isinstance(value, list):
                parts = enumerate(value, start=1)
                found |= {f"{name}[{i}]": p for i, p in parts if isinstance(p, Path)}
        return found


def list_parameters(notebook: str | Path) -> ParameterSchema:
    """Return the parameters of a notebook with types, defaults and help.

    Parameters
    ----------
    notebook : str or Path
        The notebook's path, or the bare name of a study in ``notebooks/``.

    Returns
    -------
    ParameterSchema
        Iterates over ``Parameter`` (``.name, .annotation, .default, .help``).

    Raises
    ------
    ParameterError
        When there is no such notebook, or not exactly one cell tagged ``parameters``, or that
        cell holds anything but ``name: type = default`` lines; the message names the line.

    Notes
    -----
    The cell is parsed, not executed.
    """
    return schema_of(read_notebook(notebook))


def schema_of(notebook: Notebook) -> ParameterSchema:
    """Return the schema that a notebook's parameters cell writes down."""
    cell = _parameters_cell(notebook)
    try:
        statements = ast.parse(cell.source).body
        helps = _comments(cell.source)
        found = tuple(_parameter(statement, helps) for statement in statements)
    except (UnreadableError, SyntaxError) as err:
        line = err.line if isinstance(err, UnreadableError) else err.lineno
        why = err.msg if isinstance(err, SyntaxError) else err
        raise ParameterError(f"{notebook.name}, parameters cell, line {line}: {why}.") from None
    names = [parameter.name for parameter in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ParameterError(f"{notebook.name}, parameters cell: {', '.join(twice)} given twice.")
    return ParameterSchema(notebook.name, found)


def _parameters_cell(notebook: Notebook) -> Cell:
    cells = [cell for cell in notebook.cells if cell.kind == "code" and TAG in cell.tags]
    if len(cells) != 1:
        raise ParameterError(
            f"{notebook.name} has {len(cells) or 'no'} code cell(s) tagged 'parameters', but a "
            "study needs exactly one; tag it in JupyterLab's property inspector (the gears)."
        )
    return cells[0]


def _parameter(statement: ast.stmt, helps: Mapping[int, str]) -> Parameter:
    if (
        not isinstance(statement, ast.AnnAssign)
        or not isinstance(statement.target, ast.Name)
        or statement.value is None
    ):
        raise UnreadableError(
            f"only lines 'name: type = default  # help' may stand here; got "
            f"{ast.unparse(statement).splitlines()[0]!r}",
            statement.lineno,
        )
    name, line = statement.target.id, statement.lineno
    type_ = read_type(statement.annotation)
    try:
        default = coerce(read_value(statement.value), type_)
    except UnreadableError:
        raise
    except ValueError as err:
        raise UnreadableError(f"the default of {name} {err}", line) from None
    end = statement.end_lineno or line
    text = helps.get(end, helps.get(line, ""))
    return Parameter(name, type_, ast.unparse(statement.annotation), default, text)


def _comments(source: str) -> dict[int, str]:
    """Return the comment of each line that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def check_values(
    schema: ParameterSchema,
    given: Mapping[str, Any],
    *,
    folder: Path,
    base: Path | None = None,
) -> ParameterValues:
    """Return the values of a run, or raise ``ParameterError`` listing every mistake.

    Parameters
    ----------
    schema : ParameterSchema
        Of the notebook.
    given : mapping of str to object
        What the caller sets, as text or Python values.
    folder : Path
        The notebook's folder: its relative default paths start there.
    base : Path, optional
        Where a caller's relative paths start; the current folder without it.
    """
    checked, mistakes = find_values(schema, given, folder=folder, base=base or Path.cwd())
    mistakes += missing_paths(checked)
    if mistakes:
        raise ParameterError("\n".join(text for _, text in mistakes))
    return checked


def find_values(
    schema: ParameterSchema, given: Mapping[str, Any], *, folder: Path, base: Path
) -> tuple[ParameterValues, list[tuple[str, str]]]:
    """Return the values of a run and every mistake in them, as (parameter, words).

    Whether the files that they name are there is asked by ``missing_paths``.
    """
    mistakes: list[tuple[str, str]] = []
    values: dict[str, Any] = {
        parameter.name: _located(parameter.default, folder) for parameter in schema
    }
    for name, value in given.items():
        if name not in schema:
            mistakes.append((name, _unknown(name, schema)))
            continue
        try:
            values[name] = _located(coerce(value, schema[name].type_), base)
        except ValueError as err:
            text = f"parameter {name} {err}{_hint(value, schema[name])}."
            mistakes.append((name, text))
    checked = ParameterValues(
        MappingProxyType(values), tuple(name for name in schema.names if name in given)
    )
    return checked, mistakes + _missing_secrets(checked)


def _located(value: Any, folder: Path) -> Any:
    """Return paths as absolute ones; the kernel runs in the notebook's folder."""
    if isinstance(value, Path):
        return Path(os.path.abspath(folder / value))
    if isinstance(value, list):
        return [_located(part, folder) for part in value]
    return value


def _unknown(name: object, schema: ParameterSchema) -> str:
    text = str(name)
    close = difflib.get_close_matches(text, schema.names, n=3, cutoff=0.5)
    meant = f" Did you mean {' or '.join(close)}?" if close else ""
    return (
        f"{schema.notebook} has no parameter {text!r}.{meant} "
        f"It has: {', '.join(schema.names) or 'none'}."
    )


def _hint(value: Any, parameter: Parameter) -> str:
    if isinstance(value, str) and value.startswith(PREFIX) and not takes_text(parameter.type_):
        return " (env:NAME is for parameters of type str)"
    return ""


def missing_paths(checked: ParameterValues) -> list[tuple[str, str]]:
    """Return what to say of each file named that is not there, as (parameter, words).

    A list's second file is called ``name[2]``.
    """
    return [
        (name, f"parameter {name}: {path} does not exist; check the path.")
        for name, path in checked.paths().items()
        if not path.exists()
    ]


def _missing_secrets(checked: ParameterValues) -> list[tuple[str, str]]:
    """Return a mistake for each ``env:NAME`` whose variable is not set here."""
    mistakes = []
    for name, value in checked.values.items():
        if isinstance(value, str) and value.startswith(PREFIX):
            variable = value.removeprefix(PREFIX)
            if variable not in os.environ:
                text = (
                    f"parameter {name}: the environment variable {variable!r} of {value!r} is "
                    "not set; export it before the run."
                )
                mistakes.append((name, text))
    return mistakes


def as_code(value: Any) -> str:
    """Return a value as Python source, without a path's folder; no two values look alike."""
    if isinstance(value, Path):
        return f"Path({value.name!r})"
    if isinstance(value, list):
        return f"[{', '.join(as_code(part) for part in value)}]"
    return repr(value)


def as_text(value: Any) -> str:
    """Return a value as text for people; of a path its name without the folder."""
    if isinstance(value, Path):
        return value.name
    if isinstance(value, list):
        return ", ".join(as_text(part) for part in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "none" if value is None else str(value)
