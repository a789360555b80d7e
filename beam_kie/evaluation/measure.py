"""SER, RE and pair scores of a model on labelled pages with gold lines.

A gold line is one entity or none, and the page says so (``PageText.whole_lines``): it labels lines, and
neither splits nor joins them. This does not hold for lines that OCR reads.

"As PaddleOCR measures it" means: only the first 512 tokens of a page count (the model's own tokens,
lines in reading order), SER is seqeval over raw token labels, RE takes the gold entities that lie
inside those tokens. PaddleOCR's cut leaves out an entity that ends exactly at the 512th token; so
does this one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from beam_kie.document import Entity, PageResult, PageText
from beam_kie.evaluation.metrics import Score, exact_score, seqeval_score
from beam_kie.labelled.gold import GoldPage

PADDLEOCR_TOKENS = 512
CHUNK_PAGES = 32

# An entity or a pair as the sets compare it: character spans without surrounding white space.
Place = tuple[tuple[int, int, int], ...]
Progress = Callable[[str, int, int], None]


class Model(Protocol):
    """The part of a model's interface that the evaluation uses; ``beam_kie.layoutxlm.model.KieModel`` has it.

    ``pictures`` says what thumbnail a page needs, None where the model is text-only.
    """

    pictures: str | None

    def predict(self, pages: Sequence[PageText]) -> list[PageResult]:
        """Entities and relations of every page.

        Args:
            pages: their lines, and their pictures where the model needs them.
        """
        ...

    def relate(self, pages: Sequence[PageText], entities: Sequence[Sequence[Entity]]) -> list[PageResult]:
        """Relations between the given entities of every page.

        Args:
            pages: their lines, and their pictures where the model needs them.
            entities: of every page.
        """
        ...

    def token_predictions(self, pages: Sequence[PageText]) -> list[list[list[str]]]:
        """The most likely label ("O", "B-X", "I-X") of every token, as [page][line][token].

        Args:
            pages: their lines, and their pictures where the model needs them.
        """
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one evaluation; ``pairs_from_image`` is None where no pictures were read."""

    documents: int
    ser: Score
    re: Score
    ser_paddleocr: Score
    re_paddleocr: Score
    pairs_gold_lines: Score
    ser_by_label: dict[str, Score]
    pairs_from_image: Score | None = None

    def as_dict(self) -> dict:
        """What ``--json`` prints: the scores as precision, recall and F1 in [0, 1], and ``documents``."""
        return {
            "ser": self.ser.as_dict(),
            "re": self.re.as_dict(),
            "ser_paddleocr": self.ser_paddleocr.as_dict(),
            "re_paddleocr": self.re_paddleocr.as_dict(),
            "pairs_gold_lines": self.pairs_gold_lines.as_dict(),
            "pairs_from_image": None if self.pairs_from_image is None else self.pairs_from_image.as_dict(),
            "documents": self.documents,
        }


@dataclass(frozen=True, slots=True)
class PageScores:
    """The scores of one page: the figures of ``Report`` before they are summed."""

    ser_by_label: dict[str, Score]
    re: Score
    ser_paddleocr: Score
    re_paddleocr: Score
    pairs_gold_lines: Score

    @property
    def ser(self) -> Score:
        """SER over all labels."""
        return sum(self.ser_by_label.values(), Score())


def no_progress(what: str, done: int, total: int) -> None:
    """Reports nothing; the default where a function takes ``progress(what, pages done, pages in all)``.

    Args:
        what: the name of the work.
        done: pages so far.
        total: pages in all.
    """


def evaluate(model: Model, gold: Sequence[GoldPage], progress: Progress = no_progress) -> Report:
    """SER, RE and pairs on gold lines; every figure is a micro average over the pages.

    Args:
        model: what is measured.
        gold: the pages, with the pictures that the model needs.
        progress: called with what is being done, pages done and pages in all.
    """
    by_label: defaultdict[str, Score] = defaultdict(Score)
    pages = measure_pages(model, gold, progress)
    for page in pages:
        for label, score in page.ser_by_label.items():
            by_label[label] += score
    return Report(
        documents=len(gold),
        ser=sum(by_label.values(), Score()),
        re=sum((page.re for page in pages), Score()),
        ser_paddleocr=sum((page.ser_paddleocr for page in pages), Score()),
        re_paddleocr=sum((page.re_paddleocr for page in pages), Score()),
        pairs_gold_lines=sum((page.pairs_gold_lines for page in pages), Score()),
        ser_by_label=dict(by_label),
    )


def measure_pages(
    model: Model, gold: Sequence[GoldPage], progress: Progress = no_progress
) -> list[PageScores]:
    """SER, RE and pairs on gold lines, page by page.

    Args:
        model: what is measured.
        gold: the pages, with the pictures that the model needs.
        progress: called with what is being done, pages done and pages in all.
    """
    found: list[PageScores] = []
    for chunk in chunks(gold):
        pages = [gold_page.page for gold_page in chunk]
        tags = model.token_predictions(pages)
        related = _relate(model, chunk)
        tokens = token_scores(tags, chunk)
        token_relations = first_tokens_relation_scores(model, chunk, tags, related)
        for place, (gold_page, result) in enumerate(zip(chunk, model.predict(pages), strict=True)):
            found.append(
                PageScores(
                    ser_by_label=entity_scores(result, gold_page),
                    re=relation_score(related[place], gold_page),
                    ser_paddleocr=tokens[place],
                    re_paddleocr=token_relations[place],
                    pairs_gold_lines=relation_score(result, gold_page),
                )
            )
        progress("gold lines", len(found), len(gold))
    return found


