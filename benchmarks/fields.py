"""How many fields of generated forms are found from their pictures, by language and by field.

    python benchmarks/fields.py [--pages 4] [--languages en de] [--kinds invoice delivery_note application]
        [--scan light] [--dpi 150] [--seed 5000] [--json]

Every page is generated, read by OCR and model as the job reads it, and searched with the ready-made field
file of its kind. What is true is known to the generator: which of its keys stands for what, and the value
beside it. Its keys come from its own vocabulary, not from the field files. A field counts where the page has
its key with a value. Keys with several values, such as those above a column of persons or line items, do not
count, but for fields of several lines (addresses).

- right: the value is the labelled one. Texts are compared without blanks, case and punctuation; dates and
  amounts as the tables read the labelled text.
- missing: there is no value.
- wrong: there is another value; of them doubtful: so many of those are in the column doubtful; of them sure:
  so many have a confidence above 0.7.
"""

from __future__ import annotations

import argparse
import json
import sys
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# Kind of form -> field -> names in the generator's vocabulary.
KNOWN = {
    "invoice": {
        "invoice_number": ("invoice_number",),
        "invoice_date": ("invoice_date",),
        "due_date": ("due_date",),
        "order_number": ("order_number",),
        "customer_number": ("customer_number",),
        "buyer": ("buyer",),
        "seller": ("seller",),
        "subtotal": ("subtotal",),
        "tax": ("vat",),
        "total": ("total",),
    },
    "delivery_note": {
        "delivery_note_number": ("number",),
        "delivery_date": ("delivery_date",),
        "order_number": ("order_number",),
        "customer_number": ("customer_number",),
        "receiver": ("receiver",),
        "sender": ("sender",),
    },
    "application": {
        "name": ("name",),
        "family_name": ("family_name",),
        "given_name": ("given_name",),
        "date_of_birth": ("birth_date",),
        "place_of_birth": ("birth_place",),
        "nationality": ("nationality",),
        "phone": ("phone",),
        "email": ("email",),
        "occupation": ("occupation",),
        "employer": ("employer",),
    },
}
RIGHT, MISSING, WRONG, DOUBTFUL, SURE = "right", "missing", "wrong", "doubtful", "sure"
SURE_ABOVE = 0.7


def main() -> int:
    arguments = parse_arguments()
    counts = measure(arguments)
    print(json.dumps(counts, indent=2, ensure_ascii=False) if arguments.json else table(counts))
    return 0


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pages", type=int, default=4, help="of each kind and language")
    parser.add_argument("--languages", nargs="+", default=["zh", "ja", "en", "de", "fr", "es", "pt", "it"])
    parser.add_argument("--kinds", nargs="+", default=list(KNOWN), choices=KNOWN)
    parser.add_argument("--scan", default="light", choices=("none", "light", "heavy"))
    parser.add_argument("--dpi", type=float, default=150)
    parser.add_argument("--seed", type=int, default=5000, help="of the first page")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    return parser.parse_args(argv)


def measure(arguments: argparse.Namespace) -> dict[str, dict[str, Counter[str]]]:
    """Counts by "language", "kind" and "field", each by name."""
    from beam_kie.fields.files import ready_made
    from beam_kie.forms import generate_form

    counts: dict[str, dict[str, Counter[str]]] = {
        part: defaultdict(Counter) for part in ("language", "kind", "field")
    }
    for kind in arguments.kinds:
        file = ready_made(kind)
        for language in arguments.languages:
            for number in range(arguments.pages):
                seed = arguments.seed + number
                form = generate_form(language, seed, kind, dpi=arguments.dpi, scan=arguments.scan)
                found = find(form.image, file)
                for name, expected in truth(form.layout, language, kind, file).items():
                    outcome = judge(found[name], expected)
                    names = {"language": language, "kind": kind, "field": f"{kind}.{name}"}
                    for part, group in names.items():
                        counts[part][group][outcome] += 1
                        if outcome == WRONG:
                            counts[part][group][DOUBTFUL] += found[name].doubt is not None
                            counts[part][group][SURE] += found[name].confidence > SURE_ABOVE
    return counts


def find(image: Any, file: Any) -> dict[str, Any]:
    """What is found of each field on one picture."""
    from beam_kie import read
    from beam_kie.fields.candidates import PageReader
    from beam_kie.fields.choosing import choose_all

    (page,) = read(image, name="page").pages
    candidates = PageReader(file).candidates(page.tables["key_values"], page.tables["entities"])
    return {chosen.field.name: chosen for chosen in choose_all(file, [candidates], 1)}


def truth(layout: Any, language: str, kind: str, file: Any) -> dict[str, set[str]]:
    """The labelled values of each field whose key is on the page; several where the key is there twice."""
    from beam_kie.forms import vocabulary

    words = vocabulary.load(language)
    entries = {entry.id: entry for entry in layout.entries}
    values: dict[str, list[list[str]]] = defaultdict(list)
    for entry in layout.entries:
        linked = [entries[value].text for key, value in entry.linking if key == entry.id]
        if linked:
            values[plain(entry.text)].append(linked)
    multiline = {field.name for field in file.fields if field.multiline}
    found: dict[str, set[str]] = {}
    for field, names in KNOWN[kind].items():
        keys = {plain(word) for name in names for word in words.words("keys", name)}
        linked = [texts for key in keys for texts in values.get(key, ())]
        expected = {" ".join(texts) for texts in linked if len(texts) == 1 or field in multiline}
        if expected:
            found[field] = expected
    return found


def judge(chosen: Any, expected: set[str]) -> str:
    """Whether a field is right, missing or wrong."""
    from beam_kie.fields.values import read_value
    from beam_kie.tables.conventions import UNKNOWN
    from beam_kie.tables.rows import text_columns

    if not chosen.values:
        return MISSING
    value = chosen.values[0]
    if isinstance(value, str):
        return RIGHT if plain(value) in {plain(text) for text in expected} else WRONG
    readings = [read_value(chosen.field, text_columns("", text, UNKNOWN)) for text in expected]
    same = value in [reading.value for reading in readings if reading is not None]
    # Where the labelled text alone has no reading, the page decided: then its text counts.
    text = chosen.sources[0].text or ""
    return RIGHT if same or plain(text) in {plain(each) for each in expected} else WRONG


def plain(text: str) -> str:
    """A text without what OCR and labels need not agree on."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum())


def table(counts: dict[str, dict[str, Counter[str]]]) -> str:
    lines = []
    for part, groups in counts.items():
        lines.append(f"| {part} | fields | right | missing | wrong | of them doubtful | of them sure |")
        lines.append("|---|---|---|---|---|---|---|")
        total: Counter[str] = sum(groups.values(), Counter())
        for name, count in [*groups.items(), ("all", total)]:
            fields = count[RIGHT] + count[MISSING] + count[WRONG]
            shares = (f"{count[outcome] / max(1, fields):.0%}" for outcome in (RIGHT, MISSING, WRONG))
            lines.append(
                f"| {name} | {fields} | {' | '.join(shares)} "
                f"| {count[DOUBTFUL]} of {count[WRONG]} | {count[SURE]} of {count[WRONG]} |"
            )
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
