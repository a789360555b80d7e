"""The command ``python -m beam_kie.training.making``: makes the model ``bundled-free`` from free data alone.

It draws forms, lets OCR read them, asks two text encoders for line vectors, trains, and chooses penalties and
confidences on drawn forms that were not learned from. Each part is left out where an earlier, interrupted
command has done it. No labelled page of others is opened (``never_open`` of the settings).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from beam_kie.layoutxlm.folders import MODEL_FILES
from beam_kie.training.reports.provenance import PROVENANCE

SETTINGS = Path(__file__).parent / "bundled_free.json"
TEXTS = {
    "de.txt.xz": "d5f0699a83eba831643ff2726a168847252365010ce2529eb2f1ed5f9b559afe",
    "en.txt.xz": "cdf382cb7a2a6d4e1f33d45a188f752e4fb09e31826f8e0d65506b83db4d770c",
    "es.txt.xz": "47c3ee35ba1807da9cb62a676c904855daee8f16d0a0cc588d9414d2ec6fae60",
    "fr.txt.xz": "8561f43e347d6afc55adeeab60e536aca2177deeec9b641d114d682bb47e49b3",
    "it.txt.xz": "7df29b1ae920e3bd218f85283abdcedba0e553c637fb149e6a3888afd1c98a4e",
    "ja.txt.xz": "5acb0538181db379c23cb25b56af03e51a2ced3b79bd9a02d9ab33a0f0da8cf7",
    "pt.txt.xz": "2531c2fb215981f12d8b8f4a27147abd1259837a2aa09de331c8f4fa9f8094a6",
    "zh.txt.xz": "7323d5c3ee413a4e4c6c8eb266a166ce1aa8f45b12e9c31fcb6bba662702cded",
}
"""The plain texts that the bundled weights were made with, with their SHA-256."""


class Forms(NamedTuple):
    """Drawn forms of one look, and how OCR finds their lines (``beam_kie.ocr.box_geometry``).

    ``languages`` are those of the forms in turn; empty: all.
    """

    name: str
    geometry: str
    scan: str
    kind: str
    number: int
    seed: int
    languages: str = ""


FORMS = (
    Forms("light_default_1", "default", "light", "domain", 160, 500_000),
    Forms("light_tight_1", "tight", "light", "domain", 120, 510_000),
    Forms("heavy_wide", "wide", "heavy", "domain", 120, 520_000),
    Forms("light_coarse_1", "coarse", "light", "any", 80, 530_000),
    Forms("photo_default", "default", "photo", "domain", 80, 540_000),
    Forms("light_fine", "fine", "light", "domain", 120, 550_000),
    Forms("light_default_2", "default", "light", "domain", 160, 600_000),
    Forms("light_coarse_2", "coarse", "light", "domain", 120, 610_000),
    Forms("heavy_fine", "fine", "heavy", "domain", 120, 620_000),
    Forms("light_default_3", "default", "light", "any", 80, 630_000),
    Forms("photo_wide", "wide", "photo", "domain", 80, 640_000),
    Forms("light_tight_2", "tight", "light", "domain", 120, 650_000),
    Forms("light_default_4", "default", "light", "domain", 42, 700_000, "en,de,pt,en,fr,en"),
    Forms("light_tight_3", "tight", "light", "domain", 42, 710_000, "en,de,pt,it,en,es"),
    Forms("heavy_default", "default", "heavy", "domain", 42, 740_000, "en,de,en,pt,es,en"),
    Forms("light_coarse_3", "coarse", "light", "domain", 36, 750_000, "en,zh,de,ja,pt,en"),
    Forms("heavy_wide_2", "wide", "heavy", "domain", 36, 720_000, "en,en,de,pt,fr,zh"),
    Forms("light_fine_2", "fine", "light", "domain", 36, 760_000, "en,de,pt,es,en,it"),
    Forms("photo_default_2", "default", "photo", "domain", 24, 730_000, "en,de,pt,es,it,ja"),
    Forms("light_default_5", "default", "light", "domain", 30, 770_000, "en,de,pt,fr,en,it"),
    Forms("typed_default_1", "default", "light", "domain", 40, 910_000, "en"),
    Forms("typed_tight", "tight", "light", "domain", 40, 920_000, "en"),
    Forms("typed_orders", "default", "light", "domain:purchasing", 20, 930_000, "en"),
    Forms("typed_laboratory", "coarse", "light", "domain:laboratory", 18, 940_000, "en"),
    Forms("typed_survey", "wide", "heavy", "domain:survey", 20, 950_000, "en"),
    Forms("typed_heavy", "default", "heavy", "domain", 40, 960_000, "en,en,de,pt,fr"),
    Forms("typed_fine", "fine", "light", "domain", 30, 970_000, "en"),
    Forms("light_default_6", "default", "light", "domain", 32, 980_000, "de,fr,pt,zh,es,it,ja,zh"),
    Forms("typed_photo", "default", "photo", "domain", 24, 990_000, "en"),
    Forms("typed_inspection", "default", "light", "domain:inspection", 12, 991_000, "en"),
    Forms("typed_employment", "wide", "heavy", "domain:employment", 12, 992_000, "en"),
    Forms("typed_coarse", "coarse", "light", "domain", 30, 993_000, "en"),
    Forms("typed_default_2", "default", "light", "domain", 40, 994_000, "en"),
)


class Part(NamedTuple):
    """A command of the making, and the file that says that it is done."""

    arguments: tuple[str, ...]
    done: Path


class MakingError(RuntimeError):
    """Something that the making needs is not as it must be; the message is one line."""


def parts(texts: Path, work: Path) -> Iterator[Part]:
    """The commands in their order, without the Python in front of them.

    Args:
        texts: folder of the plain texts.
        work: folder of everything that is made.
    """
    forms = work / "forms"
    for each in FORMS:
        folder, lines = forms / each.name, forms / f"{each.name}.jsonl"
        drawing = ["-m", "beam_kie.forms", "--output", str(folder), "--count", str(each.number)]
        drawing += ["--seed", str(each.seed), "--scan", each.scan]
        drawing += [] if each.kind == "any" else ["--kind", each.kind]
        drawing += ["--languages", each.languages] if each.languages else []
        yield Part(tuple(drawing), forms / f"{each.name}.drawn")
        reading = ["-m", "beam_kie.training.data.ocr_lines", str(folder), "--output", str(lines)]
        reading += ["--labels", str(folder / "labels.txt"), "--geometry", each.geometry, "--resume"]
        yield Part(tuple(reading), forms / f"{each.name}.read")
    vectors = ["-m", "beam_kie.training.line_vectors", "--output", str(work / "line_vectors.npz")]
    for name in ("zh", "ja", "en", "de", "fr", "es", "it", "pt"):
        vectors += ["--text", str(texts / f"{name}.txt.xz")]
    yield Part(tuple(vectors), work / "line_vectors.done")
    config, model = ["--config", str(SETTINGS)], str(work / "bundled_free" / "model")
    yield Part(("-m", "beam_kie.training", *config), work / "training.done")
    choosing = (
        "-m",
        "beam_kie.training.penalties",
        "--model",
        model,
        *config,
        "--from_zero",
        "--unknown_words",
        "--write",
    )
    yield Part(choosing, work / "penalties.done")
    calibrating = (
        "-m",
        "beam_kie.training.calibration",
        "--model",
        model,
        *config,
        "--unknown_words",
        "only",
        "--write",
    )
    yield Part(calibrating, work / "calibration.done")


def check_texts(folder: Path, wanted: Mapping[str, str] = TEXTS) -> None:
    """Whether the plain texts are those of the bundled weights.

    Args:
        folder: of the texts.
        wanted: names and SHA-256.

    Raises:
        MakingError: one is missing or another one.
    """
    for name, checksum in wanted.items():
        path = folder / name
        if not path.is_file():
            raise MakingError(
                f"--texts {folder}: {name} is missing; give the folder of the eight plain texts"
            )
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != checksum:
                raise MakingError(
                    f"--texts {folder}: {name} is not the text of the bundled weights; "
                    "with --other_texts it is used all the same"
                )


def make(texts: Path, work: Path, output: Path) -> None:
    """Runs what is not done yet, and copies the model.

    Args:
        texts: folder of the plain texts.
        work: folder of everything that is made, WORK in the settings.
        output: where the model folder goes.

    Raises:
        MakingError: a command failed.
    """
    environment = {**os.environ, "TEXTS": str(texts), "WORK": str(work)}
    for part in parts(texts, work):
        if part.done.is_file():
            continue
        print("python", *part.arguments, file=sys.stderr, flush=True)
        part.done.parent.mkdir(parents=True, exist_ok=True)
        ended = subprocess.run([sys.executable, *part.arguments], env=environment, check=False)
        if ended.returncode:
            raise MakingError(
                f"python {' '.join(part.arguments[:2])} failed; the same command goes on from there"
            )
        part.done.touch()
    output.mkdir(parents=True, exist_ok=True)
    for name in (*MODEL_FILES, "tokenizer.json", PROVENANCE):
        shutil.copyfile(work / "bundled_free" / "model" / name, output / name)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 0, or 2 after one line on stderr where something has to be changed.

    Args:
        argv: arguments; None: those of the process.
    """
    parser = argparse.ArgumentParser(
        "python -m beam_kie.training.making",
        description="Makes the model bundled-free again, from drawn forms and plain text.",
        allow_abbrev=False,
    )
    parser.add_argument("--texts", required=True, type=Path, metavar="FOLDER", help="the eight plain texts")
    parser.add_argument("--work", required=True, type=Path, metavar="FOLDER", help="where everything is made")
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="where the model goes")
    parser.add_argument(
        "--other_texts", action="store_true", help="use the texts whatever they are; other weights come out"
    )
    args = parser.parse_args(argv)
    try:
        if not args.other_texts:
            check_texts(args.texts)
        make(args.texts.resolve(), args.work.resolve(), args.output)
    except (MakingError, OSError) as error:
        print("error:", error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
