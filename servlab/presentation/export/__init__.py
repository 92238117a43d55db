"""Tables as files for people who go on writing: Word, Excel, LaTeX.

``write_tables`` turns tables into the bytes of one file; it touches no disk and reads no
clock, so the same tables always give the same bytes. ``studies.exports`` writes them.
"""

from servlab.presentation.export.write import FORMS, Form, write_tables

__all__ = ["FORMS", "Form", "write_tables"]
