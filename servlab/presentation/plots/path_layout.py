"""Where everything of a path diagram stands: items left, factors in a column, curves right."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from servlab.core.standards import standard
from servlab.estimation.latent.result import LatentFit
from servlab.estimation.latent.standardize import standardized_solution
from servlab.presentation.chart import NARROW, WIDE

BOX, STEP, GAP = 20, 24, 14  # px: an item's box, from one item to the next, between factors
ALONE = 48  # px that a variable without items takes
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Link:
    """One parameter that is drawn.

    Attributes
    ----------
    kind : {"loading", "path", "correlation"}
    start, end : str
    value : float
        Standardized.
    sure : bool
        p under .05, or fixed.
    weak : bool
        A loading under its standard.
    home : bool
        A loading on the factor that the item stands with.
    """

    kind: Literal["loading", "path", "correlation"]
    start: str
    end: str
    value: float
    sure: bool
    weak: bool = False
    home: bool = True


@dataclass(frozen=True, slots=True)
class Diagram:
    """What is drawn.

    Attributes
    ----------
    items : tuple of str
        Indicators, factor by factor.
    nodes : tuple of str
        The middle column: factors of items, and observed variables that are no indicators.
    tops : tuple of str
        Factors right of the column: of second order, and general ones.
    factors : tuple of str
        Latent variables.
    homes : mapping of str to str
        The factor that each item stands with.
    loadings, links : tuple of Link
    explained : mapping of str to float
        R² of nodes and tops that something explains.
    n_residual : int
        Covariances of items' residuals, which are not drawn.
    """

    items: tuple[str, ...]
    nodes: tuple[str, ...]
    tops: tuple[str, ...]
    factors: tuple[str, ...]
    homes: Mapping[str, str]
    loadings: tuple[Link, ...]
    links: tuple[Link, ...]
    explained: Mapping[str, float]
    n_residual: int

    def order_at(self, link: Link) -> int:
        """Return the place of a loading's number among those of its item; home comes first."""
        own = [k for k in self.loadings if k.end == link.end]
        own.sort(key=lambda k: not k.home)
        return own.index(link)


def diagram_of(fit: LatentFit, group: int) -> Diagram:
    """Return what is to be drawn of a fit, in one of its groups."""
    label = fit.table.group_labels[group - 1]
    frame = standardized_solution(fit)
    frame = frame[(frame["group"] == label) & (frame["op"] != ":=")]
    latent = {*fit.latent}
    pairs = [
        (str(a), str(b)) for a, op, b in zip(frame["lhs"], frame["op"], frame["rhs"], strict=True)
        if op == "=~"
    ]  # fmt: skip
    homes, tops = _homes(pairs, latent)
    indicators = {b for _, b in pairs if b not in latent}
    nodes = [f for f in fit.latent if f not in tops]
    nodes += [name for name in fit.observed if name not in indicators]
    items = tuple(b for f in nodes for b in dict.fromkeys(b for _, b in pairs) if homes.get(b) == f)
    drawn = {*nodes, *tops}
    loadings, links, n_residual = [], [], 0
    explained: dict[str, float] = {}
    influenced = {b for _, b in pairs} | {*frame.loc[frame["op"] == "~", "lhs"].astype(str)}
    for row in frame[["lhs", "op", "rhs", "estimate", "p_value"]].itertuples(index=False):
        lhs, op, rhs, value, p = str(row[0]), row[1], str(row[2]), _number(row[3]), _number(row[4])
        sure = not p >= ALPHA
        if op == "=~":
            weak = abs(value) < standard("std_loading").value
            loadings.append(
                Link("loading", lhs, rhs, value, sure, weak, homes.get(rhs, lhs) == lhs)
            )
        elif op == "~":
            links.append(Link("path", rhs, lhs, value, sure))
        elif op == "~~" and lhs == rhs and lhs in drawn & influenced:
            explained[lhs] = 1 - value
        elif op == "~~" and lhs != rhs and {lhs, rhs} <= drawn and value != 0:
            links.append(Link("correlation", lhs, rhs, value, sure))
        elif op == "~~" and lhs != rhs:
            n_residual += value != 0
    return Diagram(
        items, tuple(nodes), tuple(tops), fit.latent, homes, tuple(loadings), tuple(links),
        explained, n_residual,
    )  # fmt: skip


def _number(value: object) -> float:
    """Return a cell as a float."""
    return float(np.asarray(value, dtype=float))


