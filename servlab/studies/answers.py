"""What commands answer, as text for a terminal: a notebook's parameters, a check of a file."""

from typing import TYPE_CHECKING

from servlab.studies.parameters import ParameterSchema, as_text

if TYPE_CHECKING:
    from servlab.data.check import CheckReport


def parameter_list(schema: ParameterSchema) -> str:
    """Return the parameters of a notebook as text, a paragraph each."""
    lines = [f"{schema.notebook}: {len(schema)} parameters (-p NAME=VALUE)"]
    for parameter in schema:
        default = as_text(parameter.default) or '""'
        lines.append(f"\n  {parameter.name} = {default}")
        lines += [f"      {parameter.help}"] if parameter.help else []
        lines.append(f"      {parameter.annotation}: {parameter.wanted}")
    return "\n".join(lines)


def check_text(report: "CheckReport") -> str:
    """Return what a check found as text for a terminal."""
    lines = [f"{report.source}: {report.n_rows} rows, {report.n_used} used"]
    lines += [f"  {step.n} left out: {step.reason.en}" for step in report.exclusions]
    lines += [f"  {n} answered every item of {battery}" for battery, n in report.complete.items()]
    missing = report.missing_by_item
    for battery in missing.columns:
        counts = missing[battery][missing[battery] > 0]
        if len(counts):
            shown = ", ".join(f"{item}: {int(n)}" for item, n in counts.items())
            lines.append(f"  missing answers in {battery}, by item: {shown}")
    lines.append(f"  {len(report.used_columns)} columns used")
    if report.unused_columns:
        lines.append(f"  {len(report.unused_columns)} not: {', '.join(report.unused_columns)}")
    lines += [f"note: {note}" for note in report.notes]
    lines += [f"problem: {problem}" for problem in report.problems]
    lines.append("It cannot be read as it is." if report.problems else "It can be read.")
    return "\n".join(lines)
