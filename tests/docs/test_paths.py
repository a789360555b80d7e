"""What the pages name exists: files, modules, commands, flags, targets of make, links between pages."""

from __future__ import annotations

import ast
import importlib.util
import pkgutil
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import apache_beam
import pytest

from transforms.launch.arguments import argument_parser
from transforms.launch.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path.relative_to(ROOT)
    for folder in (".", "docs", "samples", "model_store/bundled")
    for path in (ROOT / folder).glob("*.md")
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = Path("README.md")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
OUR_FOLDERS = "beam_kie|transforms|model_store|tests|docs|deploy|benchmarks|samples"
# Those of PaddleOCR's scripts and of Docker; Beam's and ours are looked up.
FOREIGN_FLAGS = set(
    """
    --kie_algorithm --ser_model_dir --re_model_dir --use_visual_backbone --ser_dict_path --ocr_order_method
    --image_dir --vis_font_path --use_gpu --enable_mkldnn --cpu_threads --det_model_dir --rec_model_dir
    --det_limit_side_len --drop_score --build-arg --target --source_format --hive_partitioning_mode
    --parquet_enable_list_inference --artifacts-dir --worker_pool --cov
    """.split()  # noqa: SIM905 (a list of them is longer)
)
FOREIGN_PROGRAMS = ("gcloud ", "systemctl ", "journalctl ", "moto_server ")
# Keys in the footers of Parquet files look like modules.
NO_MODULES = {"beam_kie.schema_version", "beam_kie.table"}
CALL = re.compile(
    r"(?:[A-Z_]+=\S* )*(?:\.venv/bin/)?"
    rf"((?:python (?:-m )?[\w./]+|{'|'.join(sorted(PROJECT['scripts'], reverse=True))})(?= |$).*)"
)
each_page = pytest.mark.parametrize("page", PAGES, ids=str)


