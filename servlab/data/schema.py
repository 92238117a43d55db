"""The pieces that instrument and codebook files share: strict TOML, bilingual labels, scales.

A mistake in a file is reported with the file's name, the key and, where it can be found,
the line.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from servlab.core.errors import ServlabError

Language = Literal["en", "zh"]
# what a note of the reader calls a battery in Chinese; in English its code is the word
BATTERY_ZH = {
    "expectation": "期望",
    "perception": "感知",
    "desired": "理想服务",
    "adequate": "适当服务",
    "importance": "重要性",
}
LANGUAGES: tuple[Language, ...] = ("en", "zh")

Model = TypeVar("Model", bound=BaseModel)


class Spec(BaseModel):
    """A part of a TOML file: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Label(Spec):
    """A text for readers, in English and Chinese.

    A plain string stands for both languages (a codebook's own labels stay as they are).
    """

    en: str
    zh: str

    @model_validator(mode="before")
    @classmethod
    def _one_text_for_both(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"en": value, "zh": value}
        if isinstance(value, Mapping) and len(value) == 1:
            text = next(iter(value.values()))
            return {"en": text, "zh": text} if set(value) <= {"en", "zh"} else value
        return value

    def text(self, language: Language) -> str:
        """Return the label in one language."""
        return self.en if language == "en" else self.zh


class Scale(Spec):
    """A rating scale of whole numbers from ``low`` to ``high``."""

    low: int
    high: int

    @model_validator(mode="after")
    def _low_is_below_high(self) -> "Scale":
        if self.low >= self.high:
            raise ValueError(f"low must be below high; got {self.low} and {self.high}")
        return self

    @property
    def n_points(self) -> int:
        """Return the number of answer categories."""
        return self.high - self.low + 1

    @property
    def midpoint(self) -> float:
        """Return the middle of the scale."""
        return (self.low + self.high) / 2


def read_toml(path: Path, error: type[ServlabError], what: str) -> dict[str, Any]:
    """Return the parsed TOML file, or raise ``error`` naming the file, the line and the remedy."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise error(f"{what} {path} does not exist; check the path.") from None
    except IsADirectoryError:
        raise error(f"{what} {path} is a folder; name a TOML file.") from None
    except UnicodeDecodeError as err:
        raise error(
            f"{what} {path} is not UTF-8 text (byte {err.start}); save it as UTF-8."
        ) from None
    except OSError as err:
        raise error(f"{what} {path} cannot be read: {err.strerror}.") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise error(f"{what} {path} is not valid TOML: {err}.") from None


def validate(
    model: type[Model],
    data: Mapping[str, Any],
    *,
    source: str,
    error: type[ServlabError],
    text: str,
) -> Model:
    """Return the data as a ``model``, or raise ``error`` with one line for each mistake.

    ``text`` is the file's text (or empty), used to name the line of a mistake.
    """
    try:
        return model.model_validate(data)
    except ValidationError as err:
        raise error(_describe(err, source, text)) from None


def _describe(err: ValidationError, source: str, text: str) -> str:
    lines = []
    for problem in err.errors()[:8]:
        keys = [str(part) for part in problem["loc"]]
        place = ".".join(keys) or "the file"
        number = _line_of(keys, text)
        where = f"line {number}: " if number else ""
        lines.append(f"{where}{place}: {_wording(problem, err)}")
    return f"{source} has {err.error_count()} mistake(s):\n  " + "\n  ".join(lines)


def _wording(problem: Any, err: ValidationError) -> str:
    kind = problem["type"]
    if kind == "extra_forbidden":
        return f"unknown key; {err.title} does not have it, remove it or correct its spelling."
    if kind == "missing":
        return "is required; add it."
    message = str(problem["msg"]).removeprefix("Value error, ")
    came = problem.get("input")
    shown = "" if isinstance(came, Mapping | list) else f"; got {came!r}"
    return f"{message[0].lower()}{message[1:]}{'' if 'got' in message else shown}."


def _line_of(keys: list[str], text: str) -> int | None:
    """Return the line where the innermost key of a path stands, following its tables down."""
    lines = text.splitlines()
    start, found = 0, None
    for key in keys:
        if key.isdigit():
            continue
        bare = re.escape(key)
        pattern = re.compile(rf"""^\s*(\[+[^\]]*\b{bare}\b[^\]]*\]+|["']?{bare}["']?\s*[.=])""")
        inline = re.compile(rf"""[{{,]\s*["']?{bare}["']?\s*=""")
        for index in range(start, len(lines)):
            if pattern.match(lines[index]) or inline.search(lines[index]):
                start, found = index, index + 1
                break
    return found
