"""The commands of README, CONTRIBUTING and docs/ are run, page by page, in a fresh copy of the repository.

A comment before a block of code, which readers do not see, says whether it is run:

- ``<!-- run -->``: all of it, in the order of the page. Python runs as a program, the rest in a shell.
- ``<!-- run 2: REASON -->``: the first two commands of a shell, and why not the others.
- ``<!-- not run: REASON -->``: none of it, and why.

The copy has the folders ``scans`` and ``invoices`` with a scan each, ``uris.csv`` with the first scan, and
``out`` with a finished run named demo. All scans, also those in ``samples``, are small pages with one line:
what is found on real ones is for other tests. Nothing is installed: ``python`` is that of the environment,
and the console scripts are on the path.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted(path.relative_to(ROOT) for path in ROOT.glob("docs/*.md"))
PAGES = [Path("README.md"), Path("CONTRIBUTING.md"), *DOCS]
PROGRAMS = "python|beam-kie(?:-eval|-models|-train)?|make|duckdb|gcloud|pip|sudo|docker|kubectl|export"
COMMAND = re.compile(rf"^(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?(?:{PROGRAMS}) ")
FENCE = re.compile(r"^(?:<!-- ((?:not )?run\b.*?) -->\n)?```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]


class Block(NamedTuple):
    page: Path
    line: int
    mark: str
    language: str
    code: str

    @property
    def is_run(self) -> bool:
        return self.mark.startswith("run")

    def script(self) -> str:
        """What is run of it: all, or the first commands with their continuations."""
        number = re.match(r"run (\d+): .+", self.mark)
        if number is None:
            return self.code
        commands = re.sub(r"\\\n", "\\\\\0", self.code).splitlines()[: int(number[1])]
        return "\n".join(commands).replace("\0", "\n")


def blocks(page: Path) -> list[Block]:
    """The blocks of a page that hold commands or programs."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        mark, language, code = match[1] or "", match[2], match[3]
        if mark or language == "python" or (language in ("", "sh", "bash") and COMMAND.match(code)):
            found.append(Block(page, text.count("\n", 0, match.start()) + 1, mark, language, code))
    return found


RUN = [block for page in PAGES for block in blocks(page) if block.is_run]


def test_every_block_of_commands_says_whether_it_is_run():
    for page in PAGES:
        for block in blocks(page):
            known = re.fullmatch(r"run|run \d+: .+|not run: .+", block.mark)
            advice = "put <!-- run --> or <!-- not run: REASON --> before the block"
            assert known, f"{page}:{block.line}: {advice}"


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A copy of the repository without caches and results, with scans and a run."""
    folder = tmp_path_factory.mktemp("commands") / "beam-kie"
    hidden = shutil.ignore_patterns(".*", "__pycache__", "out", "build", "dist", "*.egg-info")
    shutil.copytree(ROOT, folder, ignore=hidden)
    for name in ("scans", "invoices"):
        (folder / name).mkdir()
        draw_page(folder / name / "a.jpg")
    for scan in (folder / "samples").iterdir():
        if scan.suffix in (".jpg", ".pdf"):
            draw_page(scan)
    (folder / "uris.csv").write_text("uri\nscans/a.jpg\n", encoding="utf-8")
    programs = folder / "bin"
    programs.mkdir()
    for name, target in SCRIPTS.items():
        module, _, function = target.partition(":")
        code = f"import sys\nfrom {module} import {function}\nsys.exit({function}())\n"
        (programs / name).write_text(f"#!{sys.executable}\n{code}", encoding="utf-8")
        (programs / name).chmod(0o755)
    execute(folder, "python run_pipeline.py --input scans --output out --run_id demo")
    return folder


def draw_page(path: Path) -> None:
    image = Image.new("RGB", (480, 320), "white")
    font = ImageFont.load_default(24)
    ImageDraw.Draw(image).text((30, 40), "Invoice number: 4711", fill="black", font=font)
    image.save(path)


def execute(folder: Path, script: str, language: str = "") -> None:
    """Run a block; it fails with the first of its commands."""
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(folder),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", script] if language == "python" else ["bash", "-euc", script]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, f"{script}\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}"


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted({block.page for block in RUN}), ids=str)
def test_commands_of_a_page_run(copy, page):
    for block in RUN:
        if block.page == page:
            execute(copy, block.script(), block.language)


def test_the_marks_choose_commands():
    code = "one \\\n  --more\ntwo\nthree\n"
    block = Block(Path("x"), 1, "run 2: because", "", code)
    assert block.script() == "one \\\n  --more\ntwo"
    assert block._replace(mark="run").script() == code
    text = "<!-- not run: it needs a cloud -->\n```\ngcloud x\n```\n\n```sql\nSELECT 1;\n```\n"
    assert [match[1] for match in FENCE.finditer(text)] == ["not run: it needs a cloud", None]