def text_of(page: Path) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def code_of(page: Path) -> list[str]:
    """Lines of code blocks, with continuations joined, and code spans."""
    text = text_of(page)
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    lines = re.sub(r" *\\\n *", " ", "\n".join(blocks)).splitlines()
    rest = re.sub(r"^ *```\w*\n.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    return lines + re.findall(r"`([^`]+)`", rest)


def commands_of(page: Path) -> Iterator[list[str]]:
    """Calls of Python and of the console scripts, as lists of words."""
    for code in code_of(page):
        found = CALL.match(code)
        if found:
            words = shlex.split(code[found.start(1) :].split("  #")[0].split("   ")[0])
            yield words[1:] if words[0] == "python" else words


def source_of(command: list[str]) -> Path | None:
    """The module, script or package that a command runs; None where it is not ours."""
    if command[0] in ("beam-kie", "run_pipeline.py") and command[1:] and command[1] in COMMANDS:
        target = COMMANDS[command[1]].target
        return Path(pkgutil.resolve_name(target.partition(":")[0]).__file__ or "")
    if command[0] in PROJECT["scripts"]:
        return ROOT / (PROJECT["scripts"][command[0]].partition(":")[0].replace(".", "/") + ".py")
    name = command[1] if command[0] == "-m" else command[0]
    path = ROOT / (name.replace(".", "/") if command[0] == "-m" else name)
    if path.is_dir():
        return path / "__main__.py"
    return next((each for each in (path, path.with_suffix(".py")) if each.is_file()), None)


@cache
def job_flags() -> frozenset[str]:
    return frozenset(argument_parser()._option_string_actions)


@cache
def flags_of(source: Path) -> frozenset[str]:
    """The flags that a program declares, or passes on to the job."""
    files = source.parent.glob("*.py") if source.name == "__main__.py" else [source]
    found: set[str] = set()
    for path in files:
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
                found |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
        if "parse_known_args" in text:
            found |= job_flags()
    if source.name in ("run_pipeline.py", "nightly.sh") or "launch" in source.parts:
        found |= job_flags()
    return frozenset(found | {"--help"})


@cache
def all_flags() -> frozenset[str]:
    programs = [
        path
        for folder in ("beam_kie", "transforms", "model_store", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if "add_argument" in path.read_text(encoding="utf-8")
    ]
    return job_flags().union(*map(flags_of, programs))


def flags_in(words: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}


@each_page
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if target.startswith("http"):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page.parent / name).resolve() if name else ROOT / page
        assert path.exists() and ROOT in (path, *path.parents), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in slugs, target


@each_page
def test_files_are_there(page):
    if page.name == "CHANGELOG.md":
        pytest.skip("names what was moved")
    for code in code_of(page):
        for name in re.findall(rf"(?<![\w./$-])(?:{OUR_FOLDERS})/[\w./*,{{}}-]*[\w*}}]", code):
            for path in expanded(name):
                assert any(ROOT.glob(path)), name
        for name in re.findall(r"(?<![\w./$-])[a-z_]+/[\w/]+\.py\b", code):
            assert (ROOT / name).is_file() or (Path(apache_beam.__file__).parent / name).is_file(), name


def expanded(name: str) -> list[str]:
    """A path for each of the alternatives in braces."""
    found = re.fullmatch(r"(.*)\{(.*)\}(.*)", name)
    return [found[1] + each + found[3] for each in found[2].split(",")] if found else [name]


@each_page
def test_modules_are_there(page):
    if page.name == "CHANGELOG.md":
        pytest.skip("names what was moved")
    for code in code_of(page):
        for name in re.findall(r"(?<![\w./-])(?:beam_kie|transforms|model_store)(?:\.[a-z_]+)+\b(?!/)", code):
            assert name in NO_MODULES or pkgutil.resolve_name(name), name


@cache
def words_of_sources() -> frozenset[str]:
    """The words of our sources and of Beam's."""
    folders = [ROOT / name for name in OUR_FOLDERS.split("|")] + [Path(apache_beam.__file__).parent]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".json")]
    return frozenset(re.findall(r"\w+", "\n".join(path.read_text(encoding="utf-8") for path in files)))


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md", "docs/training.md"])
def test_names_in_the_code_are_there(page):
    named = {name for name in code_of(Path(page)) if re.fullmatch(r"_?[a-z]+(_[a-z]+)+|_?[A-Z]\w{3,}", name)}
    assert named and named <= words_of_sources()


@each_page
def test_commands_and_their_flags_are_there(page):
    if page.name == "CHANGELOG.md":
        pytest.skip("names what was moved")
    for command in commands_of(page):
        source = source_of(command)
        if source is not None:
            assert source.is_file(), command
            assert flags_in(command) <= flags_of(source), command
        elif command[0] == "-m":
            assert importlib.util.find_spec(command[1]), command
        elif command[0] in PROJECT["scripts"] or "/" in command[0]:
            pytest.fail(f"no such program: {command}")


@each_page
def test_flags_in_the_text_are_there(page):
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text_of(page), flags=re.M | re.S))
    spans = [span for span in spans if not span.startswith(FOREIGN_PROGRAMS)]
    named = {flag for span in spans for flag in re.findall(r"(?<![\w-])--[a-z][\w-]+", span)}
    assert named <= all_flags() | FOREIGN_FLAGS


@each_page
def test_targets_of_make_are_there(page):
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    variables = set(re.findall(r"^([A-Z_]+) [?:]?=", MAKEFILE, re.MULTILINE))
    for code in code_of(page):
        if code.startswith("make "):
            words = code.partition("#")[0].split()[1:]
            assert {word for word in words if "=" not in word} <= targets, code
            assert {word.partition("=")[0] for word in words if "=" in word} <= variables, code


def test_readme_names_the_commands_extras_and_pages():
    spans = set(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text_of(README), flags=re.M | re.S)))
    assert spans >= PROJECT["scripts"].keys()
    assert spans >= PROJECT["optional-dependencies"].keys() - {"dev"}
    linked = set(re.findall(r"\]\(([^)]+)\)", text_of(README)))
    assert {str(page) for page in PAGES if page.parent.name == "docs"} <= linked


def test_the_glossary_is_short_and_in_order():
    terms = re.findall(r"^\| \*\*(.+?)\*\* \|", text_of(Path("docs/glossary.md")), re.MULTILINE)
    assert 0 < len(terms) <= 20
    assert terms == sorted(terms, key=str.lower)
