"""A report with everything a page can hold, made without a kernel: for tests and for looking at.

python tests/sample_report.py OUT.html [en|zh]
"""

import sys
from pathlib import Path

import nbformat
import pandas as pd

from servlab.presentation.chart import ACCENT, BAD, EXPECTED, INK, diverging, draw_chart, text_on
from servlab.presentation.display import (
    Card,
    Cover,
    DefinitionList,
    Flow,
    KeyFigures,
    Note,
    Prose,
    Section,
    Step,
)
from servlab.presentation.tables import Table, sign_marks
from servlab.studies.report import build_report

EN = {
    "kicker": "Service quality study", "title": "What customers expect of kiosks, and get",
    "lede": "207 customers of self-service kiosks, 24 items on a scale from 1 to 7.",
    "chips": ["K-SERVQUAL, 24 items, 1–7", "207 respondents", "Expectation: normative (“should”)"],
    "summary": "Summary", "gaps": "Gaps", "scale": "Is the scale sound?", "drivers": "Drivers",
    "lead": "Customers rate the service **1.10 points below** what they expect (95 % interval "
    "−1.22 to −0.99). The gap is widest for security.",
    "cards": [("Overall gap, points", "−1.10", "95 % interval −1.22 to −0.99", "bad"),
              ("Respondents used", "207", "4 of 211 left out", ""),
              ("Answers at the top", "54 %", "expectation: a ceiling", ""),
              ("Link to satisfaction", ".52", "gap score .45", "")],
    "note": "Over half of the expectation answers are at the top of the scale.",
    "steps": [("211 answered", "start"), ("4 never used a kiosk", "out"), ("207 used", "used")],
    "labels": ["Reliability", "보안 (security)", "Café & <b>rest</b>", "可靠性", "Ease of paying"],
    "cap": "Expected and perceived service by dimension, mean answers from 1 to 7",
    "alt": "Five rows. Perception lies below expectation in four of them.",
    "likert": "Answers by category, per cent", "table": "Gap between perception and expectation",
    "heads": ["Expected", "Perceived", "Gap", "95 % interval", "p"], "corner": "Dimension",
    "notes": ["Gap = perception − expectation, paired; n = 207.", "Negative: falls short."],
    "e": "Expected", "p": "Perceived",
}  # fmt: skip
ZH = {
    "kicker": "服务质量研究", "title": "顾客对自助终端的期望与所得",
    "lede": "207位自助终端使用者，24个题目，1至7分量表。",
    "chips": ["K-SERVQUAL，24个题目，1–7分", "207位受访者", "期望：规范期望（“应当”）"],
    "summary": "摘要", "gaps": "差距", "scale": "量表是否可靠？", "drivers": "驱动因素",
    "lead": "顾客对服务的评价比期望**低1.10分**（95 %置信区间−1.22至−0.99）。差距最大的是安全性。",
    "cards": [("总体差距（分）", "−1.10", "95 %置信区间−1.22至−0.99", "bad"),
              ("采用的受访者", "207", "共211位，4位未计入", ""),
              ("最高分答案占比", "54 %", "期望：天花板效应", ""),
              ("与满意度的相关", ".52", "差距分为.45", "")],
    "note": "期望题目中超过一半的答案为最高分。",
    "steps": [("211人作答", "start"), ("4人从未使用", "out"), ("采用207人", "used")],
    "labels": ["可靠性", "보안 (安全性)", "Café 与 <b>舒适</b>", "响应性", "移情性（关怀性）"],
    "cap": "各维度的期望与感知均值（1至7分）", "alt": "五行。其中四行感知低于期望。",
    "likert": "各类别答案占比（%）", "table": "感知与期望的差距",
    "heads": ["期望", "感知", "差距", "95 %置信区间", "p"], "corner": "维度",
    "notes": ["差距 = 感知 − 期望，配对；n = 207。", "负值：未达到期望。"],
    "e": "期望", "p": "感知",
}  # fmt: skip
COMMENT = "“<script>alert(1)</script> ¿Qué?”"
# What only the drawing for phones says: there the value stands behind the label.
NARROW_TEXT = {"en": "Reliability  −1.10", "zh": "可靠性  −1.10"}
FRAME = {
    "e": [5.97, 6.31, 5.52, 6.04, 5.71], "p": [4.87, 4.10, 5.60, 4.95, 5.02],
    "gap": [-1.10, -2.21, 0.08, -1.09, -0.69],
    "ci": [(-1.25, -0.95), (-2.4, -2.02), (-0.1, 0.26), (-1.3, -0.88), (-0.9, -0.48)],
    "p_value": [0.0000004, 0.0000001, 0.381, 0.0012, 0.0421],
}  # fmt: skip


def pieces(words, language):
    """Return the outputs of the study's cells."""
    table = Table(
        pd.DataFrame(FRAME, index=words["labels"]), caption=words["table"],
        headings=dict(zip(FRAME, words["heads"], strict=True)),
        formats={"e": "number", "p": "number", "gap": "signed", "ci": "interval", "p_value": "p"},
        row_header=words["corner"], notes=words["notes"], language=language,
        marks={"gap": sign_marks(FRAME["gap"])}, strong_rows=[4],
    )  # fmt: skip
    cards = [Card(*card) for card in words["cards"]]
    steps = [Step(*step) for step in words["steps"]]
    return [
        [Cover(words["title"], words["lede"], words["chips"], words["kicker"])],
        [Section(words["summary"], "summary"), Prose(words["lead"], "lead"),
         KeyFigures(cards, language), Note(words["note"], "warning", language),
         Flow(steps, language)],
        [Section(words["gaps"], "gaps"), dumbbells(words, language), table,
         likert(words, language), DefinitionList([("α", words["note"])])],
        [Section(words["scale"], "scale"), Prose(COMMENT)],
    ]  # fmt: skip


