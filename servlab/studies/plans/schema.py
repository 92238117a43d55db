"""A plan's file as it is written: which keys it may have, and of what kind."""

import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from servlab.studies.plans.periods import Every

PERIOD = "period"  # the axis whose values --since compares
FORMS = Literal["docx", "xlsx", "tex"]
TITLES = "may hold letters, digits, - and _ (it names the plan's lock and log)"


def _as_text(value: Any) -> Any:
    """Return a matrix value as the text it is written with; a date in its ISO form."""
    if isinstance(value, bool | float | list | dict):
        return value
    return str(value) if isinstance(value, int | datetime.date) else value


Value = Annotated[str, BeforeValidator(_as_text), Field(min_length=1)]


class Spec(BaseModel):
    """A part of a plan's file: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Periods(Spec):
    """Generated periods: from the first (without one only the newest) to the newest that ended."""

    every: Every
    first: Value | None = None
    last: Value | None = None


class FromData(Spec):
    """The values that respondents have in a covariate of the data."""

    data: str


class StudySpec(Spec):
    """One ``[[study]]``: a notebook, its parameters, and the matrix it is repeated over."""

    notebook: str = Field(min_length=1)
    name: str | None = None
    languages: list[Literal["en", "zh"]] | None = Field(default=None, min_length=1)
    export: list[FORMS] | None = None
    timeout: float | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    matrix: dict[str, Literal["data"] | list[Value] | FromData | Periods] = Field(
        default_factory=dict
    )


class PlanSpec(Spec):
    """The whole file."""

    name: str | None = Field(default=None, pattern=r"^[\w-]{1,60}$")
    out: str = "reports"
    languages: list[Literal["en", "zh"]] | None = Field(default=None, min_length=1)
    export: list[FORMS] = Field(default_factory=list)
    timeout: float = 1800.0
    workers: int = Field(default=2, ge=1, le=256)
    retention: int = Field(default=5, ge=1)
    on_failure: list[str] = Field(default_factory=list)
    parameters: dict[str, Any] = Field(default_factory=dict)
    study: list[StudySpec] = Field(min_length=1)
