"""Writes pages of the API from the docstrings: ``make api``. Whatever pdoc warns of is an error."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import typing
import warnings
from pathlib import Path
from types import ModuleType

import pdoc
import pdoc.extract
import pdoc.render

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PACKAGES = ("beam_kie", "model_store", "transforms")


def render(folder: Path) -> list[str]:
    """Writes the pages.

    Args:
        folder: where to; made where it is missing.

    Returns:
        What pdoc warned of: a module that cannot be imported, a type that cannot be resolved.
    """
    modules = _modules()
    for module in modules:
        _resolve_named_tuples(module)
    pdoc.render.configure(docformat="google", footer_text="beam-kie")
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        pdoc.pdoc(*_specifications(modules), output_directory=folder)
    return [str(each.message) for each in raised if issubclass(each.category, UserWarning)]


def _modules() -> list[ModuleType]:
    packages = [importlib.import_module(name) for name in PACKAGES]
    found = [
        each
        for package in packages
        for each in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    ]
    return packages + [
        importlib.import_module(each.name) for each in found if not each.name.endswith("__main__")
    ]


def _specifications(modules: list[ModuleType]) -> list[str]:
    """What to tell pdoc, which leaves out the modules of packages that have ``__all__``."""
    asked = list(PACKAGES)
    covered = set(pdoc.extract.walk_specs(asked))
    for name in sorted(module.__name__ for module in modules):
        if name not in covered:
            asked.append(name)
            covered |= set(pdoc.extract.walk_specs([name]))
    return asked


def _resolve_named_tuples(module: ModuleType) -> None:
    """The constructor of a NamedTuple does not know its module, so pdoc cannot resolve its annotations."""
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, tuple) and hasattr(value, "_fields"):
            value.__new__.__annotations__ = typing.get_type_hints(value)


if __name__ == "__main__":
    problems = render(Path(sys.argv[1]))
    print(*problems, sep="\n", file=sys.stderr, end="\n" if problems else "")
    sys.exit(1 if problems else 0)
