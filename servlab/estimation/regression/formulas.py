"""Formulas in the notation of R, for columns of any name.

A name that is not a plain identifier stands in backticks, ``satisfaction ~ `wait (min)` ``, as
in R; ``formula(outcome, predictors)`` writes them. Inside, every column gets a safe alias, so
that no name is ever run as code, and labels in results are the column names again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_frame
from servlab.core.errors import ModelError

_TOKEN = re.compile(
    r"""`(?P<quoted>[^`]+)` | (?P<name>[^\W\d]\w*) | (?P<number>\d+(\.\d+)?)
    | (?P<op>\S) | \s+""",
    re.VERBOSE,
)
# What a formula may call beside columns; anything else is refused, since patsy would run it.
_FUNCTIONS = ("C",)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Aliased:
    """A formula over aliases, with the data and the way back.

    Attributes
    ----------
    formula : str
        The formula with every column replaced by its alias.
    data : DataFrame
        The columns used, under their aliases.
    names : dict of str to str
        Column name of each alias.
    outcome : str
        Column name left of the tilde.
    """

    formula: str
    data: pd.DataFrame
    names: dict[str, str]
    outcome: str

    def label(self, term: str) -> str:
        """Return a term of the design matrix with column names instead of aliases."""
        plain = re.sub(r"C\((v\d+_)\)", r"\1", term)
        plain = re.sub(r"\[T\.(.*?)\]", r"[\1]", plain)
        return re.sub(r"\bv(\d+)_\b", lambda m: self.names[m.group(0)], plain)


def formula(outcome: str, predictors: Sequence[str]) -> str:
    """Write a formula for columns of any name.

    Parameters
    ----------
    outcome : str
        Column on the left.
    predictors : sequence of str
        Columns on the right, at least one.

    Returns
    -------
    str

    Examples
    --------
    >>> import servlab as sl
    >>> sl.formula("overall", ["staff", "wait (min)"])
    'overall ~ staff + `wait (min)`'
    """
    if not predictors:
        raise ModelError("a formula needs at least one predictor; got none.")
    return f"{quote_column(outcome)} ~ {' + '.join(quote_column(name) for name in predictors)}"


def quote_column(name: str) -> str:
    """Return a column name as it stands in a formula: in backticks where it must."""
    if "`" in name:
        raise ModelError(f"column {name!r} holds a backtick; rename it to use it in a formula.")
    plain = re.fullmatch(r"[^\W\d]\w*", name) and name not in _FUNCTIONS
    return name if plain else f"`{name}`"


def alias_columns(text: str, data: pd.DataFrame) -> Aliased:
    """Return the formula over aliases, or raise ``ModelError`` naming what is wrong with it."""
    check_frame(data)
    if re.sub(r"`[^`]*`", "", text).count("~") != 1:
        raise ModelError(
            f"a formula has one tilde, as in 'satisfaction ~ staff + speed'; got {text!r}."
        )
    if data.columns.duplicated().any():
        twice = sorted({str(c) for c in data.columns[data.columns.duplicated()]})
        raise ModelError(f"columns {twice} occur more than once; give each its own name.")
    aliases: dict[str, str] = {}
    parts = []
    for match in _TOKEN.finditer(text):
        parts.append(_translate(match, text, data, aliases))
    outcome = _outcome(text, aliases)
    used = data[list(aliases)].rename(columns=aliases)
    names = {alias: str(name) for name, alias in aliases.items()}
    return Aliased("".join(parts), used, names, outcome)


def _translate(match: re.Match[str], text: str, data: pd.DataFrame, aliases: dict[str, str]) -> str:
    """Return one token of the formula with a column replaced by its alias."""
    name = match["quoted"] or match["name"]
    if name is None:
        op = match["op"]
        if op is not None and op not in "~+-*:()":
            raise ModelError(
                f"the formula {text!r} holds {op!r}; use + - * : ( ) and C(column), and put "
                "a column name with other characters in backticks."
            )
        return match[0]
    calls = match["quoted"] is None and text[match.end() :].lstrip().startswith("(")
    if calls and name in _FUNCTIONS:
        return name
    if calls:
        raise ModelError(
            f"the formula calls {name}(...); compute that column first and use its name "
            "(only C(column), for categories, may be called)."
        )
    if name == "Intercept":
        raise ModelError("a column named 'Intercept' cannot be told from the constant; rename it.")
    if name not in data.columns:
        raise ModelError(
            f"the formula names {name!r}, which is no column of the data; they have "
            f"{', '.join(map(str, data.columns[:30]))}. A name with spaces or signs stands in "
            "backticks."
        )
    return aliases.setdefault(name, f"v{len(aliases)}_")


def _outcome(text: str, aliases: dict[str, str]) -> str:
    left = re.split(r"~(?=(?:[^`]*`[^`]*`)*[^`]*$)", text)[0].strip().strip("`")
    if left not in aliases:
        raise ModelError(f"the formula needs one column left of the tilde; got {left!r}.")
    return left
