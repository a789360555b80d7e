"""The images, as far as they can be checked where no Docker is: what they copy, pin, set and run."""

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
HOME = "/opt/beam-kie"


class Instruction(NamedTuple):
    word: str
    text: str

    def words(self) -> list[str]:
        return shlex.split(self.text)


class Stage(NamedTuple):
    base: str
    name: str
    instructions: list[Instruction]

    def of(self, word: str) -> list[Instruction]:
        return [each for each in self.instructions if each.word == word]


def instructions() -> list[Instruction]:
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Instruction(*line.split(maxsplit=1)) for line in whole.splitlines() if line.strip()]


def arguments() -> dict[str, str]:
    words = [each.words()[0] for each in instructions() if each.word == "ARG"]
    return dict(word.split("=", 1) for word in words if "=" in word)


def filled_in(text: str, **more: str) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda found: (arguments() | more).get(found[1], found[0]), text)


def stages(variant: str = "cpu") -> dict[str, Stage]:
    found: dict[str, Stage] = {}
    for each in instructions():
        if each.word == "FROM":
            base, _, name = each.text.partition(" AS ")
            found[name] = Stage(filled_in(base, VARIANT=variant), name, [])
        elif found:
            found[list(found)[-1]].instructions.append(each)
    return found


def line_of(name: str, variant: str = "cpu") -> list[Stage]:
    """The stage and those that it is built on, the first one first."""
    known = stages(variant)
    stage, line = known[name], []
    while stage is not None:
        line.insert(0, stage)
        stage = known.get(stage.base)
    return line


def environment(name: str, variant: str = "cpu") -> dict[str, str]:
    texts = [each for stage in line_of(name, variant) for each in stage.of("ENV")]
    return dict(word.split("=", 1) for each in texts for word in each.words())


def copies() -> list[tuple[list[str], str]]:
    """What is copied from the repository into the job, and where to in its folder."""
    pairs = []
    for each in stages()["job"].of("COPY"):
        *sources, target = each.words()
        assert not sources[0].startswith("--"), each
        pairs.append((sources, target))
    return pairs


