"""The parameter table: the one representation behind every latent variable model.

One row a parameter, in lavaan's order and meaning, so that a table can be compared with
lavaan's row by row. Restrictions between parameters stand beside the rows, not in them.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from servlab.core.brief import brief
from servlab.core.linalg import Array
from servlab.estimation.latent.expressions import Expression

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Constraint:
    """A restriction between parameters, ``lhs op rhs``.

    Attributes
    ----------
    lhs, rhs : Expression
        Over labels and plabels only (names of defined parameters are substituted).
    op : {"==", "<", ">"}
        Relation.
    """

    lhs: Expression
    op: Literal["==", "<", ">"]
    rhs: Expression


@dataclass(frozen=True, slots=True)
class Definition:
    """A defined parameter, ``name := expression`` over labels and plabels only."""

    name: str
    expression: Expression


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ParameterTable:
    """Every parameter of a model, one a row, with the restrictions between them.

    Attributes
    ----------
    lhs, op, rhs : tuple of str
        The term: ``"f" "=~" "x1"`` loading, ``"~~"`` (co)variance, ``"~"`` regression,
        ``"~1"`` intercept or mean (``rhs`` is then ``""``).
    group : (r,) array of int
        Group of each row, from 1.
    free : (r,) array of int
        0 where fixed, else 1, ..., q in order of the rows; rows forced equal keep numbers of
        their own, ``equalities`` binds them.
    ustart : (r,) array of float
        The fixed value of a fixed row, the user's starting value of a free one, NaN where
        there is none.
    exo : (r,) array of bool
        Moments of observed covariates (fixed.x): not free, their value is the sample's.
    user : (r,) array of bool
        The row was written by the user, not added by a rule.
    label : tuple of str
        The user's label, ``""`` where there is none.
    plabel : tuple of str
        ``".p1."``, ``".p2."``, ...: a name every row has.
    equalities : tuple of (str, str)
        Pairs of labels or plabels forced equal: repeated labels, ``equal()``, ``group_equal``
        and ``a == b``.
    nonlinear : tuple of Constraint
        Further equalities, as ``a == b*c`` or ``a + b == 1``.
    inequalities : tuple of Constraint
        As ``a > 0``.
    definitions : tuple of Definition
        Defined parameters, in the user's order.
    group_labels : tuple of str
        Label of each group, in order; one empty label for a single group.
    observed : tuple of str
        Observed variables, in lavaan's order: indicators, then other endogenous, then
        exogenous covariates.
    latent : tuple of str
        Latent variables.
    meanstructure : bool
        Whether means and intercepts are modelled.
    """

    lhs: tuple[str, ...]
    op: tuple[str, ...]
    rhs: tuple[str, ...]
    group: Ints
    free: Ints
    ustart: Array
    exo: Bools
    user: Bools
    label: tuple[str, ...]
    plabel: tuple[str, ...]
    equalities: tuple[tuple[str, str], ...]
    nonlinear: tuple[Constraint, ...]
    inequalities: tuple[Constraint, ...]
    definitions: tuple[Definition, ...]
    group_labels: tuple[str, ...]
    observed: tuple[str, ...]
    latent: tuple[str, ...]
    meanstructure: bool

    @property
    def n_groups(self) -> int:
        """Return the number of groups."""
        return len(self.group_labels)

    @property
    def n_free(self) -> int:
        """Return the number of free rows, before restrictions between them."""
        return int(self.free.max(initial=0))

    def frame(self) -> pd.DataFrame:
        """Return a row a parameter, under lavaan's column names."""
        return pd.DataFrame(
            {
                "lhs": self.lhs,
                "op": self.op,
                "rhs": self.rhs,
                "user": self.user.astype(int),
                "group": self.group,
                "free": self.free,
                "ustart": self.ustart,
                "exo": self.exo.astype(int),
                "label": self.label,
                "plabel": self.plabel,
            }
        )

    def names(self) -> tuple[str, ...]:
        """Return the name of every row: its label, or the term with ``.g2`` from group 2 on."""
        return tuple(
            label or f"{lhs}{op}{rhs}{f'.g{group}' if group > 1 else ''}"
            for lhs, op, rhs, group, label in zip(
                self.lhs, self.op, self.rhs, self.group, self.label, strict=True
            )
        )

    def free_names(self) -> tuple[str, ...]:
        """Return the names of the free rows, in the order of their numbers."""
        names = self.names()
        return tuple(names[row] for row in np.flatnonzero(self.free))

    def rows_of(self, name: str) -> tuple[int, ...]:
        """Return the rows that carry a label or plabel."""
        return tuple(
            row
            for row, pair in enumerate(zip(self.label, self.plabel, strict=True))
            if name in pair
        )
