"""Command line of the form generator: ``python -m beam_kie.forms --help``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from beam_kie.forms import KINDS, LANGUAGES, domain_names, generate_form
from beam_kie.forms.domain_layouts import PREFIX
from beam_kie.forms.photo import PHOTO
from beam_kie.forms.samples import write_samples
from beam_kie.forms.scan import STRENGTHS
from beam_kie.labelled.formats import write_paddleocr
from beam_kie.program import add_version


def main(argv: Sequence[str] | None = None) -> int:
    """Writes forms, or the sample set; 0 when done, 2 for impossible arguments.

    Args:
        argv: arguments; None: those of the process.
    """
    parser = _parser()
    add_version(parser)
    args = parser.parse_args(argv)
    if args.samples:
        write_samples(args.samples)
        return 0
    if not args.output:
        parser.error("say where to write: --output DIR (or --samples DIR for the sample set)")
    _check_domain(parser, args)
    _write_forms(args)
    return 0


def _write_forms(args: argparse.Namespace) -> None:
    folder = Path(args.output)
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for index in range(args.count):
        language = args.languages[index % len(args.languages)]
        seed = args.seed + index
        form = generate_form(
            language,
            seed,
            args.kind,
            dpi=args.dpi,
            scan=args.scan,
            labels=args.labels,
            noto_only=args.noto_only,
        )
        name = f"{language}_{form.layout.kind.replace(':', '_')}_{seed:06d}.jpg"
        form.image.save(folder / name, quality=85, dpi=(args.dpi, args.dpi))
        pages.append(form.labelled_page(name))
    write_paddleocr(folder / "labels.txt", pages)
    print(f"{len(pages)} forms and labels.txt in {folder}")


def _check_domain(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Ends with 2 where a language does not have the domain asked for."""
    prefix, _, domain = (args.kind or "").partition(":")
    if prefix != PREFIX:
        return
    for language in args.languages:
        names = domain_names(language)
        if not names:
            parser.error(f"--kind {args.kind}: no domains for language {language!r}, say other --languages")
        if domain and domain not in names:
            parser.error(f"--kind {args.kind}: for {language!r} expected one of {', '.join(names)}")


def _kind(text: str) -> str:
    if text not in KINDS and text.partition(":")[0] != PREFIX:
        kinds = ", ".join((*KINDS, PREFIX, f"{PREFIX}:NAME"))
        raise argparse.ArgumentTypeError(f"expected one of {kinds}, got {text!r}")
    return text


def _languages(text: str) -> tuple[str, ...]:
    languages = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [language for language in languages if language not in LANGUAGES]
    if unknown or not languages:
        raise argparse.ArgumentTypeError(f"expected some of {','.join(LANGUAGES)}, got {text!r}")
    return languages


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m beam_kie.forms",
        description="Makes realistic labelled forms: JPEG pictures and labels.txt in PaddleOCR's format.",
        allow_abbrev=False,
    )
    parser.add_argument("--output", metavar="DIR", help="where the forms go; made if needed")
    parser.add_argument("--samples", metavar="DIR", help="write the project's sample set there instead")
    parser.add_argument("--count", type=_positive, default=10, help="how many forms (default 10)")
    parser.add_argument(
        "--languages",
        type=_languages,
        default=LANGUAGES,
        metavar="CODES",
        help=f"languages in turn, comma-separated, of {','.join(LANGUAGES)} (default: all)",
    )
    parser.add_argument(
        "--kind",
        type=_kind,
        help=f"one kind of form: {', '.join(KINDS)}, {PREFIX} for any domain or {PREFIX}:NAME for one"
        " (default: any kind, no domains)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the first form (default 0)")
    parser.add_argument(
        "--scan", choices=(*STRENGTHS, PHOTO), default="light", help="scan effects (default light)"
    )
    parser.add_argument("--dpi", type=_positive, default=150, help="pixels per inch (default 150)")
    parser.add_argument(
        "--labels",
        choices=("xfund", "funsd"),
        help="annotation style (default: FUNSD's for most English forms, XFUND's for all others)",
    )
    parser.add_argument(
        "--noto_only",
        action="store_true",
        help="one face only, so that every machine makes the same forms",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
