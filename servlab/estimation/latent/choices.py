"""Which model can be asked of this survey? Models and comparisons, from what it holds."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice
from servlab.core.errors import ModelError
from servlab.core.groups import code_text, natural_order
from servlab.data.survey import Survey
from servlab.estimation.choices import study_choices
from servlab.estimation.latent.syntax import instrument_syntax, parse_syntax, quote_name
from servlab.estimation.latent.variables import classify

SERVICE_QUALITY = "service_quality"  # name of the factor of all dimensions
FEWEST_PER_ITEM, FEWEST_IN_GROUP = 5, 50  # respondents that a group needs to be compared
FEWEST_PARTS = 3  # dimensions that a factor of dimensions needs
MUCH_MISSING = 0.1  # share of rows with a missing item from which every answer is used (FIML)
Structure = Literal["auto", "second_order", "dimensions"]
Batteries = Literal["auto", "perception", "expectation", "desired", "adequate", "importance"]


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ModelChoices:
    """What a study of one model analyses.

    Attributes
    ----------
    model : str
        In lavaan's notation, over item codes, outcomes and covariates.
    battery : str
        The battery that items are taken from.
    data : DataFrame
        (n, v) items under their codes, covariates, outcomes.
    weights : Series or None
    missing : {"listwise", "fiml"}
        By default every answer is used where more than a tenth of the rows miss one.
    batteries : tuple of str
        Expectation and perception where the survey has both and the model only measures.
    group : str
        The covariate to compare groups by; empty without one, or when fewer than two of its
        groups are large enough.
    group_data : DataFrame
        The rows of those groups.
    asked_group : str
        Covariate whose groups were looked at, large enough or not; empty without one.
    left_out : tuple of str
        Groups that are too small: fewer than ``fewest`` respondents.
    fewest : int
        Respondents that a group needs to be compared: 50, or five an item where that is more.
    unused_group : str
        The covariate that was asked for, where the model has paths, modifiers or constraints
        and is therefore not compared over groups; else empty.
    outcomes : tuple of str
        Outcomes in the model, in its order.
    """

    model: str
    battery: str
    data: pd.DataFrame
    weights: pd.Series | None
    missing: Literal["listwise", "fiml"]
    batteries: tuple[str, ...]
    group: str
    group_data: pd.DataFrame
    asked_group: str
    left_out: tuple[str, ...]
    fewest: int
    unused_group: str
    outcomes: tuple[str, ...]

    @property
    def group_weights(self) -> pd.Series | None:
        """Return the weights of the rows of ``group_data``."""
        return None if self.weights is None else self.weights.loc[self.group_data.index]


def model_choices(
    survey: Survey,
    *,
    model: str = "",
    battery: Batteries = "auto",
    group: str = "",
    missing: Literal["auto", "listwise", "fiml"] = "auto",
) -> ModelChoices:
    """Decide what a study of a measurement model analyses.

    Parameters
    ----------
    survey : Survey
        The survey of the study.
    model : str
        In lavaan's notation over item codes; empty takes the instrument's own.
    battery : str
        ``"auto"`` takes perception, or the first there is.
    group : str
        Covariate to compare groups by; empty takes the first branch or segment, ``"none"`` none.
    missing : {"auto", "listwise", "fiml"}
        What to do about missing answers.

    Returns
    -------
    ModelChoices

    Examples
    --------
    >>> import servlab as sl
    >>> chosen = sl.model_choices(sl.load_example("servqual"))
    >>> chosen.battery, chosen.batteries, chosen.missing
    ('perception', ('expectation', 'perception'), 'listwise')
    """
    text = model.strip() or instrument_syntax(survey.instrument)
    return _choices(survey, text, battery, group, missing)


def structural_choices(
    survey: Survey,
    *,
    model: str = "",
    structure: Structure = "auto",
    battery: Batteries = "auto",
    missing: Literal["auto", "listwise", "fiml"] = "auto",
) -> ModelChoices:
    """Decide what a study of a structural model analyses.

    Parameters
    ----------
    survey : Survey
        The survey of the study; it has an outcome, or ``model`` is given.
    model : str
        In lavaan's notation; empty writes one: service quality explains the survey's first
        outcome, and both explain the second, with the indirect and the total effect.
    structure : {"auto", "second_order", "dimensions"}
        Whether service quality is one factor of the dimensions (``auto`` from three dimensions
        on), or each dimension explains the outcomes.
    battery, missing
        As in ``model_choices``.

    Returns
    -------
    ModelChoices

    Raises
    ------
    ModelError
        When there is neither a model nor an outcome.

    Examples
    --------
    >>> import servlab as sl
    >>> print(sl.structural_choices(sl.load_example("servqual")).model.splitlines()[-1])
    satisfaction ~ a*service_quality
    """
    check_choice("structure", structure, ("auto", "second_order", "dimensions"))
    text = model.strip() or _structural_text(survey, structure)
    return _choices(survey, text, battery, "none", missing)


def _choices(
    survey: Survey,
    text: str,
    battery: Batteries,
    group: str,
    missing: Literal["auto", "listwise", "fiml"],
) -> ModelChoices:
    """Return the choices for a model text."""
    first = "perception" if survey.has("perception") else survey.batteries[0]
    chosen = first if battery == "auto" else battery
    data = _data(survey, chosen)
    syntax = parse_syntax(text)
    used = [name for name in classify(syntax).observed if name in data.columns]
    complete = data[used].notna().all(axis=1)
    handling: Literal["listwise", "fiml"] = "listwise"
    if missing == "fiml" or (missing == "auto" and complete.mean() < 1 - MUCH_MISSING):
        handling = "fiml"
    plain = all(term.op in ("=~", "~~") for term in syntax.terms) and not syntax.restrictions
    plain &= all(term.modifiers == type(term.modifiers)() for term in syntax.terms)
    both = ("expectation", "perception")
    wanted = study_choices(survey, group=group).group if plain else ""
    usable = data.loc[complete if handling == "listwise" else data[used].notna().any(axis=1)]
    fewest = max(FEWEST_PER_ITEM * len(used), FEWEST_IN_GROUP)
    large, left_out = _groups(usable, wanted, fewest)
    return ModelChoices(
        model=text,
        battery=chosen,
        data=data,
        weights=survey.weights,
        missing=handling,
        batteries=both if plain and survey.has(*both) else (),
        group=wanted if len(large) > 1 else "",
        group_data=data[data[wanted].isin(large)] if len(large) > 1 else data,
        asked_group=wanted,
        left_out=left_out,
        fewest=fewest,
        unused_group="" if plain or group in ("", "none") else group,
        outcomes=tuple(name for name in used if name in survey.outcomes.columns),
    )


def _groups(rows: pd.DataFrame, group: str, needed: int) -> tuple[list[object], tuple[str, ...]]:
    """Return the groups that are large enough, and the names of the others."""
    if not group:
        return [], ()
    sizes = rows[group].value_counts(sort=False)
    fits = sizes >= needed
    return list(sizes.index[fits]), tuple(
        sorted((code_text(name) for name in sizes.index[~fits]), key=natural_order)
    )


def _data(survey: Survey, battery: str) -> pd.DataFrame:
    """Return a battery's items under their codes beside covariates and outcomes."""
    items = survey.items(battery)
    items.columns = items.columns.map(str)
    others = survey.covariates.join(survey.outcomes)
    return items.join(others[[c for c in others.columns if c not in items.columns]])


