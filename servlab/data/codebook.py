"""How one file encodes an instrument: the codebook, a TOML file beside the data.

It says which column holds which item of which battery, which codes mean "missing", which
items are negatively worded in *this* questionnaire, and what else the file holds. Nothing is
guessed while reading: ``draft_codebook`` writes the guesses down for a person to confirm.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from servlab.core.errors import CodebookError, InstrumentError
from servlab.data.instrument import BatteryName, Code, Grade, Instrument, load_instrument
from servlab.data.schema import Label, Scale, Spec, read_toml, validate

Value = str | int | float | bool
Role = Literal["branch", "wave", "mode", "segment", "other"]
Platform = Literal["qualtrics", "surveymonkey", "limesurvey", "google_forms", "wenjuanxing", "none"]


class FileFormat(Spec):
    """How the file is to be opened; everything may be left out.

    ``format`` is the kind of file (default: by its ending), ``header_row`` the row of column
    names. ``platform`` names the survey platform whose export it is (default: recognized by its
    shape; ``"none"`` takes the table as it stands). ``catalog`` is the .sas7bcat with a SAS
    file's labels (default: the one of the same name beside it).
    """

    format: (
        Literal["csv", "tsv", "xlsx", "xls", "sav", "dta", "sas7bdat", "parquet", "feather"] | None
    ) = None
    encoding: str | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    decimal: Literal[".", ","] = "."
    sheet: str | int | None = None
    header_row: Annotated[int, Field(ge=1)] = 1
    platform: Platform | None = None
    catalog: str | None = None


class Layout(Spec):
    """How the rows stand for respondents when not one row each.

    ``form = "long"`` is a row an answer: ``id`` names the respondent, ``item`` the question,
    ``answer`` what was answered, ``battery`` (or none) which asking of it. The other columns
    describe the respondent. Read, the file has a column an item, named by the item's text in the
    file, or ``battery_item``; ``batteries`` renames the file's words for batteries.
    """

    form: Literal["long"]
    id: str
    item: str
    answer: str
    battery: str | None = None
    batteries: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _columns_differ(self) -> "Layout":
        named = [self.id, self.item, self.answer, *([self.battery] if self.battery else [])]
        twice = sorted({column for column in named if named.count(column) > 1})
        if twice:
            raise ValueError(f"column(s) {twice} stand for two things; name one column each")
        if self.batteries and self.battery is None:
            raise ValueError("batteries renames the words of a battery column; name that column")
        return self


class BatteryColumns(Spec):
    """Where one battery's answers stand.

    ``columns`` is a pattern with ``{item}`` (``{item:02}`` pads numeric codes with zeros; the
    code itself when left out), a list in the instrument's item order, or a table from item code
    to column.
    ``missing`` adds missing codes for this battery; ``scale`` replaces the instrument's;
    ``reversed`` replaces the codebook's list for this battery; ``not_asked`` names items that
    this file does not hold, as an earlier or later wave may (they are missing for everyone).
    """

    columns: str | tuple[str, ...] | dict[str, str] = "{item}"
    grade: Grade | None = None
    scale: Scale | None = None
    missing: tuple[Value, ...] = ()
    values: dict[str, int] = Field(default_factory=dict)
    reversed: tuple[Code, ...] | None = None
    not_asked: tuple[Code, ...] = ()
    label: Label | None = None

    @field_validator("reversed", "not_asked", mode="before")
    @classmethod
    def _numbers_as_text(cls, value: Any) -> Any:
        return _codes(value)

    def column_of(self, instrument: Instrument) -> dict[str, str]:
        """Return the column of each item asked; raise ``ValueError`` when they do not match up."""
        codes = tuple(code for code in instrument.item_codes if code not in self.not_asked)
        if isinstance(self.columns, str):
            return {code: _fill(self.columns, code) for code in codes}
        if isinstance(self.columns, tuple):
            if len(self.columns) != len(codes):
                raise ValueError(
                    f"lists {len(self.columns)} columns, but the instrument asks {len(codes)} items"
                )
            return dict(zip(codes, self.columns, strict=True))
        unknown = sorted(set(self.columns) - set(codes))
        if unknown:
            raise ValueError(f"names item(s) {unknown} that the instrument does not have")
        lacking = [code for code in codes if code not in self.columns]
        if lacking:
            raise ValueError(f"gives no column for item(s) {lacking}")
        return dict(self.columns)


class Respondents(Spec):
    """What the file says of each respondent beside the answers."""

    id: str | None = None
    duration: str | None = None
    shown_order: tuple[str, ...] = ()


class Covariate(Spec):
    """A column that describes respondents: branch, wave, mode, segment or another.

    ``values`` maps the codes in the file to labels; a value that is not mapped stays as it is.
    """

    column: str
    label: Label | None = None
    role: Role = "other"
    values: dict[str, Label] = Field(default_factory=dict)
    missing: tuple[Value, ...] = ()


class Outcome(Spec):
    """What the study wants to explain: the mean of one column or of several.

    ``reversed`` turns the scale round when a low number is the good answer.
    """

    columns: tuple[str, ...] = Field(min_length=1)
    scale: Scale
    label: Label | None = None
    missing: tuple[Value, ...] = ()
    values: dict[str, int] = Field(default_factory=dict)
    reversed: bool = False

    @model_validator(mode="before")
    @classmethod
    def _one_column_as_list(cls, value: Any) -> Any:
        if isinstance(value, dict) and "column" in value and "columns" not in value:
            rest = {key: part for key, part in value.items() if key != "column"}
            return {**rest, "columns": [value["column"]]}
        return value


class Weights(Spec):
    """The column of probability weights."""

    column: str


class ImportancePoints(Spec):
    """Points that each respondent shared out among the dimensions (usually 100)."""

    columns: dict[str, str] = Field(min_length=1)
    total: float = 100.0
    tolerance: Annotated[float, Field(ge=0)] = 1.0


class Exclusion(Spec):
    """Respondents who are left out before anything is computed, and why.

    ``rule = "blank"`` leaves out those who answered no item of any battery, ``rule = "empty"``
    those whose ``column`` is empty (LimeSurvey's submitdate); otherwise a ``column`` and the
    values that exclude (``equals``), or a bound (``below``, ``above``).
    """

    reason: Label
    rule: Literal["blank", "empty", "column"] = "column"
    column: str | None = None
    equals: tuple[Value, ...] = ()
    below: float | None = None
    above: float | None = None

    @field_validator("equals", mode="before")
    @classmethod
    def _one_value_as_list(cls, value: Any) -> Any:
        return value if isinstance(value, list | tuple) else [value]

    @model_validator(mode="after")
    def _says_what_excludes(self) -> "Exclusion":
        conditions = bool(self.equals) + (self.below is not None) + (self.above is not None)
        if self.rule == "blank" and (self.column is not None or conditions):
            raise ValueError('rule = "blank" takes no column and no values')
        if self.rule == "empty" and (self.column is None or conditions):
            raise ValueError('rule = "empty" takes a column and no values')
        if self.rule == "column" and (self.column is None or conditions != 1):
            raise ValueError("an exclusion needs a column and one of equals, below, above")
        return self


class CodebookSpec(Spec):
    """The codebook as it stands in the file."""

    instrument: str | Instrument
    extends: str | None = None
    title: Label | None = None
    file: FileFormat = FileFormat()
    layout: Layout | None = None
    respondents: Respondents = Respondents()
    batteries: dict[BatteryName, BatteryColumns] = Field(min_length=1)
    reversed: tuple[Code, ...] | None = None
    keyed_as_declared: tuple[Code, ...] = ()
    missing: tuple[Value, ...] = ()
    min_answered: Annotated[float, Field(gt=0, le=1)] = 1.0
    covariates: dict[str, Covariate] = Field(default_factory=dict)
    outcomes: dict[str, Outcome] = Field(default_factory=dict)
    weights: Weights | None = None
    importance_points: ImportancePoints | None = None
    exclusions: tuple[Exclusion, ...] = ()
    simulated: bool = False
    source: Label | None = None

    @field_validator("reversed", "keyed_as_declared", mode="before")
    @classmethod
    def _numbers_as_text(cls, value: Any) -> Any:
        return _codes(value)


class Codebook(Spec):
    """A codebook together with the instrument it encodes.

    Attributes
    ----------
    spec : CodebookSpec
        The codebook as it stands in the file.
    instrument : Instrument
        The instrument it names.
    source : str
        File name, for messages.
    """

    spec: CodebookSpec
    instrument: Instrument
    source: str = "codebook"

    @model_validator(mode="after")
    def _agrees_with_instrument(self) -> "Codebook":
        codes = set(self.instrument.item_codes)
        for name, battery in self.spec.batteries.items():
            if name not in self.instrument.batteries:
                raise ValueError(
                    f"batteries.{name}: the instrument {self.instrument.name!r} has no such "
                    f"battery, it has {', '.join(self.instrument.batteries)}"
                )
            try:
                battery.column_of(self.instrument)
            except ValueError as err:
                raise ValueError(f"batteries.{name}.columns: {err}") from None
            _known(battery.reversed or (), codes, f"batteries.{name}.reversed")
            _known(battery.not_asked, codes, f"batteries.{name}.not_asked")
        _known(self.spec.reversed or (), codes, "reversed")
        _known(self.spec.keyed_as_declared, codes, "keyed_as_declared")
        self._check_reversal()
        self._check_points()
        return self

    def _check_reversal(self) -> None:
        proposed = self.instrument.proposed_reversed
        stated = all(
            battery.reversed is not None or self.spec.reversed is not None
            for name, battery in self.spec.batteries.items()
            if name != "importance"
        )
        if proposed and not stated:
            raise ValueError(
                f"reversed: the published wording of items {', '.join(proposed)} is negative; "
                "translations are often reworded, so say which items are negatively worded in "
                f"this questionnaire: reversed = [{', '.join(repr(c) for c in proposed)}] as "
                "published, or reversed = [] when none is"
            )

    def _check_points(self) -> None:
        points = self.spec.importance_points
        if points is not None and set(points.columns) != set(self.instrument.dimension_codes):
            raise ValueError(
                "importance_points.columns: needs a column for each dimension "
                f"({', '.join(self.instrument.dimension_codes)}), got {', '.join(points.columns)}"
            )

    def reversed_in(self, battery: str) -> tuple[str, ...]:
        """Return the items negatively worded in one battery; importance is never reversed."""
        if battery == "importance":
            return ()
        own = self.spec.batteries[battery].reversed  # type: ignore[index]
        return own if own is not None else self.spec.reversed or ()

    def scale_of(self, battery: str) -> Scale:
        """Return the response scale of a battery in this file."""
        own = self.spec.batteries[battery].scale  # type: ignore[index]
        return own if own is not None else self.instrument.scale_of(battery)

    def grade_of(self, battery: str) -> Grade | None:
        """Return the grade of expectation that a battery asked for in this questionnaire."""
        own = self.spec.batteries[battery].grade  # type: ignore[index]
        return own if own is not None else self.instrument.batteries[battery].grade  # type: ignore[index]


def load_codebook(path: str | Path) -> Codebook:
    """Return the codebook in a TOML file with the instrument it names.

    Parameters
    ----------
    path : str or Path
        The codebook. Its ``instrument`` is a shipped name or a TOML file beside it.

    Raises
    ------
    CodebookError
        When the file is missing, malformed, or contradicts its instrument; the message names
        file, line and remedy.
    """
    path = Path(path)
    data, text, folder = _with_base(path, ())
    source = f"codebook {path.name}"
    spec = validate(CodebookSpec, data, source=source, error=CodebookError, text=text)
    try:
        instrument = _instrument_of(spec.instrument, folder)
    except InstrumentError as err:
        raise CodebookError(f"{source}, instrument: {err}") from None
    return validate(
        Codebook,
        {"spec": spec, "instrument": instrument, "source": path.name},
        source=source,
        error=CodebookError,
        text=text,
    )


def _with_base(path: Path, seen: tuple[Path, ...]) -> tuple[dict[str, Any], str, Path]:
    """Return a codebook's data over those it extends, its text, and its instrument's folder."""
    data = read_toml(path, CodebookError, "codebook")
    text = path.read_text(encoding="utf-8-sig")
    base = data.get("extends")
    if not isinstance(base, str):
        return data, text, path.parent
    below = path.parent / base
    if below.resolve() in (*seen, path.resolve()):
        raise CodebookError(
            f"codebook {path.name} extends {base}, which extends it in turn; break the circle."
        )
    under, _, folder = _with_base(below, (*seen, path.resolve()))
    return _over(under, data), text, path.parent if "instrument" in data else folder


def _over(under: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """Return one table over another: tables merge key by key, everything else is replaced."""
    merged = dict(under)
    for key, value in top.items():
        known = merged.get(key)
        both = isinstance(known, dict) and isinstance(value, dict)
        merged[key] = _over(known, value) if both else value  # type: ignore[arg-type]
    return merged


def _instrument_of(named: str | Instrument, folder: Path) -> Instrument:
    """Return the instrument: given inline, a TOML file beside the codebook, or a shipped name."""
    if isinstance(named, Instrument):
        return named
    return load_instrument(folder / named if named.endswith(".toml") else named)


def _codes(value: Any) -> Any:
    """Return item codes as text; questionnaires number their items."""
    if isinstance(value, list | tuple):
        return [str(v) if isinstance(v, int) and not isinstance(v, bool) else v for v in value]
    return value


def _fill(pattern: str, code: str) -> str:
    """Return the column that a pattern names for an item code."""
    if "{item:02}" in pattern:
        return pattern.replace("{item:02}", code.zfill(2))
    if "{item}" not in pattern:
        raise ValueError(f"pattern {pattern!r} needs {{item}} where the item's code stands")
    return pattern.replace("{item}", code)


def _known(named: tuple[str, ...], codes: set[str], where: str) -> None:
    unknown = sorted(set(named) - codes)
    if unknown:
        raise ValueError(f"{where}: names item(s) {unknown} that the instrument does not have")
