"""Which cells can still run after one failed: what a cell assigns and what it needs.

A cell needs the names it reads before it has surely assigned them itself. A name that a failed
cell would have assigned is broken until another cell assigns it anew; a cell that needs a broken
name must not run, since it could mix values of before and after.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_MUTATORS = frozenset(
    [
        "add",
        "append",
        "clear",
        "extend",
        "insert",
        "pop",
        "popitem",
        "remove",
        "reverse",
        "setdefault",
        "sort",
        "update",
    ]
)


@dataclass(frozen=True, slots=True)
class Names:
    """What a piece of code does with names.

    Attributes
    ----------
    assigned : frozenset of str
        Names it may bind, or whose value it may change in place.
    bound : frozenset of str
        Names it surely binds.
    needed : frozenset of str
        Names it reads before it has surely bound them.
    """

    assigned: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()


def names_of(source: str) -> Names | None:
    """Return what a cell does with names; None when it is not Python (a syntax error, a magic).

    Examples
    --------
    >>> names = names_of("gaps = gap_scores(survey)")
    >>> sorted(names.assigned), sorted(names.needed)
    (['gaps'], ['gap_scores', 'survey'])
    """
    try:
        tree = ast.parse(without_magics(source))
    except (SyntaxError, ValueError):
        return None
    return _block(tree.body)


def without_magics(source: str) -> str:
    """Leave out lines that IPython takes for itself; they name no variables of a study."""
    lines = source.splitlines()
    if lines and lines[0].startswith("%%"):
        return source
    kept = ("pass" if line.lstrip().startswith(("%", "!", "?")) else line for line in lines)
    return "\n".join(kept)


def _block(statements: Iterable[ast.stmt]) -> Names:
    """Return what statements in sequence do."""
    assigned: set[str] = set()
    bound: set[str] = set()
    needed: set[str] = set()
    for statement in statements:
        names = _statement(statement)
        needed |= names.needed - bound
        assigned |= names.assigned
        bound |= names.bound
    return Names(frozenset(assigned), frozenset(bound), frozenset(needed))


def _statement(node: ast.stmt) -> Names:
    if isinstance(node, ast.If):
        return _branches([node.test], [node.body, node.orelse])
    if isinstance(node, ast.For | ast.AsyncFor):
        # the loop's own names are bound wherever its body runs
        inner = _after(_stored([node.target]), _block(node.body))
        return _maybe([node.iter], [inner, _block(node.orelse)])
    if isinstance(node, ast.While):
        return _maybe([node.test], [_block(node.body), _block(node.orelse)])
    if isinstance(node, ast.With | ast.AsyncWith):
        targets = [item.optional_vars for item in node.items if item.optional_vars is not None]
        head = _simple([item.context_expr for item in node.items], _stored(targets))
        return _sequence(head, _block(node.body))
    if isinstance(node, ast.Try | ast.TryStar):
        blocks = [node.body, *(handler.body for handler in node.handlers), node.orelse]
        types = [handler.type for handler in node.handlers if handler.type is not None]
        caught = frozenset(handler.name for handler in node.handlers if handler.name)
        tried = _maybe(types, [_after(caught, _block(block)) for block in blocks])
        return _sequence(tried, _block(node.finalbody))
    if isinstance(node, ast.Match):
        return _branches([node.subject], [case.body for case in node.cases], exhaustive=False)
    return _plain(node)


def _plain(node: ast.stmt) -> Names:
    """Return what a statement without blocks does: its names are read first, then bound."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        found = {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        return Names(frozenset(found), frozenset(found))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        own = frozenset({node.name})
        return Names(own, own, frozenset(_free(node)) - own)
    stored = _stored([node])
    read = {node.target.id} if _augments(node) else set()  # type: ignore[attr-defined]
    return Names(stored | _changed(node), stored, frozenset(_free(node) | read))


def _augments(node: ast.stmt) -> bool:
    return isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)


def _simple(expressions: list[ast.expr], bound: frozenset[str]) -> Names:
    needed = frozenset().union(*(_free(expression) for expression in expressions))
    walrus = _stored(expressions)
    return Names(bound | walrus, bound | walrus, needed)


