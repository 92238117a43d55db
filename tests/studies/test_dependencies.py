"""What a cell assigns and needs decides what still runs after a failure."""

import pytest

from servlab.studies.dependencies import names_of


@pytest.mark.parametrize(
    ("source", "assigned", "needed"),
    [
        ("fig, ax = subplots()\nax.plot(x)", "ax fig", "subplots x"),
        ("x = x + 1", "x", "x"),
        ("x += 1", "x", "x"),
        ("t['a'] = 1", "t", "t"),
        ("t.a.b = 1", "t", "t"),
        ("rows.append(v)", "rows", "rows v"),
        ("df.drop(columns=c, inplace=True)", "df", "c df"),
        ("df.drop(columns=c, inplace=False)", "", "c df"),
        ("del x", "x", ""),
        ("import a.b, c as d\nfrom e import f", "a d f", ""),
        ("for i in rows:\n    y = i\nelse:\n    z = y", "i y z", "rows y"),
        ("while go:\n    x = 1\nprint(x)", "x", "go print x"),
        ("if a:\n    b = 1\nelse:\n    b = 2\nf(b)", "b", "a f"),
        ("if a:\n    b = 1\nf(b)", "b", "a b f"),
        ("with open(p) as f:\n    s = f.read()\ng(s)", "f s", "g open p"),
        ("try:\n    x = f()\nexcept E as e:\n    x = None\ng(x)", "e x", "E f g x"),
        ("match a:\n    case 1:\n        b = 1\nf(b)", "b", "a b f"),
        ("[i for i in rows if i in z]", "", "rows z"),
        ("if (n := f(a)) > 2:\n    b = n", "b n", "a f"),
        ("g = lambda q, k=w: q + u", "g", "u w"),
        ("def g(a, b=c):\n    d = a\n    return d + e", "g", "c e"),
        ("def g():\n    df = 1\n    df['a'] = 2", "g", ""),
        ("class A(B):\n    x = y\n    def f(self):\n        return z", "A", "B y z"),
        ("%matplotlib inline\nx = 1\n!ls", "x", ""),
        ("x: int = y", "x", "int y"),
        ("", "", ""),
    ],
)
def test_names_assigned_and_needed(source, assigned, needed):
    names = names_of(source)
    assert sorted(names.assigned) == assigned.split()
    assert sorted(names.needed) == needed.split()


@pytest.mark.parametrize("source", ["x = (", "%%bash\nls -l", "a b"])
def test_a_cell_that_is_not_python_cannot_be_told(source):
    assert names_of(source) is None


def test_a_loop_does_not_surely_bind():
    assert names_of("for i in rows:\n    y = i").bound == frozenset()
