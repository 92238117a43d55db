r"""Tables as LaTeX: booktabs rules, notes under them, numbers on their decimal point.

The file is a fragment for ``\input`` and needs packages that every TeX has: booktabs, array,
threeparttable; longtable for long tables, pdflscape for wide ones. A Chinese one needs ctex.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace

from servlab.data.schema import Language
from servlab.presentation.export.parts import (
    Line,
    clean,
    continued,
    lines_of,
    note_lead,
    notes_text,
)
from servlab.presentation.export.widths import (
    Layout,
    Sheet,
    count_lines,
    heading_lines,
    lay_out,
    pieces,
)
from servlab.presentation.html import bold_parts
from servlab.presentation.tables import Mark, Table

# A text block between an article's (345 pt) and a thesis's. The sizes of a 10 pt document, with
# what the small faces of Latin Modern are wider than their size says.
_SIZES = {10: r"\normalsize", 9.2: r"\small", 8.5: r"\footnotesize", 7.8: r"\scriptsize"}
SHEETS = (
    Sheet(False, 10, 380, 12),
    Sheet(False, 9.2, 380, 10),
    Sheet(False, 8.5, 380, 8),
    Sheet(True, 9.2, 600, 10),
    Sheet(True, 8.5, 600, 8),
    Sheet(True, 7.8, 600, 6),
)
_LONG = 420, 260  # points of a body, upright and sideways, that goes over pages
_LEADING = 1.2
# Shares of the text's width: a table of less than the first is stretched to the second, so that
# its notes have room.
_NARROW, _LEAST = 0.55, 0.7
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": r"\textbar{}",
    '"': r"\symbol{34}",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # after the end of a row it would be an argument
    "]": "{]}",
    "*": "{*}",
    "\N{MINUS SIGN}": "$-$",
    "\N{EN DASH}": r"\textendash{}",
    "\N{EM DASH}": r"\textemdash{}",
    "\N{INFINITY}": r"$\infty$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\leq$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$",
    "\N{NOT EQUAL TO}": r"$\neq$",
    "\N{ALMOST EQUAL TO}": r"$\approx$",
    "\N{RIGHTWARDS ARROW}": r"$\rightarrow$",
    "\N{SUPERSCRIPT TWO}": r"$^{2}$",
    "\N{NO-BREAK SPACE}": "~",
    "\N{GREEK SMALL LETTER ALPHA}": r"$\alpha$",
    "\N{GREEK SMALL LETTER BETA}": r"$\beta$",
    "\N{GREEK SMALL LETTER ETA}": r"$\eta$",
    "\N{GREEK SMALL LETTER LAMDA}": r"$\lambda$",
    "\N{GREEK SMALL LETTER MU}": r"$\mu$",
    "\N{GREEK SMALL LETTER SIGMA}": r"$\sigma$",
    "\N{GREEK SMALL LETTER CHI}": r"$\chi$",
    "\N{GREEK SMALL LETTER OMEGA}": r"$\omega$",
    "\N{GREEK CAPITAL LETTER DELTA}": r"$\Delta$",
}
_KOREAN_SPACE = re.compile(r"(?<=[\uac00-\ud7af]) (?=[\uac00-\ud7af])")  # xeCJK would drop it
_JOINING = "-',"  # two of these would become a dash or a quotation mark


def write_latex(tables: Sequence[Table], language: Language, title: str, name: str) -> str:
    """Return the tables as LaTeX, each with a label ``tab:name-1`` and so on."""
    slug = _slug(name)
    parts = [_head(tables, language, clean(title))]
    for number, table in enumerate(tables, start=1):
        shared = pieces(table, SHEETS)
        for part in shared:
            label = f"tab:{slug}-{number}" if part is shared[0] else ""
            parts.append(_table(part if part is shared[-1] else replace(part, notes=()), label))
    return "\n\n".join(parts) + "\n"


def escape_latex(text: str) -> str:
    r"""Return a text that LaTeX prints as it is written.

    Examples
    --------
    >>> print(escape_latex("50 % & <more>"), escape_latex("−1.20"))
    50 \% \& $<$more$>$ $-$1.20
    """
    plain = clean(text)
    text = "".join(
        _SPECIAL.get(character, character)
        + ("{}" if character in _JOINING and character == after else "")
        for character, after in zip(plain, plain[1:] + " ", strict=False)
    )
    return _KOREAN_SPACE.sub(r"\\ ", text)


def _slug(name: str) -> str:
    """Return a name as a label may hold it: letters, digits and hyphens of ASCII."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-").lower() or "table"


