"""The drawings of docs/architecture.md: packages against the import graph, steps against the pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import apache_beam as beam
import grimp
import pytest
from apache_beam.pipeline import PipelineVisitor

from transforms.config import JobConfig
from transforms.pipeline import build

PAGE = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOTS = ("beam_kie", "model_store", "transforms")
Arrow = tuple[str, str]
# The two take the place of ReadPages.
WITHOUT_ISOLATION = ("DecodeSources", "ReadText")


def drawing(section: str) -> tuple[dict[str, str], dict[Arrow, str]]:
    """Nodes of the section's drawing, id to label, and its arrows with their labels."""
    text = re.search(rf"^## {section}$.*?^```mermaid\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1]
    nodes = dict(re.findall(r'^ +(\w+)\["(.*)"\]$', text, re.MULTILINE))
    found = re.findall(r"^ +(\w+) (?:-- (.+?) )?--> (\w+)$", text, re.MULTILINE)
    arrows = {(start, end): label for start, label, end in found}
    assert len(arrows) == len(found) == text.count("-->")
    assert {end for arrow in arrows for end in arrow} <= nodes.keys()
    return nodes, arrows


def package_nodes() -> dict[str, str]:
    """Of modules and packages: the node that draws each."""
    places = {}
    for label in drawing("Packages and imports")[0].values():
        if label.startswith(("transforms", "beam_kie", "model_store")):
            package, _, modules = label.partition(": ")
            for name in modules.split(", ") if modules else [""]:
                places[f"{package}.{name}".rstrip(".")] = label
    return places


def node_of(module: str, places: dict[str, str]) -> str | None:
    """The node of a module: that of the nearest package that is drawn."""
    while module:
        if module in places:
            return places[module]
        module = module.rpartition(".")[0]
    return None


def imports(places: dict[str, str]) -> set[Arrow]:
    """The arrows of the import graph between nodes; a bare package is its ``__init__`` with the version."""
    graph = grimp.build_graph(*ROOTS)
    drawn = {name: node_of(name, places) for name in graph.modules if name not in ROOTS or name in places}
    assert None not in drawn.values(), [name for name, node in drawn.items() if node is None]
    pairs = (
        (drawn[name], drawn.get(imported))
        for name in drawn
        for imported in graph.find_modules_directly_imported_by(name)
    )
    return {(start, end) for start, end in pairs if end is not None and start != end}


def reachable(start: str, arrows: set[Arrow]) -> set[str]:
    seen: set[str] = set()
    left = [start]
    while left:
        here = left.pop()
        new = {end for begin, end in arrows if begin == here} - seen
        seen |= new
        left += new
    return seen


def without_implied(arrows: set[Arrow]) -> set[Arrow]:
    """The arrows that do not follow from others (the transitive reduction)."""
    return {arrow for arrow in arrows if arrow[1] not in reachable(arrow[0], arrows - {arrow})}


def test_packages_and_their_imports_are_drawn():
    nodes, arrows = drawing("Packages and imports")
    real = imports(package_nodes())
    assert all(node not in reachable(node, real) for node in nodes.values()), "imports in a circle"
    assert {(nodes[start], nodes[end]) for start, end in arrows} == without_implied(real)


def test_every_package_is_in_the_table():
    rows = dict(re.findall(r"^\| `([\w.]+)` \| [^|]+ \| `?([\w.]*)`? ?\|$", PAGE, re.MULTILINE))
    nodes, _ = drawing("Packages and imports")
    packages = {label for label in nodes.values() if label.startswith(ROOTS) and ": " not in label}
    assert rows.keys() == packages
    for package, module in rows.items():
        assert not module or (Path(__file__).parents[2] / package.replace(".", "/") / module).is_file()


class Steps(PipelineVisitor):
    """Finds the step of the drawing that each transform of a pipeline belongs to."""

    def __init__(self, names: Iterable[str]):
        self.names = set(names)
        self.around: list[str] = []
        self.leaves: list[tuple] = []
        self.producers: dict = {}

    def enter_composite_transform(self, transform_node):
        self.around.append(type(transform_node.transform).__name__)

    def leave_composite_transform(self, transform_node):
        self.around.pop()

    def visit_transform(self, transform_node):
        step = next((name for name in self.around if name in self.names), None)
        if transform_node.full_label.endswith("Put failures together"):
            step = "Failures"
        self.leaves.append((transform_node, step))
        for output in transform_node.outputs.values():
            self.producers[output] = (transform_node, step)

    def sources(self, collection) -> set[tuple[str, str]]:
        """The steps that ``collection`` comes from, with the types that they yield."""
        if collection not in self.producers:
            return set()
        transform, step = self.producers[collection]
        if step:
            return {(step, str(collection.element_type))}
        return set().union(*map(self.sources, transform.inputs))

    def arrows(self) -> dict[Arrow, set[str]]:
        """The arrows between steps and the types that they carry; times and what stays within left out."""
        found: dict[Arrow, set[str]] = {}
        for transform, step in self.leaves:
            taken = (*transform.inputs, *(side.pvalue for side in transform.side_inputs))
            for source, kind in set().union(*map(self.sources, taken)):
                if step and source != step and "StageTime" not in kind:
                    types = {name.rpartition(".")[2] for name in re.findall(r"[\w.]+\.[A-Z]\w+", kind)}
                    found.setdefault((source, step), set()).update(types)
        return found


@pytest.mark.parametrize("isolation", ["on", "off"])
def test_steps_of_the_pipeline_are_drawn(isolation):
    nodes, arrows = drawing("Data flow")
    pipeline = beam.Pipeline()
    config = JobConfig(input=("/scans/**",), output="/out", run_id="r", page_isolation=isolation)
    build(pipeline, config)
    steps = Steps({*nodes, *WITHOUT_ISOLATION})
    pipeline.visit(steps)
    # Words in lower case say what tuples and paths hold.
    drawn = {arrow: set(re.findall(r"\b[A-Z]\w+", label)) for arrow, label in arrows.items()}
    real: dict[Arrow, set[str]] = {}
    for (start, end), types in steps.arrows().items():
        arrow = tuple("ReadPages" if name in WITHOUT_ISOLATION else name for name in (start, end))
        if arrow[0] != arrow[1]:
            real.setdefault(arrow, set()).update(types)
    assert drawn == real
