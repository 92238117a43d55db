"""The pieces of a report beside tables and charts: what a study's cells show.

Each takes text worded already, in one language, and looks the same in JupyterLab and in
the report. ``**word**`` in prose is drawn bold; everything else is shown as it is written.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from servlab.core.checks import check_choice
from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.presentation import html
from servlab.presentation.messages import message

Tone = Literal["", "good", "bad"]
NoteKind = Literal["warning", "info", "limit"]
StepKind = Literal["start", "out", "kept", "used"]


@dataclass(frozen=True, slots=True)
class Cover:
    """The head of a report: its title, one sentence under it and a few facts as chips."""

    title: str
    lede: str = ""
    chips: Sequence[str] = ()
    kicker: str = ""  # the line above the title: what kind of document this is

    def __post_init__(self) -> None:
        """Keep the chips as a tuple."""
        object.__setattr__(self, "chips", _texts(self.chips))

    def block(self) -> dict[str, Any]:
        """Return the cover as plain JSON."""
        return {
            "kind": "cover",
            "title": self.title,
            "lede": self.lede,
            "chips": list(self.chips),
            "kicker": self.kicker,
        }

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        return html.mimebundle(self.block(), "\n".join([self.title, self.lede, *self.chips]))


@dataclass(frozen=True, slots=True)
class Section:
    """A heading; those of level 2 make the contents list."""

    title: str
    anchor: str
    level: Literal[2, 3] = 2

    def __post_init__(self) -> None:
        """Check the anchor: it becomes part of addresses."""
        if not re.fullmatch(r"[a-z][a-z0-9-]*", self.anchor):
            raise ModelError(
                "a section's anchor must be lower-case letters, digits and hyphens, starting "
                f"with a letter; got {self.anchor!r}."
            )

    def block(self) -> dict[str, Any]:
        """Return the heading as plain JSON."""
        return {
            "kind": "section",
            "title": self.title,
            "anchor": self.anchor,
            "level": self.level,
        }

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        return html.mimebundle(self.block(), self.title)


@dataclass(frozen=True, slots=True)
class Prose:
    """Paragraphs, or with ``form="points"`` a list of points; ``form="lead"`` is larger."""

    paragraphs: Sequence[str] | str
    form: Literal["text", "lead", "points"] = "text"

    def __post_init__(self) -> None:
        """Keep the paragraphs as a tuple without empty ones."""
        object.__setattr__(self, "paragraphs", _texts(self.paragraphs))

    def block(self) -> dict[str, Any]:
        """Return the paragraphs as plain JSON."""
        return {"kind": "prose", "form": self.form, "paragraphs": list(self.paragraphs)}

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        return html.mimebundle(self.block(), "\n\n".join(self.paragraphs).replace("**", ""))


@dataclass(frozen=True, slots=True)
class Card:
    """A key figure: what it is, the number, and its uncertainty or base in small print."""

    label: str
    value: str
    detail: str = ""
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """A row of key figures."""

    cards: Sequence[Card]
    language: Language = "en"

    def __post_init__(self) -> None:
        """Keep the cards as a tuple."""
        object.__setattr__(self, "cards", tuple(self.cards))

    def block(self) -> dict[str, Any]:
        """Return the cards as plain JSON."""
        return {
            "kind": "cards",
            "label": message("common.key_figures", self.language),
            "cards": [
                {"label": c.label, "value": c.value, "detail": c.detail, "tone": c.tone}
                for c in self.cards
            ],
        }

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        lines = [f"{card.label}: {card.value} {card.detail}".rstrip() for card in self.cards]
        return html.mimebundle(self.block(), "\n".join(lines))


@dataclass(frozen=True, slots=True)
class Note:
    """A panel: a warning, a piece of information, or a limit of what may be said.

    ``title`` stands bold before the text; empty takes the words of the kind.
    """

    text: Sequence[str] | str
    kind: NoteKind = "warning"
    language: Language = "en"
    title: str = ""

    def __post_init__(self) -> None:
        """Check the kind and keep the paragraphs as a tuple."""
        check_choice("kind", self.kind, ("warning", "info", "limit"))
        object.__setattr__(self, "text", _texts(self.text))

    def block(self) -> dict[str, Any]:
        """Return the panel as plain JSON."""
        return {
            "kind": "note",
            "note": self.kind,
            "title": self.title or message(f"common.{self.kind}", self.language),
            "paragraphs": list(self.text),
        }

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        block = self.block()
        return html.mimebundle(block, "\n".join([block["title"], *self.text]).replace("**", ""))


@dataclass(frozen=True, slots=True)
class Step:
    """One step from the answers to the rows used: how many, and why.

    Kind "start" and "used" are counts that remain, "out" was excluded, "kept" was found
    and kept.
    """

    text: str
    kind: StepKind = "out"


@dataclass(frozen=True, slots=True)
class Flow:
    """The way from the answers to the rows used, exclusions as steps."""

    steps: Sequence[Step]
    language: Language = "en"

    def __post_init__(self) -> None:
        """Keep the steps as a tuple."""
        object.__setattr__(self, "steps", tuple(self.steps))

    def block(self) -> dict[str, Any]:
        """Return the steps as plain JSON."""
        return {
            "kind": "flow",
            "label": message("common.flow", self.language),
            "steps": [{"text": step.text, "kind": step.kind} for step in self.steps],
        }

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        return html.mimebundle(self.block(), " → ".join(step.text for step in self.steps))


@dataclass(frozen=True, slots=True)
class DefinitionList:
    """Terms with their explanations: methods, versions, sources."""

    items: Sequence[tuple[str, str]]

    def __post_init__(self) -> None:
        """Keep the items as tuples."""
        object.__setattr__(self, "items", tuple((term, text) for term, text in self.items))

    def block(self) -> dict[str, Any]:
        """Return the items as plain JSON."""
        return {"kind": "definitions", "items": [[term, text] for term, text in self.items]}

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        lines = [f"{term}: {text}" for term, text in self.items]
        return html.mimebundle(self.block(), "\n".join(lines).replace("**", ""))


def _texts(value: Sequence[str] | str) -> tuple[str, ...]:
    """Return paragraphs as a tuple: a lone text is one paragraph, empty ones fall out."""
    return tuple(text for text in ((value,) if isinstance(value, str) else value) if text)