def is_sent(path: str) -> bool:
    """Whether Docker's builder gets the file: the last line of .dockerignore that fits decides."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        names = path.split("/")
        heads = ["/".join(names[:n]) for n in range(1, len(names) + 1)]
        if pattern.startswith("**/"):
            fits = any(fnmatch.fnmatch(part, pattern[3:]) for part in names)
        else:
            fits = any(fnmatch.fnmatch(head, pattern) for head in heads)
        if fits:
            sent = line.startswith("!")
    return sent


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    wanted = [Requirement(line) for line in lines if not line.startswith("#")]
    there = {"python_version": arguments()["PYTHON_VERSION"]}
    return {
        each.name: next(iter(each.specifier)).version
        for each in wanted
        if each.marker is None or each.marker.evaluate(there)
    }


def test_every_source_is_there_and_is_sent():
    for sources, _ in copies():
        for source in sources:
            assert (ROOT / source).exists(), source
            assert is_sent(source), f"{source} is held back by .dockerignore"
    assert is_sent("model_store/bundled/model.safetensors")


NOT_SENT = [
    ".venv/bin/python",
    ".git/config",
    "tests/conftest.py",
    "samples/broken.jpg",
    "out/x/summary.json",
    "beam_kie/__pycache__/document.cpython-311.pyc",
    "README.md",
]


@pytest.mark.parametrize("path", NOT_SENT)
def test_nothing_else_is_sent(path):
    assert not is_sent(path)


def test_every_package_is_copied():
    wanted = {name.split(".")[0] for name in PROJECT["tool"]["setuptools"]["packages"]}
    copied = {source for sources, _ in copies() for source in sources}
    assert wanted | {"run_pipeline.py", "constraints.txt"} <= copied


def test_versions_are_the_pinned_ones():
    beam = stages()["beam"].base
    assert beam == f"apache/beam_python3.11_sdk:{pins()['apache-beam']}"
    python = arguments()["PYTHON_VERSION"]
    assert PROJECT["project"]["requires-python"].startswith(f">={python}")
    launcher = stages()["launcher"].base
    assert f"python{python.replace('.', '')}-template-launcher-base:" in launcher
    for variant in ("cpu", "cuda"):
        patch = arguments()["PYTHON_PATCH"]
        assert line_of("dataflow", variant)[0].base == f"python:{python}.{patch}-slim-bookworm"
        assert [stage.name for stage in line_of("dataflow", variant)] == [
            f"base-{variant}",
            "job",
            "dataflow",
        ]


def test_requirements_are_those_of_the_job(tmp_path):
    """Runs the command of the Dockerfile that lists them."""
    (install,) = [each for each in stages()["job"].of("RUN") if "requirements.txt" in each.text]
    command = install.text.split(" && ")[0]
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    project = PROJECT["project"]
    for extras in (arguments()["EXTRAS"], "s3", ""):
        variant = "gpu-ocr" if extras == "s3" else ""
        env = {**os.environ, "PATH": path, "EXTRAS": extras, "VARIANT_EXTRAS": variant}
        subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, env=env)
        listed = (tmp_path / "requirements.txt").read_text().splitlines()
        more = [
            each
            for extra in [*extras.split(), *variant.split()]
            for each in project["optional-dependencies"][extra]
        ]
        assert listed == [*project["dependencies"], *more]
    assert "--constraint constraints.txt" in install.text
    asked = subprocess.run(
        ["sh", "-c", f"{install.text.split(' && ')[1]}; echo $TORCH"],
        cwd=tmp_path, capture_output=True, text=True, env={"PATH": path, "TORCH_BUILD": "cu126"},
    )  # fmt: skip
    assert asked.stdout.strip() == f"torch=={pins()['torch']}+cu126"


def closure(requirements: list[str]) -> dict[str, metadata.Distribution]:
    """The packages that requirements bring along, as they are installed here: each fits who asks for it."""
    found: dict[str, metadata.Distribution] = {}
    asked, done = [Requirement(each) for each in requirements], set()
    while asked:
        wanted = asked.pop()
        extras = sorted(wanted.extras) or [""]
        if str(wanted) in done or not any(is_meant(wanted, extra) for extra in ["", *extras]):
            continue
        done.add(str(wanted))
        package = metadata.distribution(wanted.name)
        assert wanted.specifier.contains(package.version, prereleases=True), f"{wanted}: {package.version}"
        found[canonicalize_name(wanted.name)] = package
        for line in package.requires or []:
            needed = Requirement(line)
            if any(is_meant(needed, extra) for extra in extras):
                needed.marker = None
                asked.append(needed)
    return found


def is_meant(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


@pytest.mark.parametrize("extras", ["", "s3", "s3 gpu-ocr", "s3 paddle"])
def test_every_package_resolves_to_its_pin(extras):
    """What pip would install: every package has a pin, and no package asks for another version of one."""
    project = PROJECT["project"]
    more = [each for extra in extras.split() for each in project["optional-dependencies"][extra]]
    pinned = {str(canonicalize_name(name)): version for name, version in pins().items()}
    found = closure([*project["dependencies"], *more])
    assert len(found) > 100
    for name, package in found.items():
        assert pinned.get(name) == package.version.partition("+")[0], name
    builds_of_opencv = {name for name in found if name.startswith("opencv")}
    assert len(builds_of_opencv) == (2 if "paddle" in extras else 1)


def test_one_opencv_is_left_where_two_are_installed():
    (install,) = [each for each in stages()["job"].of("RUN") if "requirements.txt" in each.text]
    (case,) = re.findall(r"case .*? esac", install.text)
    script = f'pip() {{ echo "$@"; }}; {case}'
    for extras, last in (
        ("s3", ""),
        ("s3 paddle", "opencv-python-headless"),
        ("paddle", "opencv-python-headless"),
    ):
        said = subprocess.run(
            ["sh", "-c", script], capture_output=True, text=True, check=True, env={"EXTRAS": extras}
        ).stdout.split()
        assert said[-1:] == ([last] if last else [])


def test_images_are_pinned():
    for variant in ("cpu", "cuda"):
        for stage in stages(variant).values():
            if stage.base not in stages(variant):
                tag = stage.base.rpartition(":")[2]
                assert re.search(r"\d+[._]\d+[._]?\d*|\d{8}", tag) and "latest" not in tag, stage.base


def test_commands_are_shell():
    for stage in stages().values():
        for each in stage.of("RUN"):
            subprocess.run(["sh", "-n", "-c", each.text], check=True)


@pytest.mark.parametrize("variant", ["cpu", "cuda"])
def test_image_for_dataflow(variant):
    env = environment("dataflow", variant)
    assert env["FLEX_TEMPLATE_PYTHON_PY_FILE"] == f"{HOME}/run_pipeline.py"
    assert env["PYTHONPATH"] == HOME
    assert env["RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT"] == env["PIP_NO_INDEX"] == "1"
    assert env["TORCH_BUILD"] == {"cpu": "cpu", "cuda": "cu126"}[variant]
    assert ("LD_LIBRARY_PATH" in env) == (variant == "cuda")
    assert list(stages())[-1] == "dataflow", "what is built without --target"
    last = stages()["dataflow"]
    (entry,) = last.of("ENTRYPOINT")
    assert json.loads(entry.text) == ["/opt/apache/beam/boot"]
    copied = {tuple(each.words()) for each in last.of("COPY")}
    launcher = "/opt/google/dataflow/python_template_launcher"
    assert copied == {
        ("--from=beam", "/opt/apache/beam", "/opt/apache/beam"),
        ("--from=launcher", launcher, launcher),
    }
    assert not [each for stage in line_of("dataflow", variant) for each in stage.of("USER")]


def test_image_for_one_machine_is_not_root():
    machine = stages()["machine"]
    (user,) = machine.of("USER")
    assert user.text.isdigit() and f"--uid {user.text} " in machine.of("RUN")[0].text
    (entry,) = machine.of("ENTRYPOINT")
    assert json.loads(entry.text) == ["python", f"{HOME}/run_pipeline.py"]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """What the image holds in its folder, copied as the Dockerfile says."""
    folder = tmp_path_factory.mktemp("image") / "beam-kie"
    folder.mkdir()
    for sources, target in copies():
        for source in sources:
            place = folder / target / source if target == "./" else folder / target
            for path in [ROOT / source] if (ROOT / source).is_file() else (ROOT / source).rglob("*"):
                relative = path.relative_to(ROOT)
                if path.is_file() and is_sent(str(relative)):
                    copy = place if path == ROOT / source else place / path.relative_to(ROOT / source)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, copy)
    return folder


@pytest.mark.slow
def test_what_is_copied_is_enough_to_launch_and_to_work(home, tmp_path):
    scan = tmp_path / "scan.jpg"
    shutil.copy(ROOT / "samples" / "en_invoice.jpg", scan)
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    run = {"cwd": tmp_path, "capture_output": True, "text": True, "env": {**env, "OMP_NUM_THREADS": "1"}}
    checked = subprocess.run(
        [sys.executable, str(home / "run_pipeline.py"), "--validate_only", f"--input={scan}", "--output=out"],
        **run,
    )
    assert checked.returncode == 0, checked.stderr
    assert "All options are in order" in checked.stdout
    # A worker starts another program: it finds the code by PYTHONPATH alone.
    where = "import beam_kie, model_store, transforms.pipeline as p; print(p.__file__, beam_kie.__file__)"
    run["env"]["PYTHONPATH"] = str(home)
    found = subprocess.run([sys.executable, "-c", where], **run)
    assert found.stdout.split() == [
        str(home / "transforms" / "pipeline.py"),
        str(home / "beam_kie" / "__init__.py"),
    ]


def test_cloud_build_builds_this_file():
    from google.cloud.devtools import cloudbuild_v1

    text = yaml.safe_load((ROOT / "deploy" / "cloudbuild.yaml").read_text())
    build = cloudbuild_v1.Build.from_json(json.dumps(text))
    (step,) = build.steps
    args = list(step.args)
    assert args[args.index("--target") + 1] in stages()
    given = args[args.index("--build-arg") + 1]
    assert given.split("=")[0] in arguments() and given.endswith("${_VARIANT}")
    assert f"base-{build.substitutions['_VARIANT']}" in stages()
    assert list(build.images) == [args[args.index("--tag") + 1]] == ["${_IMAGE}"]
