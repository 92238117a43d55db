"""A study's parameters where servlab does not run it: JupyterLab, papermill, jupyter-scheduler.

servlab's runner checks names and values before a kernel starts. Other programs write a cell of
plain assignments behind the parameters cell and check nothing: a misspelt name would change
nothing, and the example survey would be taken for the reader's own. Here the kernel's history
says what was declared and what was given, and the same rules are applied to it.
"""

import ast
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from servlab.core.errors import ParameterError

# papermill writes the one, Quarto the other, jupyter-scheduler nothing
_MARK = re.compile(r"\s*#\s*(injected )?parameters\s*$", re.IGNORECASE | re.MULTILINE)
_BUILDERS = {"Path", "date", "float"}
_PLAIN = (str, int, float, list, tuple, date, Path, type(None))
_OWN = "A variable of your own goes into a cell below the one that reads the survey."


def check_parameters() -> None:
    """Check a notebook's parameters where another program runs it, or you do.

    Stands in the cell after the parameters. servlab's own runner has checked them before; there
    it does nothing, nor outside IPython.

    Raises
    ------
    ParameterError
        When papermill, jupyter-scheduler or another program set a parameter that the notebook
        does not have; when a value is not of its type, a path does not exist, or one of ``data``
        and ``codebook`` is given without the other. It lists every mistake.

    Notes
    -----
    Text is read as ``servlab run`` reads it: ``branch=West`` for a list becomes
    ``["branch=West"]``, a path's text a ``Path``. Relative paths start in the kernel's current
    folder. Names are those that the cell tagged ``parameters`` annotates. The cell that another
    program inserts is known by its comment ``# Parameters``, or by its place: in a kernel that
    nobody sits at, plain assignments right behind the parameters cell. What you define yourself in
    JupyterLab or VS Code is yours.

    Examples
    --------
    >>> check_parameters()  # not a notebook: nothing to check
    """
    __tracebackhide__ = True  # IPython then shows the cell and the words, not our lines
    if os.environ.get("SERVLAB_RUN") == "1" or "IPython" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is None:
        return
    history = [str(source) for source in shell.history_manager.input_hist_raw]
    checked = checked_values(history, shell.user_ns, attended=_is_attended(shell))
    shell.user_ns.update(checked)


def _is_attended(shell: Any) -> bool:
    """Return whether a window sent the cell: JupyterLab and VS Code say which cell it is."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return True  # a terminal
    return "cellId" in kernel.get_parent("shell").get("metadata", {})


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell of assignments to names.

    Attributes
    ----------
    names : mapping of str to ast.expr or None
        The annotation of each; None for a plain assignment.
    marked : bool
        Whether it opens with the comment of a program that inserts cells.
    literal : bool
        Whether its values need nothing that other cells computed.
    """

    names: Mapping[str, ast.expr | None]
    marked: bool
    literal: bool

    @property
    def annotated(self) -> set[str]:
        """Return the names that it declares with a type."""
        return {name for name, annotation in self.names.items() if annotation is not None}


def checked_values(
    history: Sequence[str], namespace: Mapping[str, Any], *, attended: bool
) -> dict[str, Any]:
    """Return the parameters' values, of their types, or raise ``ParameterError``.

    Parameters
    ----------
    history : sequence of str
        The cells that the kernel ran, the newest last.
    namespace : mapping of str to object
        The notebook's variables.
    attended : bool
        Whether somebody runs the cells in a window. Then plain assignments are their own, and so
        are values that are no plain data, such as a ``Codebook``.
    """
    from servlab.studies.parameters import ParameterSchema, find_values, missing_paths
    from servlab.studies.preflight import check_pair

    cells = [None if "check_parameters" in source else _assignments(source) for source in history]
    declared, behind = _parameters_cell(cells)
    foreign = _given(declared, behind, attended=attended)
    parameters = [
        parameter
        for name, annotation in declared.names.items()
        if annotation is not None and name in namespace
        for parameter in _parameter(name, annotation, namespace[name])
    ]
    schema = ParameterSchema("this notebook", tuple(parameters))
    given = {p.name: p.default for p in parameters if not attended or isinstance(p.default, _PLAIN)}
    folder = Path.cwd()
    values, mistakes = find_values(
        schema, given | dict.fromkeys(sorted(foreign)), folder=folder, base=folder
    )
    mistakes += missing_paths(values)
    texts = [f"{text} {_OWN}" if name in foreign else text for name, text in mistakes]
    if texts:
        raise ParameterError("\n".join(texts))
    if {"data", "codebook"} <= values.values.keys():
        check_pair(values)
    return dict(values.values)


def _assignments(source: str) -> _Cell | None:
    """Return a cell that only assigns to names; None for any other."""
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError):  # a magic
        return None
    names: dict[str, ast.expr | None] = {}
    for statement in statements:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                names[name] = annotation
            case ast.Assign(targets=[ast.Name(id=name)]):
                names.setdefault(name, None)
            case _:
                return None
    used = {n.id for s in statements for n in ast.walk(s) if isinstance(n, ast.Name)}
    marked = _MARK.match(source) is not None
    return _Cell(names, marked, used <= names.keys() | _BUILDERS) if names else None


def _parameters_cell(cells: Sequence[_Cell | None]) -> tuple[_Cell, Sequence[_Cell | None]]:
    """Return the parameters cell as it ran last, and the cells after it.

    It is the cell that declares most, or a later form of it; one that annotates variables of
    somebody's own shares no name with it.
    """
    found = [(i, cell) for i, cell in enumerate(cells) if cell and cell.annotated]
    if not found:
        return _Cell({}, marked=False, literal=False), ()
    largest = max((cell.annotated for _, cell in found), key=len)
    place, last = [(i, cell) for i, cell in found if cell.annotated & largest][-1]
    return last, cells[place + 1 :]


def _given(declared: _Cell, behind: Sequence[_Cell | None], *, attended: bool) -> set[str]:
    """Return the names that another program set in the cell behind the parameters, if unknown."""
    first = behind[0] if behind else None
    if first is None or first.annotated or not (first.marked or (first.literal and not attended)):
        return set()
    known = declared.names.keys() | first.names.keys()
    later = [c for c in behind if c and c.marked and not c.annotated and c.names.keys() & known]
    corrected = later[-1] if later else first
    return set(corrected.names.keys() - declared.names.keys())


def _parameter(name: str, annotation: ast.expr, value: Any) -> list[Any]:
    """Return the parameter; none where its type is not one that servlab reads."""
    from servlab.studies.parameter_types import UnreadableError, read_type
    from servlab.studies.parameters import Parameter

    try:
        return [Parameter(name, read_type(annotation), ast.unparse(annotation), value, "")]
    except UnreadableError:
        return []
