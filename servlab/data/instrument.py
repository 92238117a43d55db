"""What was asked: items, dimensions, scale and batteries of a questionnaire.

An instrument is a TOML file; servlab ships those of the field under ``data/instruments``,
and a researcher's own is a file of the same form.
"""

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from servlab.core.errors import InstrumentError
from servlab.data.schema import Label, Language, Scale, Spec, read_toml, validate

BatteryName = Literal["expectation", "perception", "desired", "adequate", "importance"]
Grade = Literal["worst", "lower_will", "minimum", "higher_will", "should", "ideal"]

# The grades of expectation that textbooks order, from the lowest to the highest.
GRADES: tuple[Grade, ...] = ("worst", "lower_will", "minimum", "higher_will", "should", "ideal")

Code = Annotated[str, Field(pattern=r"^[^\s].*$", min_length=1)]


class Dimension(Spec):
    """A dimension of quality: its code, its label and other names the field uses."""

    code: Code
    label: Label
    also: tuple[str, ...] = ()


class Item(Spec):
    """One question: its code, dimension (or none) and label.

    ``reversed`` says that the published wording is negative. The codebook decides whether
    that holds for the questionnaire at hand.
    """

    code: Code
    label: Label
    dimension: Code | None = None
    reversed: bool = False

    @field_validator("code", mode="before")
    @classmethod
    def _number_as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Battery(Spec):
    """One asking of all items: what was asked for, on which scale.

    ``grade`` names the grade of expectation that an expectation-like battery asked for; a gap
    against "should" and one against "will" are different quantities. ``scale`` replaces the
    instrument's scale for this battery.
    """

    label: Label | None = None
    grade: Grade | None = None
    scale: Scale | None = None


class Instrument(Spec):
    """A questionnaire of service quality.

    Attributes
    ----------
    name : str
        Short name, as in ``load_instrument("servqual-1988")``.
    title : Label
        Full title, in English and Chinese.
    scale : Scale
        Response scale of the items.
    dimensions : tuple of Dimension
        In the authors' order.
    items : tuple of Item
        In the order of the questionnaire.
    batteries : dict of str to Battery
        Which batteries the instrument asks, by name.
    reference : str
        Where item counts, order and wording direction were taken from.
    reference_weights : dict of str to float
        Published importance of each dimension (any unit; used in proportion), or empty.
    notes : Label or None
        What a reader of results must know of this instrument.
    """

    name: Code
    title: Label
    scale: Scale
    dimensions: tuple[Dimension, ...] = ()
    items: tuple[Item, ...] = Field(min_length=1)
    batteries: dict[BatteryName, Battery] = Field(min_length=1)
    reference: str = ""
    reference_weights: dict[str, float] = Field(default_factory=dict)
    weights_reference: str = ""
    notes: Label | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        """Take items listed by their codes, alone or under their dimension."""
        return _spelled_out(value) if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _parts_agree(self) -> "Instrument":
        codes = [item.code for item in self.items]
        dimensions = [dimension.code for dimension in self.dimensions]
        for what, names in (("item", codes), ("dimension", dimensions)):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what} code(s) {twice} occur more than once")
        for item in self.items:
            if item.dimension is not None and item.dimension not in dimensions:
                raise ValueError(f"item {item.code!r} names no known dimension: {item.dimension!r}")
        empty = [code for code in dimensions if not self.items_of(code)]
        if empty:
            raise ValueError(f"dimension(s) {empty} have no item")
        unknown = sorted(set(self.reference_weights) - set(dimensions))
        if unknown:
            raise ValueError(f"reference_weights name no known dimension: {unknown}")
        if any(weight < 0 for weight in self.reference_weights.values()):
            raise ValueError("reference_weights must not be negative")
        return self

    def items_of(self, dimension: str) -> tuple[str, ...]:
        """Return the item codes of one dimension, in questionnaire order."""
        return tuple(item.code for item in self.items if item.dimension == dimension)

    @property
    def item_codes(self) -> tuple[str, ...]:
        """Return all item codes, in questionnaire order."""
        return tuple(item.code for item in self.items)

    @property
    def dimension_codes(self) -> tuple[str, ...]:
        """Return all dimension codes, in the authors' order."""
        return tuple(dimension.code for dimension in self.dimensions)

    @property
    def proposed_reversed(self) -> tuple[str, ...]:
        """Return the items whose published wording is negative."""
        return tuple(item.code for item in self.items if item.reversed)

    def scale_of(self, battery: str) -> Scale:
        """Return the response scale of a battery."""
        found = self.batteries.get(battery)  # type: ignore[call-overload]
        return found.scale if found is not None and found.scale is not None else self.scale

    def label(self, code: str, language: Language) -> str:
        """Return the label of an item or a dimension; the code itself where there is none."""
        labels = {part.code: part.label for part in self.items}
        labels.update({part.code: part.label for part in self.dimensions})
        return labels[code].text(language) if code in labels else code


def _spelled_out(data: dict[str, Any]) -> dict[str, Any]:
    """Return an instrument's data with an entry an item: a code alone is its own label.

    ``items = ["a", "b"]`` under a dimension gives the items that dimension.
    """
    items = [_entry(item) for item in _listed(data.get("items"))]
    dimensions = []
    for dimension in _listed(data.get("dimensions")):
        if isinstance(dimension, dict) and "items" in dimension:
            rest = {key: part for key, part in dimension.items() if key != "items"}
            own = [_entry(item) for item in _listed(dimension["items"])]
            items += [
                {"dimension": rest.get("code"), **i} if isinstance(i, dict) else i for i in own
            ]
            dimension = rest
        dimensions.append(dimension)
    found = {"items": items, "dimensions": dimensions}
    return data | {key: part for key, part in found.items() if part}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _entry(item: Any) -> Any:
    """Return an item's entry; of a code alone the code is the label too."""
    if isinstance(item, str) or (isinstance(item, int) and not isinstance(item, bool)):
        return {"code": str(item), "label": str(item)}
    return item


def shipped_instruments() -> tuple[str, ...]:
    """Return the names of the instruments that servlab ships."""
    folder = files("servlab.data") / "instruments"
    return tuple(sorted(p.name[:-5] for p in folder.iterdir() if p.name.endswith(".toml")))


def load_instrument(name_or_path: str | Path) -> Instrument:
    """Return an instrument by its shipped name or from a TOML file.

    Parameters
    ----------
    name_or_path : str or Path
        A shipped name, such as ``"servqual-1988"`` (``shipped_instruments()`` lists them),
        or the path of a TOML file.

    Returns
    -------
    Instrument

    Raises
    ------
    InstrumentError
        When there is neither such a name nor such a file, or the file is malformed; the message
        names the line.

    Examples
    --------
    >>> import servlab as sl
    >>> servqual = sl.load_instrument("servqual-1988")
    >>> len(servqual.items), servqual.items_of("tangibles")
    (22, ('1', '2', '3', '4'))
    """
    if isinstance(name_or_path, str) and name_or_path in shipped_instruments():
        path = Path(str(files("servlab.data") / "instruments" / f"{name_or_path}.toml"))
    else:
        path = Path(name_or_path)
        if path.suffix != ".toml" and not path.exists():
            raise InstrumentError(
                f"no instrument is called {str(name_or_path)!r}; servlab ships "
                f"{', '.join(shipped_instruments())}, or give the path of a TOML file."
            )
    data = read_toml(path, InstrumentError, "instrument")
    return validate(
        Instrument,
        data,
        source=f"instrument {path.name}",
        error=InstrumentError,
        text=path.read_text(encoding="utf-8-sig"),
    )
