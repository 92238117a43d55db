"""The survey: answers, covariates, outcomes and where they came from, as one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import pandas as pd

from servlab.core.brief import brief
from servlab.core.errors import ModelError
from servlab.core.groups import code_text
from servlab.data.instrument import Grade, Instrument
from servlab.data.schema import Label, Language, Scale
from servlab.data.wave_difference import Difference

WEIGHTS = "weights"  # column of the weights in a survey's flat frame


@dataclass(frozen=True, slots=True)
class Exclusions:
    """One step of the flow from file to analysis: how many left, and why."""

    reason: Label
    n: int


@dataclass(frozen=True, slots=True)
class Coding:
    """How one item stands in its file: column, codes that mean missing, numbers of words."""

    column: str
    missing: tuple[str, ...] = ()
    words: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a survey came from and what was done to it.

    Attributes
    ----------
    source : str
        Name of the data file (no folder: reports are shared).
    sha256 : str
        Hash of the file's bytes, in hexadecimal; empty for a frame given in memory.
    n_rows : int
        Rows in the file.
    exclusions : tuple of Exclusions
        In the order in which they were applied.
    kept : tuple of Label
        What the respondents were kept to by ``keep_respondents``, such as "Branch: North".
    encoding : str or None
        The text encoding the file was read with.
    title, origin : Label or None
        The study's title and a line on where the data come from.
    simulated : bool
        Whether the answers were drawn by a program.
    example : bool
        Whether it is one of ``load_example``, so that no report of it is taken for one's own.
    notes : tuple of Label
        What the reader saw and a reader of results must know.
    codings : mapping of str to mapping of str to Coding
        Battery -> item -> how it stands in the file; empty for waves put together.
    waves : tuple of str
        Names of the waves put together, in order of time; empty for one file.
    wave_differences : tuple of Difference
        How items differed between these waves.
    """

    source: str
    sha256: str
    n_rows: int
    exclusions: tuple[Exclusions, ...] = ()
    kept: tuple[Label, ...] = ()
    encoding: str | None = None
    title: Label | None = None
    origin: Label | None = None
    simulated: bool = False
    example: bool = False
    notes: tuple[Label, ...] = ()
    codings: Mapping[str, Mapping[str, Coding]] = field(default_factory=dict)
    waves: tuple[str, ...] = ()
    wave_differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class VariableInfo:
    """Label, role and value labels of a covariate; label and scale of an outcome."""

    label: Label
    role: str = "other"
    values: Mapping[str, Label] = field(default_factory=dict)
    scale: Scale | None = None


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """A survey as it was answered, encoded by a codebook; never changed in place.

    ``read_survey`` makes one. Frames it hands out are copies: what a notebook does to them
    does not change the survey.

    Attributes
    ----------
    instrument : Instrument
        What was asked.
    answers : mapping of str to DataFrame
        Per battery (n, k) answers as given, a column an item code, NaN where missing.
    reversed_items : mapping of str to tuple of str
        Per battery, the items that are negatively worded in this questionnaire.
    scales : mapping of str to Scale
        Response scale of each battery.
    grades : mapping of str to str or None
        The grade of expectation each battery asked for.
    covariates : DataFrame
        (n, c) branch, wave, segment and the like, as written in the file.
    outcomes : DataFrame
        (n, o) outcome scores, in points of each outcome's scale.
    variables : mapping of str to VariableInfo
        Labels of covariates and outcomes.
    weights : Series or None
        (n,) probability weights.
    importance_points : DataFrame or None
        (n, dimensions) points each respondent gave to the dimensions.
    min_answered : float
        Share of a dimension's items, in (0, 1], that a respondent must have answered to
        have a score.
    duration : Series or None
        (n,) time taken, in seconds.
    shown_order : tuple of str
        Items as ``battery_code``, in the order respondents saw them, or empty.
    provenance : Provenance
        Source, hash, exclusions.
    """

    instrument: Instrument
    answers: Mapping[str, pd.DataFrame]
    reversed_items: Mapping[str, tuple[str, ...]]
    scales: Mapping[str, Scale]
    grades: Mapping[str, Grade | None]
    covariates: pd.DataFrame
    outcomes: pd.DataFrame
    variables: Mapping[str, VariableInfo]
    provenance: Provenance
    weights: pd.Series | None = None
    importance_points: pd.DataFrame | None = None
    min_answered: float = 1.0
    duration: pd.Series | None = None
    shown_order: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Return the number of respondents, after exclusions."""
        return len(self.covariates)

    @property
    def index(self) -> pd.Index:
        """Return the respondents' identifiers (ids of the codebook, or row numbers of the file)."""
        return self.covariates.index

    @property
    def batteries(self) -> tuple[str, ...]:
        """Return the batteries this survey holds."""
        return tuple(self.answers)

    def has(self, *batteries: str) -> bool:
        """Return whether the survey holds all of the batteries named."""
        return all(battery in self.answers for battery in batteries)

    def raw(self, battery: str) -> pd.DataFrame:
        """Return a battery's answers as given (n, k), in scale points; NaN is missing."""
        return self._battery(battery).copy()

    def items(self, battery: str) -> pd.DataFrame:
        """Return a battery's answers (n, k) with negatively worded items turned round.

        A reversed answer x on a scale from low to high becomes low + high - x.
        """
        answers = self._battery(battery).copy()
        scale = self.scales[battery]
        turned = list(self.reversed_items.get(battery, ()))
        if turned:
            answers[turned] = scale.low + scale.high - answers[turned]
        return answers

    def frame(self) -> pd.DataFrame:
        """Return everything in one flat frame, for formulas.

        Items stand as ``battery_code`` (``perception_12``), turned round where reversed;
        covariates, outcomes and ``weights`` under their own names.
        """
        parts = [self.items(battery).add_prefix(f"{battery}_") for battery in self.answers]
        parts += [self.covariates, self.outcomes]
        if self.weights is not None:
            parts.append(self.weights.rename(WEIGHTS).to_frame())
        return pd.concat(parts, axis=1)

    def label(self, code: str, language: Language = "en") -> str:
        """Return the label of an item, dimension, covariate or outcome; its code without one."""
        if code in self.variables:
            return self.variables[code].label.text(language)
        return self.instrument.label(code, language)

    def value_label(self, covariate: str, value: object, language: Language = "en") -> str:
        """Return the label of a covariate's value; the value itself where none is given."""
        labels = self.variables[covariate].values if covariate in self.variables else {}
        key = code_text(value)
        return labels[key].text(language) if key in labels else key

    def subset(self, keep: pd.Series, *, reason: Label | str) -> "Survey":
        """Return the survey of the respondents in ``keep``, with the rest counted under a reason.

        Parameters
        ----------
        keep : Series of bool
            (n,) True for respondents who stay; same index as the survey.
        reason : Label or str
            Why the others leave, as the report's flow shows it.
        """
        if not keep.index.equals(self.index) or keep.dtype != bool:
            raise ModelError("keep must be a Series of True and False with the survey's index.")
        if not keep.any():
            raise ModelError(f"no respondent is left after the exclusion {reason!r}.")
        label = reason if isinstance(reason, Label) else Label.model_validate(reason)
        step = Exclusions(label, int((~keep).sum()))
        provenance = replace(self.provenance, exclusions=(*self.provenance.exclusions, step))
        return replace(
            self,
            answers=MappingProxyType({name: a[keep] for name, a in self.answers.items()}),
            covariates=self.covariates[keep],
            outcomes=self.outcomes[keep],
            weights=None if self.weights is None else self.weights[keep],
            importance_points=(
                None if self.importance_points is None else self.importance_points[keep]
            ),
            duration=None if self.duration is None else self.duration[keep],
            provenance=provenance,
        )

    def without_weights(self) -> "Survey":
        """Return the same survey with every respondent counting once."""
        return replace(self, weights=None)

    def _battery(self, battery: str) -> pd.DataFrame:
        if battery not in self.answers:
            raise ModelError(
                f"this survey has no {battery!r} battery; it has {', '.join(self.answers)}."
            )
        return self.answers[battery]