def _head(tables: Sequence[Table], language: Language, title: str) -> str:
    """Return the comment that says what the file needs and how to use it."""
    parts = [part for table in tables for part in pieces(table, SHEETS)]
    layouts = [lay_out(part, SHEETS) for part in parts]
    long = [_is_long(part, layout) for part, layout in zip(parts, layouts, strict=True)]
    packages = ["booktabs", "array", "threeparttable"]
    packages += ["longtable"] if any(long) else []
    packages += ["pdflscape"] if any(layout.sheet.sideways for layout in layouts) else []
    lines = [f"{title} (servlab)" if title else "Tables made by servlab."]
    lines += ["Put into the preamble:", f"  \\usepackage{{{','.join(packages)}}}"]
    if language == "zh":
        lines.append("  \\usepackage[UTF8]{ctex}  and compile with XeLaTeX")
    else:
        lines += [
            "  Labels in Chinese, Korean or Japanese need \\usepackage{xeCJK} and XeLaTeX.",
            "  The look of APA 7: \\usepackage[labelfont=bf,textfont=it,labelsep=newline,",
            "    justification=raggedright,singlelinecheck=false]{caption}",
        ]
    lines.append("and where the tables belong: \\input{this file}")
    return "\n".join(f"% {line}" for line in lines)


def _is_long(table: Table, layout: Layout) -> bool:
    height = count_lines(table, layout) * layout.sheet.size * _LEADING
    return height > _LONG[layout.sheet.sideways]


def _table(table: Table, label: str) -> str:
    layout = lay_out(table, SHEETS)
    writer = _Writer(table, layout)
    return writer.turned(_long(writer, label) if _is_long(table, layout) else _float(writer, label))


class _Writer:
    """What both kinds of table are made of: columns, headings, lines, notes."""

    def __init__(self, table: Table, layout: Layout) -> None:
        self.table, self.layout = table, layout
        self.lines = list(lines_of(table))
        sheet = layout.sheet
        self.size = _SIZES[sheet.size]
        self.gap = f"\\setlength{{\\tabcolsep}}{{{sheet.padding / 2:g}pt}}"
        self.narrow = sum(layout.widths) < _NARROW * sheet.room
        self.words = [True, *(form == "text" for form in self._forms())]

    def _forms(self) -> list[str]:
        return [self.table.formats[name] for name in self.table.headings]

    def columns(self) -> str:
        """Return the columns' types: words in lines of their width, numbers on the right."""
        # threeparttable takes the width of a tabular* for that of the line
        room = self.layout.sheet.room * (_LEAST if self.narrow else 1)
        padding = self.layout.sheet.padding
        shares = [(width - padding) / room for width in self.layout.widths]
        types = [
            f">{{\\raggedright\\arraybackslash}}p{{{share:.3f}\\linewidth}}" if words else "r"
            for share, words in zip(shares, self.words, strict=True)
        ]
        return "@{}" + "".join(types) + "@{}"

    def opening(self) -> str:
        """Return the beginning of the grid; a narrow one is stretched."""
        if not self.narrow:
            return f"\\begin{{tabular}}{{{self.columns()}}}"
        types = self.columns().removeprefix("@{}")
        return f"\\begin{{tabular*}}{{{_LEAST}\\linewidth}}{{@{{\\extracolsep{{\\fill}}}}{types}}}"

    def headings(self) -> str:
        """Return the row of headings, long ones in several lines."""
        texts = [self.table.row_header, *self.table.headings.values()]
        sheet = self.layout.sheet
        cells = []
        for text, width, words in zip(texts, self.layout.widths, self.words, strict=True):
            lines = heading_lines(text, (width - sheet.padding) / sheet.size)
            if words or len(lines) == 1:
                cells.append(escape_latex(text))
            else:
                stacked = r" \\ ".join(escape_latex(line) for line in lines)
                cells.append(f"\\begin{{tabular}}[b]{{@{{}}r@{{}}}}{stacked}\\end{{tabular}}")
        return " & ".join(cells) + r" \\"

    def rows(self) -> Iterator[str]:
        """Yield the lines of the body."""
        width = len(self.words)
        whole = self._whole()
        for line in self.lines:
            if line.kind == "group":
                yield f"\\multicolumn{{{width}}}{{@{{}}l@{{}}}}{{{escape_latex(line.label)}}} \\\\*"
                continue
            if line.kind == "standards":
                yield r"\addlinespace"
            cells = [self._label(line)]
            for (text, mark), padded in zip(line.marked(), whole, strict=True):
                lacking = padded and "." not in text and text[-1:].isdigit()
                phantom = r"\phantom{.00}" if lacking else ""
                cells.append(_marked(escape_latex(text), mark, line.strong) + phantom)
            yield " & ".join(cells) + r" \\"

    def _label(self, line: Line) -> str:
        label = _marked(escape_latex(line.label), "", line.strong)
        aside = f" {escape_latex(line.aside)}" if line.aside else ""
        grouped = self.table.row_groups and line.kind == "row"
        indent = r"\hspace*{1em}" if grouped else ""
        return indent + label + aside

    def _whole(self) -> list[bool]:
        """Return which columns hold whole numbers beside others: degrees of freedom."""
        found = []
        for place, form in enumerate(self._forms()):
            cells = [line.cells[place] for line in self.lines if line.kind == "row"]
            found.append(form == "df" and any("." in cell for cell in cells))
        return found

    def notes(self) -> str:
        """Return the notes as one paragraph, or nothing."""
        text = notes_text(self.table)
        if not text:
            return ""
        lead = note_lead(self.table.language)
        english = self.table.language == "en"
        body = "".join(
            f"\\textbf{{{escape_latex(piece)}}}" if bold else escape_latex(piece)
            for piece, bold in bold_parts(text)
        )
        return (f"\\textit{{{lead}}} " if english else lead) + body

    def turned(self, text: str) -> str:
        """Return the text on a page of its own turned sideways, where the table is wide."""
        if not self.layout.sheet.sideways:
            return text
        return f"\\begin{{landscape}}\n{text}\n\\end{{landscape}}"