def _structural_text(survey: Survey, structure: Structure) -> str:
    """Return the model of quality, satisfaction and loyalty for what a survey holds."""
    outcomes = [quote_name(str(name)) for name in survey.outcomes.columns][:2]
    if not outcomes:
        raise ModelError(
            "the survey has no outcome for service quality to explain; declare one in the "
            "codebook ([outcomes]), or give a model."
        )
    lines = [instrument_syntax(survey.instrument)]
    dimensions = [quote_name(code) for code in survey.instrument.dimension_codes]
    sources = dimensions or ["quality"]
    if len(dimensions) >= FEWEST_PARTS and structure != "dimensions":
        lines.append(f"{SERVICE_QUALITY} =~ {' + '.join(dimensions)}")
        sources = [SERVICE_QUALITY]
    numbers = [""] if len(sources) == 1 else [str(k + 1) for k in range(len(sources))]
    pairs = list(zip(numbers, sources, strict=True))
    first = outcomes[0]
    lines.append(f"{first} ~ {' + '.join(f'a{k}*{name}' for k, name in pairs)}")
    if len(outcomes) > 1:
        direct = " + ".join(f"c{k}*{name}" for k, name in pairs)
        lines.append(f"{outcomes[1]} ~ b*{first} + {direct}")
        for k, _ in pairs:
            lines += [f"indirect{k} := a{k}*b", f"total{k} := c{k} + a{k}*b"]
    return "\n".join(lines)
