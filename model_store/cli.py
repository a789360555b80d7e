"""The commands of ``beam-kie-models`` (``python -m model_store``)."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from beam_kie.program import add_version, program_name
from model_store.cache import ENVIRONMENT, Cache
from model_store.errors import ModelNotFoundError, SourceError, StoreError
from model_store.model_card import LAYOUTXLM_LICENCE, changed_files
from model_store.references import KINDS, bundled, manifest, parse, resolve

OK, FAILED, UNUSABLE = 0, 1, 2
_EPILOG = f"""A reference is {KINDS}.
Exit codes: 0 done; 1 not there, not fetched, or damaged; 2 wrong arguments, or files that cannot be used.
The cache is ${ENVIRONMENT}, by default ~/.cache/beam-kie."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; errors are one line on standard error.

    Args:
        argv: arguments; None: those of the process.

    Returns:
        0, FAILED or UNUSABLE.
    """
    args = _parser().parse_args(argv)
    try:
        return args.command(args)
    except SourceError as error:
        print(f"error: {_one_line(error)}", file=sys.stderr)
        return UNUSABLE
    except (StoreError, OSError) as error:
        print(f"error: {_one_line(error)}", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program_name("python -m model_store", "models"),
        description="Models for the job: fetch, check and convert them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_version(parser)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, help: str, command) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
        added.set_defaults(command=command)
        return added

    command = add("import", "Convert a Hugging Face or PaddleOCR checkpoint into a model folder.", _import)
    command.add_argument("source", help="a folder, a tar archive, or a .pdparams, .bin, .safetensors file")
    command.add_argument(
        "destination", metavar="dest", type=Path, help="the folder to make; it must not exist"
    )
    command.add_argument("--config", type=Path, metavar="FILE", help="the source's config, if not beside it")
    _add_import_options(command)

    command = add("export", "Write a model for transformers, or as ONNX graphs.", _export)
    command.add_argument("reference", metavar="model", help='a model folder, or "bundled"')
    command.add_argument(
        "destination", metavar="dest", type=Path, help="the folder to make; it must not exist"
    )
    command.add_argument("--format", required=True, choices=("huggingface", "onnx"), help="what to write")

    command = add(
        "import-config", "Turn a training configuration of PaddleOCR (YAML) into settings.", _import_config
    )
    command.add_argument("source", metavar="FILE.yml", type=Path, help="of a LayoutXLM for SER or RE")
    command.add_argument(
        "--output", type=Path, metavar="FILE", help="settings to write; default: standard output"
    )
    command.add_argument(
        "--root",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="the folder that paths in the file are relative to; default: the current one",
    )

    command = add("fetch", "Bring a model from elsewhere into the cache and print its folder.", _fetch)
    command.add_argument("reference", help=KINDS)
    _add_import_options(command)

    command = add("verify", "Check a model's files: checksums, and that the network loads.", _verify)
    command.add_argument("reference", nargs="?", help="default: every model in the cache")
    add("list", "List the models that are known and those that are here.", _list)
    command = add("path", "Print a model's folder; nothing is fetched.", _path)
    command.add_argument("reference", help=KINDS)
    return parser


def _add_import_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tokenizer",
        type=Path,
        metavar="FILE",
        help="XLM-R's sentencepiece.bpe.model, if the source has none",
    )
    command.add_argument(
        "--classes",
        metavar="FILE|LIST",
        help="PaddleOCR's class list, one label a line, or O,B-X,I-X,... in the classifier's order",
    )
    command.add_argument(
        "--name", help="the model's name in results; default: that of the folder or reference"
    )
    command.add_argument(
        "--licence", default=LAYOUTXLM_LICENCE, help="the licence that the model card states"
    )


def _import(args: argparse.Namespace) -> int:
    from model_store.importing import import_model

    print(import_model(args.source, args.destination, _options(args, config=args.config)))
    return OK


def _export(args: argparse.Namespace) -> int:
    from model_store.exporting import export_model

    export_model(Path(resolve(args.reference)), args.destination, args.format)
    print(args.destination)
    return OK


def _import_config(args: argparse.Namespace) -> int:
    from model_store.paddle_settings import convert_config

    folder = args.output.parent if args.output else Path()
    settings, notes = convert_config(args.source, folder, args.root)
    print(*notes, sep="\n", file=sys.stderr)
    text = json.dumps(settings, indent=2, ensure_ascii=False) + "\n"
    if args.output:
        args.output.write_text(text, "utf-8")
    print(args.output or text)
    return OK


def _fetch(args: argparse.Namespace) -> int:
    remote = parse(args.reference)
    if remote is None:
        print(resolve(args.reference))
        return OK
    from model_store.fetching import fetch

    print(fetch(remote, Cache(), _options(args)))
    return OK


def _options(args: argparse.Namespace, **others):
    from model_store.importing import ImportOptions

    return ImportOptions(
        tokenizer=args.tokenizer, classes=args.classes, name=args.name, licence=args.licence, **others
    )


def _verify(args: argparse.Namespace) -> int:
    references = [args.reference] if args.reference else [record.reference for record in Cache().records()]
    if not references:
        print("the cache is empty", file=sys.stderr)
    return max((_verify_one(reference) for reference in references), default=OK)


def _verify_one(reference: str) -> int:
    from model_store.importing import check_model

    remote, cache = parse(reference), Cache()
    if remote is None:
        folder = resolve(reference)
        damaged = changed_files(folder)
    else:
        record = cache.record(remote.reference)
        if record is None:
            raise ModelNotFoundError(f"{reference}: not in the cache {cache.root}")
        folder, damaged = cache.folder(record), cache.damaged(record)
    if damaged:
        print(f"{reference}: damaged: {', '.join(damaged)} in {folder}; remove it and get it again")
        return FAILED
    try:
        check_model(folder)
    except SourceError as error:
        print(f"{reference}: {_one_line(error)}")
        return FAILED
    print(f"{reference}: good")
    return OK


def _list(_args: argparse.Namespace) -> int:
    cache = Cache()
    here = {record.reference: record for record in cache.records()}
    rows = [
        (name, "here" if (folder / "config.json").is_file() else "missing", "part of this project")
        for name, folder in bundled().items()
    ]
    for name, facts in manifest()["paddle"].items():
        rows.append((f"paddle:{name}", _state(cache, f"paddle:{name}"), facts["task"]))
    known = {row[0] for row in rows}
    rows += [(name, _state(cache, name), "") for name in here if name not in known]
    width = max(len(row[0]) for row in rows)
    for name, state, text in rows:
        print(f"{name:<{width}}  {state:<9}  {text}".rstrip())
    return OK


def _state(cache: Cache, reference: str) -> str:
    folder = cache.model(reference)
    if folder is None:
        return "elsewhere"
    return f"{sum(path.stat().st_size for path in folder.iterdir()) / 1e6:.0f} MB"


def _path(args: argparse.Namespace) -> int:
    remote = parse(args.reference)
    folder = resolve(args.reference) if remote is None else Cache().model(remote.reference)
    if folder is None:
        raise ModelNotFoundError(f"{args.reference}: not in the cache; fetch it first")
    print(os.fspath(folder))
    return OK


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