def _caption(writer: _Writer, label: str) -> str:
    """Return a table's caption with its label; without a label, of its further parts."""
    if not label:
        return _again(writer)
    return f"\\caption{{{escape_latex(writer.table.caption)}}}\\label{{{label}}}"


def _again(writer: _Writer) -> str:
    return continued(r"\thetable{}", writer.table.language)


def _float(writer: _Writer, label: str) -> str:
    """Return a table on one page, its notes as wide as itself."""
    notes = writer.notes()
    below = [r"\begin{tablenotes}[flushleft]\footnotesize", rf"\item {notes}", r"\end{tablenotes}"]
    lines = [
        r"\begin{table}[htbp]",
        r"\centering",
        r"\begin{threeparttable}",
        _caption(writer, label) + ("" if label else r"\par\smallskip"),
        writer.size,
        writer.gap,
        writer.opening(),
        r"\toprule",
        writer.headings(),
        r"\midrule",
        *writer.rows(),
        r"\bottomrule",
        r"\end{tabular*}" if writer.narrow else r"\end{tabular}",
        *(below if notes else []),
        r"\end{threeparttable}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def _long(writer: _Writer, label: str) -> str:
    """Return a table that goes over pages, with its headings on each."""
    width = len(writer.words)
    again = rf"\multicolumn{{{width}}}{{@{{}}l@{{}}}}{{{_again(writer)}}} \\"
    head = ["\\toprule", writer.headings(), r"\midrule"]
    notes = writer.notes()
    return "\n".join(
        [
            r"\clearpage",  # the tables before it, which float, would else come after it
            f"{{{writer.size}{writer.gap}\\setlength{{\\LTpost}}{{4pt}}",
            # a longtable counts even without a caption
            *([] if label else [r"\addtocounter{table}{-1}"]),
            f"\\begin{{longtable}}{{{writer.columns()}}}",
            rf"{_caption(writer, label)} \\" if label else again,
            *head,
            r"\endfirsthead",
            again,
            *head,
            r"\endhead",
            r"\bottomrule",
            r"\endfoot",
            *writer.rows(),
            r"\end{longtable}",
            *([f"\\noindent{{\\footnotesize {notes}\\par}}\\bigskip"] if notes else []),
            "}",
        ]
    )


def _marked(text: str, mark: Mark, strong: bool) -> str:
    """Return a text bold where the table says so; grey would need a package."""
    return f"\\textbf{{{text}}}" if strong or mark == "strong" else text