def _homes(pairs: list[tuple[str, str]], latent: set[str]) -> tuple[dict[str, str], list[str]]:
    """Return the factor each item stands with, and the factors that stand right of the column.

    An item stands with its factor of the fewest items; a factor that no item stands with, or
    that explains factors, stands right.
    """
    size = {f: sum(a == f for a, _ in pairs) for f, _ in pairs}
    homes: dict[str, str] = {}
    for factor, part in pairs:
        if part not in latent and (part not in homes or size[factor] < size[homes[part]]):
            homes[part] = factor
    tops = [f for f in size if any(a == f and b in latent for a, b in pairs)]
    tops += [f for f in size if f not in tops and f not in homes.values()]
    for part in [item for item, home in homes.items() if home in tops]:
        others = [a for a, b in pairs if b == part and a not in tops]
        homes[part] = others[0] if others else homes[part]
    return homes, [f for f in tops if f not in homes.values()]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where everything stands in one drawing, in px from the upper left corner.

    Attributes
    ----------
    width, height : float
    items : float
        Right edge of the items' boxes.
    number : float
        Width that a loading's number takes.
    radius : (float, float)
        Half axes of a factor's ellipse.
    size : float
        Text size.
    x, y : mapping of str to float
        Centres.
    tracks : mapping of (str, str) to float
        How far right the curve between two nodes reaches.
    """

    width: float
    height: float
    items: float
    number: float
    radius: tuple[float, float]
    size: float
    x: Mapping[str, float]
    y: Mapping[str, float]
    tracks: Mapping[tuple[str, str], float]

    def apex(self, link: Link) -> float:
        """Return how far right a link's curve reaches."""
        return self.tracks[link.start, link.end]


def frame_of(diagram: Diagram, *, narrow: bool) -> Frame:
    """Return the places of a wide or a narrow drawing."""
    width = NARROW if narrow else WIDE
    items, number, rx, size = (84, 25, 40, 11) if narrow else (262, 34, 66, 12)
    several = any(diagram.order_at(link) for link in diagram.loadings)
    if diagram.tops:  # room for a second column of factors
        items, rx = (62, 32) if narrow else (200, 58)
    space = number * (2.2 if several else 1.2)
    column = items + space + (14 if narrow else 36) + rx
    if not diagram.items:
        items, column = 0, rx + 2
    y, height = _rows(diagram)
    x = dict.fromkeys(diagram.nodes, float(column))
    if diagram.tops:
        right = width - rx - (2 if not _curved(diagram) else 40 if narrow else 110)
        x |= dict.fromkeys(diagram.tops, float(max(right, column + 2 * rx + 4)))
    return Frame(
        width, height, items, number, (rx, 17), size, x, y, _tracks(diagram, x, y, rx, width, size)
    )  # fmt: skip


def _rows(diagram: Diagram) -> tuple[dict[str, float], float]:
    """Return the height of every item, node and top, and of the whole."""
    y: dict[str, float] = {}
    at = 4.0
    for node in diagram.nodes:
        own = [item for item in diagram.items if diagram.homes[item] == node]
        start = at
        for item in own:
            y[item] = at + STEP / 2
            at += STEP
        at = max(at, start + ALONE if not own else start + 40)
        y[node] = (start + (start + STEP * len(own) if own else at)) / 2
        at += GAP
    for number, top in enumerate(diagram.tops):
        parts = [y[k.end] for k in diagram.loadings if k.start == top and k.end in y]
        middle = sum(parts) / len(parts) if parts else at / 2
        y[top] = middle + 44 * (number - (len(diagram.tops) - 1) / 2) * (len(diagram.tops) > 1)
    return y, at - GAP + 6


def _curved(diagram: Diagram) -> bool:
    """Tell whether any link is drawn as a curve at the right of tops."""
    return any({k.start, k.end} & {*diagram.tops} for k in diagram.links)


def _tracks(
    diagram: Diagram,
    x: Mapping[str, float],
    y: Mapping[str, float],
    rx: float,
    width: float,
    size: float,
) -> dict[tuple[str, str], float]:
    """Return how far right each curve reaches: the farther apart its ends, the farther."""
    order = sorted((*diagram.nodes, *diagram.tops), key=lambda name: y[name])
    place = {name: number for number, name in enumerate(order)}
    spans = {(k.start, k.end): abs(place[k.start] - place[k.end]) or 1 for k in diagram.links}
    far = max(spans.values(), default=1)
    start = max((x[name] for pair in spans for name in pair), default=0.0) + rx
    room = width - start - 1.6 * size
    return {pair: start + room * (0.9 * span / far + 0.1) for pair, span in spans.items()}
