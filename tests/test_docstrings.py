"""Docstrings, lengths and the number of modules at a package's root, read from the source."""

import ast
import builtins
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("beam_kie", "model_store", "transforms")
MODULES = [path.relative_to(ROOT) for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]

MAX_MODULE_LINES = 400
MAX_BODY_LINES = 60
MAX_ROOT_MODULES = 8
BEAM_METHODS = {"expand", "process"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(node: ast.AST) -> Iterator[Function]:
    for child in ast.walk(node):
        if isinstance(child, Function):
            yield child


def documented(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Function, str]]:
    """Public functions, methods and constructors, each with its docstring: a constructor's is its class's."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                if isinstance(method, Function) and method.name == "__init__":
                    yield (
                        f"{prefix}{node.name}",
                        method,
                        (ast.get_docstring(node) or "") + "\n" + _own(method),
                    )
            yield from documented(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, Function) and not node.name.startswith("_"):
            overloaded = any(_last_name(decorator) == "overload" for decorator in node.decorator_list)
            if not overloaded and not (prefix and node.name in BEAM_METHODS):
                yield f"{prefix}{node.name}", node, _own(node)


def _own(function: Function) -> str:
    return ast.get_docstring(function) or ""


def _last_name(node: ast.AST) -> str:
    """``b`` of ``a.b`` and of ``a.b(...)``."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def arguments(function: Function) -> list[str]:
    of = function.args
    names = [argument.arg for argument in (*of.posonlyargs, *of.args)]
    bound = names[:1] == ["self"] or "classmethod" in map(_last_name, function.decorator_list)
    names = names[1:] if bound else names
    names += [argument.arg for argument in (*of.kwonlyargs, of.vararg, of.kwarg) if argument]
    return names


def section(docstring: str, title: str) -> list[str]:
    """The names that a section of a Google-style docstring explains."""
    found = re.search(rf"^{title}:\n((?:    .*\n?|\n)*)", docstring, re.MULTILINE)
    if not found:
        return []
    heads = re.findall(r"^    (\S[^:\n]*(?:\([^)]*\))?):", found.group(1), re.MULTILINE)
    return [name.strip(" *`") for head in heads for name in re.split(r",| or ", re.sub(r"\(.*\)", "", head))]


def raised(node: ast.AST) -> set[str]:
    """Exceptions that a body raises by name, without nested functions and what the body itself catches."""
    names: set[str] = set()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.Lambda | ast.ClassDef):
            continue
        found = raised(child)
        if isinstance(child, ast.Raise) and child.exc is not None:
            found |= {_last_name(child.exc)}
        if isinstance(child, ast.Try):
            caught = {_last_name(kind) for handler in child.handlers for kind in _kinds(handler)}
            inside = set().union(*(raised(ast.Module([statement], [])) for statement in child.body))
            outside = set().union(
                *(raised(ast.Module([statement], [])) for statement in (*child.orelse, *child.finalbody)),
                *(raised(handler) for handler in child.handlers),
            )
            found = {name for name in inside if not _covered(name, caught)} | outside
        names |= found
    return {name for name in names if re.match(r"[A-Z]", name) and name != "NotImplementedError"}


def _kinds(handler: ast.ExceptHandler) -> list[ast.expr]:
    if isinstance(handler.type, ast.Tuple):
        return handler.type.elts
    return [handler.type or ast.Name("BaseException")]


def _covered(name: str, names: Collection[str]) -> bool:
    """Whether an exception or, of Python's own, a class above it is among ``names``."""
    kind = getattr(builtins, name, Exception)
    return name in names or any(above.__name__ in names for above in kind.__mro__[:-1])


def missing(tree: ast.Module) -> list[str]:
    """What the docstrings of a module leave out, one line each."""
    problems = []
    for name, function, docstring in documented(tree.body):
        explained = section(docstring, "Args")
        left_out = [name for name in arguments(function) if name not in explained and name[0] != "_"]
        unknown = [argument for argument in explained if argument not in arguments(function)]
        errors = sorted(name for name in raised(function) if not _covered(name, section(docstring, "Raises")))
        for what, names in (("Args", left_out), ("Raises", errors)):
            if names:
                problems.append(f"{name} (line {function.lineno}): {what}: without {', '.join(names)}")
        if unknown:
            problems.append(f"{name} (line {function.lineno}): Args: no such argument: {', '.join(unknown)}")
    return problems


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_docstrings_name_arguments_and_exceptions(module):
    assert missing(ast.parse((ROOT / module).read_text("utf-8"))) == []


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_modules_and_functions_fit(module):
    text = (ROOT / module).read_text("utf-8")
    assert text.count("\n") <= MAX_MODULE_LINES
    long = {
        function.name: lines
        for function in functions(ast.parse(text))
        if (lines := _body_lines(function)) > MAX_BODY_LINES
    }
    assert long == {}


def _body_lines(function: Function) -> int:
    """Lines of a body after its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("package", ["beam_kie", "transforms"])
def test_few_modules_at_the_root(package):
    modules = [path.stem for path in (ROOT / package).glob("*.py") if path.stem != "__init__"]
    assert len(modules) <= MAX_ROOT_MODULES


SAMPLE = '''
def resize(pixels, side, *, mode="area"):
    """Resize a page.

    Args:
        pixels: H x W x 3 uint8.
        {extra}: pixels.

    Raises:
        {error}: never.
    """
    if side < 1:
        raise ValueError("side")


class Model:
    """A model.

    Args:
        path: its folder.
    """

    def __init__(self, path, device):
        try:
            raise KeyError(path)
        except KeyError:
            self.device = device

    def process(self, page):
        pass

    def _private(self, page):
        pass
'''


def test_check_sees_what_is_left_out():
    tree = ast.parse(SAMPLE.format(extra="side", error="TypeError"))
    assert [problem.split(": ", 1)[0].split(" ")[0] for problem in missing(tree)] == [
        "resize",
        "resize",
        "Model",
    ]
    assert [problem.rpartition(" ")[2] for problem in missing(tree)] == ["mode", "ValueError", "device"]


def test_check_sees_arguments_that_are_gone():
    tree = ast.parse(SAMPLE.format(extra="side, mode, size", error="ValueError"))
    assert [problem.rpartition(" ")[2] for problem in missing(tree)] == ["size", "device"]