def chunks(pages: Sequence[GoldPage]) -> Iterator[Sequence[GoldPage]]:
    """Pages in portions that the model batches by itself and after which progress is reported.

    Args:
        pages: of any number.
    """
    for start in range(0, len(pages), CHUNK_PAGES):
        yield pages[start : start + CHUNK_PAGES]


def entity_scores(result: PageResult, gold: GoldPage) -> dict[str, Score]:
    """SER of one page by label: an entity is right where label and characters are those of a gold entity.

    Args:
        result: of the model, for a page.
        gold: the same page as it is labelled.
    """
    predicted, wanted = defaultdict(set), defaultdict(set)
    for entity in result.entities:
        predicted[entity.label].add(place(entity, gold.page))
    for entity in gold.entities:
        wanted[entity.label].add(place(entity, gold.page))
    return {label: exact_score(predicted[label], wanted[label]) for label in sorted({*predicted, *wanted})}


def relation_score(result: PageResult, gold: GoldPage) -> Score:
    """RE of one page: a pair is right where key and value are the characters of a linked gold pair.

    Args:
        result: of the model, for a page.
        gold: the same page as it is labelled.
    """
    return exact_score(
        _pair_places(result.entities, ((r.head, r.tail) for r in result.relations), gold.page),
        _pair_places(gold.entities, gold.pairs, gold.page),
    )


def token_scores(tags: Sequence[Sequence[Sequence[str]]], gold: Sequence[GoldPage]) -> list[Score]:
    """SER of every page as PaddleOCR measures it (ppocr/metrics/vqa_token_ser_metric.py), over its first 512
    tokens.

    Args:
        tags: of the tokens, as [page][line][token].
        gold: the pages, as labelled; every entity is one line.
    """
    scores = []
    for page_tags, gold_page in zip(tags, gold, strict=True):
        label_of_line = {entity.spans[0].line: entity.label for entity in gold_page.entities}
        predicted, wanted = [], []
        for line, line_tags in enumerate(page_tags):
            predicted += line_tags
            wanted += _gold_tags(label_of_line.get(line), len(line_tags))
        scores.append(seqeval_score([predicted[:PADDLEOCR_TOKENS]], [wanted[:PADDLEOCR_TOKENS]]))
    return scores


def first_tokens_relation_scores(
    model: Model,
    gold: Sequence[GoldPage],
    tags: Sequence[Sequence[Sequence[str]]],
    related: Sequence[PageResult],
) -> list[Score]:
    """RE of every page as PaddleOCR measures it (ppocr/metrics/vqa_token_re_metric.py): only entities wholly
    inside the first 512 tokens exist.

    Args:
        model: is run again only on pages that are longer than that.
        gold: the pages, as labelled; every entity is one line.
        tags: as of ``token_scores``; only their number counts.
        related: the relations between all gold entities of every page.
    """
    scores: list[Score] = []
    cut_pages: dict[int, GoldPage] = {}
    for place, (gold_page, page_tags, result) in enumerate(zip(gold, tags, related, strict=True)):
        cut = _first_tokens(gold_page, page_tags)
        if len(cut.entities) < len(gold_page.entities):
            cut_pages[place] = cut
        scores.append(relation_score(result, gold_page))
    of_cut = _relate(model, list(cut_pages.values()))
    for (place, cut), result in zip(cut_pages.items(), of_cut, strict=True):
        scores[place] = relation_score(result, cut)
    return scores


def place(entity: Entity, page: PageText) -> Place:
    """The characters of an entity as (line, start, end), without white space at the spans' ends.

    Args:
        entity: of the page.
        page: its lines.
    """
    places = []
    for span in entity.spans:
        text = page.lines[span.line].text[span.start : span.end]
        start = span.start + len(text) - len(text.lstrip())
        end = span.end - len(text) + len(text.rstrip())
        if start < end:
            places.append((span.line, start, end))
    return tuple(places)


def _pair_places(
    entities: Sequence[Entity], pairs: Iterable[tuple[int, int]], page: PageText
) -> set[tuple[Place, Place]]:
    return {(place(entities[key], page), place(entities[value], page)) for key, value in pairs}


def _relate(model: Model, gold: Sequence[GoldPage]) -> list[PageResult]:
    """Relations between the gold entities."""
    return model.relate([page.page for page in gold], [page.entities for page in gold]) if gold else []


def _gold_tags(label: str | None, tokens: int) -> list[str]:
    if label is None:
        return ["O"] * tokens
    return [f"B-{label}", *[f"I-{label}"] * (tokens - 1)][:tokens]


def _first_tokens(gold: GoldPage, page_tags: Sequence[Sequence[str]]) -> GoldPage:
    """The page with only the entities that end before token 512, and the pairs between them."""
    inside, end = set(), 0
    for line, line_tags in enumerate(page_tags):
        end += len(line_tags)
        if end < PADDLEOCR_TOKENS:
            inside.add(line)
    kept = [index for index, entity in enumerate(gold.entities) if entity.spans[0].line in inside]
    position = {index: new for new, index in enumerate(kept)}
    pairs = [(position[a], position[b]) for a, b in gold.pairs if a in position and b in position]
    return GoldPage(gold.name, gold.page, tuple(gold.entities[index] for index in kept), tuple(pairs))