def dumbbells(words, language):
    """Draw expectation against perception."""

    def paint(figure, narrow):
        axes = figure.subplots()
        places = range(len(words["labels"]))[::-1]
        axes.hlines(places, FRAME["p"], FRAME["e"], color="#dfe3e9", lw=5)
        axes.plot(FRAME["e"], places, "o", mfc="white", mec=EXPECTED, mew=3, ms=9)
        axes.plot(FRAME["p"], places, "o", color=ACCENT, ms=10)
        axes.set_yticks([] if narrow else places, [] if narrow else words["labels"])
        for place, label, low, gap in zip(
            places, words["labels"], FRAME["p"], FRAME["gap"], strict=True
        ):
            text = f"{gap:+.2f}".replace("-", "−")
            if narrow:
                axes.text(4, place + 0.28, f"{label}  {text}", color=INK, va="bottom")
            else:
                axes.annotate(
                    text, (low, place), (-12, 0), textcoords="offset points", ha="right",
                    va="center", weight=600, color=BAD if gap < 0 else INK,
                )  # fmt: skip
        axes.set(xlim=(3.5, 7), ylim=(-0.6, len(words["labels"]) - 0.2))
        axes.set_xlabel(f"○ {words['e']}   ● {words['p']}")
        axes.grid(axis="x")

    return draw_chart(
        paint, caption=words["cap"], alt=words["alt"], language=language, height=300,
        narrow_height=340,
    )  # fmt: skip


def likert(words, language):
    """Draw bars over the diverging colours, with text on each."""

    def paint(figure, narrow):
        axes = figure.subplots()
        for step, colour in enumerate(diverging(7)):
            axes.barh([0, 1], [14, 14], left=[14 * step] * 2, color=colour)
            for row in (0, 1):
                axes.text(14 * step + 7, row, "14", color=text_on(colour), ha="center", va="center")
        axes.set_yticks([0, 1], ["E", "P"])

    return draw_chart(
        paint, caption=words["likert"], alt=words["likert"], language=language, height=130
    )


def executed(language):
    """Return a notebook as after a run: our pieces, foreign output, a failed and a skipped cell."""
    words = EN if language == "en" else ZH
    cells = [
        nbformat.v4.new_markdown_cell("# 中文说明", id="m0", metadata={"tags": ["zh"]}),
        nbformat.v4.new_markdown_cell("## Only English", id="m1", metadata={"tags": ["en"]}),
        nbformat.v4.new_markdown_cell("A comment for the lab.", id="m2"),
    ]
    for number, shown in enumerate(pieces(words, language), start=1):
        cells.append(_cell(number, [_output(piece) for piece in shown]))
    frame = pd.DataFrame({"x": [1, 2]}, index=["<i>a</i>", "b"])
    data = {"text/html": frame.to_html() + "<script>alert(1)</script>", "text/plain": "x"}
    cells.append(_cell(5, [nbformat.v4.new_output("display_data", data=data)]))
    error = nbformat.v4.new_output("error", ename="ModelError", evalue="item x is constant")
    cells.append(_cell(6, [error], status="failed", error="ModelError: item 'x' is constant."))
    cells.append(_cell(7, [_output(Section(words["drivers"], "drivers"))]))
    cells.append(_cell(8, [], status="skipped", because=6, needs=["fit"]))
    cells.append(_cell(9, [], status="skipped", because=6, needs=["fit"]))
    return nbformat.v4.new_notebook(cells=cells)


def _cell(number, outputs, status="done", **facts):
    metadata = {"servlab": {"status": status, "number": number, "section": "", **facts}}
    return nbformat.v4.new_code_cell(
        "secret_source_code()", id=f"c{number}", outputs=outputs, metadata=metadata
    )


def _output(piece):
    return nbformat.v4.new_output("display_data", data=piece._repr_mimebundle_())


def manifest(language, **changes):
    """Return what a run tells of itself."""
    facts = {
        "study": "quality_study", "language": language, "status": "failed",
        "parameters": {"data": "kiosk.sav", "n_factors": "auto", "group": None, "title": "<i>"},
        "inputs": [{"name": "data", "file": "kiosk.sav", "sha256": "ab" * 32}],
        "notebook": {"file": "quality_study.ipynb", "sha256": "cd" * 32},
        "versions": {"servlab": "0.1.0", "python": "3.12.1", "numpy": "2.4.6"},
        "failures": [{"cell": 6, "section": "", "error": "ModelError: item 'x' is constant."}],
        "notices": [{"category": "HeywoodWarning", "message": "item 7 at its bound.", "cell": 3}],
    }  # fmt: skip
    return facts | changes


def sample_report(language="en", **changes):
    """Return the sample report."""
    return build_report(
        executed(language), language=language, title=None, manifest=manifest(language, **changes)
    )


if __name__ == "__main__":
    where, *rest = sys.argv[1:]
    Path(where).write_text(sample_report(*rest), encoding="utf-8")