def _sequence(first: Names, second: Names) -> Names:
    return Names(
        first.assigned | second.assigned,
        first.bound | second.bound,
        first.needed | (second.needed - first.bound),
    )


def _after(bound: frozenset[str], names: Names) -> Names:
    """Return what a block does where some names are bound already."""
    return Names(names.assigned | bound, names.bound, names.needed - bound)


def _branches(
    tests: list[ast.expr], bodies: list[list[ast.stmt]], *, exhaustive: bool = True
) -> Names:
    blocks = [_block(body) for body in bodies]
    surely = frozenset.intersection(*(block.bound for block in blocks)) if exhaustive else ()
    maybe = _maybe(tests, blocks)
    return Names(maybe.assigned, maybe.bound | frozenset(surely), maybe.needed)


def _maybe(tests: list[ast.expr], blocks: list[Names]) -> Names:
    """Return what blocks do of which none must run, after expressions that do."""
    head = _simple(tests, frozenset())
    assigned = head.assigned.union(*(block.assigned for block in blocks))
    needed = head.needed.union(*(block.needed - head.bound for block in blocks))
    return Names(assigned, head.bound, needed)


def _stored(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """Return the names bound by targets and walruses, not those inside functions."""
    found: set[str] = set()
    for node in nodes:
        for part in _walk_scope(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store | ast.Del):
                found.add(part.id)
    return frozenset(found)


def _walk_scope(node: ast.AST) -> Iterator[ast.AST]:
    """Walk code that runs in the cell's own scope."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
            continue
        if isinstance(child, _COMPREHENSIONS):  # of these only a walrus reaches the scope outside
            inside = [part for part in ast.walk(child) if isinstance(part, ast.NamedExpr)]
            yield from (part.target for part in inside)
            continue
        yield from _walk_scope(child)


def _changed(node: ast.AST) -> frozenset[str]:
    """Return the names whose value may be changed in place: x[...] =, x.y =, x.append()."""
    found: set[str] = set()
    for part in ast.walk(node):
        target: ast.expr | None = None
        if isinstance(part, ast.Subscript | ast.Attribute) and not isinstance(part.ctx, ast.Load):
            target = part
        elif isinstance(part, ast.Call) and _mutates(part):
            target = part.func
        elif isinstance(part, ast.Global):
            found |= set(part.names)
        while isinstance(target, ast.Subscript | ast.Attribute):
            target = target.value
        if isinstance(target, ast.Name):
            found.add(target.id)
    return frozenset(found)


def _mutates(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute):
        return False
    inplace = any(
        keyword.arg == "inplace" and getattr(keyword.value, "value", True) is not False
        for keyword in call.keywords
    )
    return call.func.attr in _MUTATORS or inplace


def _free(node: ast.AST) -> set[str]:
    """Return the names that code reads from outside itself."""
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Load) else set()
    if isinstance(node, _FUNCTIONS):
        return _free_of_function(node)
    if isinstance(node, ast.ClassDef):
        outside = [*node.decorator_list, *node.bases, *(k.value for k in node.keywords)]
        return set(_block(node.body).needed).union(*(_free(part) for part in outside), set())
    if isinstance(node, _COMPREHENSIONS):
        targets = _stored(generator.target for generator in node.generators)
        return set().union(*(_free(child) for child in ast.iter_child_nodes(node))) - targets
    return set().union(*(_free(child) for child in ast.iter_child_nodes(node)))


def _free_of_function(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    """Return what a function reads from outside; calling it needs these names as well."""
    arguments = node.args
    own = {arg.arg for arg in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    own |= {arg.arg for arg in (arguments.vararg, arguments.kwarg) if arg is not None}
    if isinstance(node, ast.Lambda):
        inner = _free(node.body)
    else:
        body = _block(node.body)
        inner = set(body.needed) - set(body.assigned - _globals(node))
    outside = _free(arguments)
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return (inner - own).union(outside, *(_free(part) for part in decorators))


def _globals(node: ast.AST) -> frozenset[str]:
    return frozenset(n for p in ast.walk(node) if isinstance(p, ast.Global) for n in p.names)
