"""A labelled form, its picture, and models that know what to find on it."""

from PIL import Image, ImageDraw, ImageFont

from beam_kie.document import Entity, LineSpan, PageResult, Relation
from beam_kie.labelled.formats import LabelledEntry, LabelledPage


def entry(number, text, label, x, y, links=(), width=200, height=30):
    polygon = (x, y, x + width, y, x + width, y + height, x, y + height)
    return LabelledEntry(number, text, label, tuple(map(float, polygon)), tuple(links))


def page_of(name, *entries):
    return LabelledPage(name, 900, 900, entries)


FORM = LabelledPage(
    name="form.png",
    width_px=900,
    height_px=500,
    entries=(
        entry(9, "Registration", "HEADER", 300, 20),
        entry(5, "Lee Green", "ANSWER", 320, 100, [(5, 4)]),
        entry(4, "Name:", "QUESTION", 40, 100, [(4, 5)]),
        entry(6, "Hobbies:", "QUESTION", 40, 200, [(6, 7), (6, 8), (4, 6), (6, 2)]),
        entry(7, "Chess", "ANSWER", 320, 200, [(6, 7)]),
        entry(8, "Rowing", "ANSWER", 600, 200, [(6, 8)]),
        entry(2, "page one", "OTHER", 40, 450),
        entry(3, "  ", "ANSWER", 320, 300, [(6, 3)]),
    ),
)


class AnnotatedModel:
    """Answers what it was made with: entities of whole lines, relations by text. One token a character."""

    pictures = None

    def __init__(self, label_of_text, pairs):
        self.label_of_text = label_of_text
        self.pairs = pairs
        self.asked = []

    def predict(self, pages):
        return self._results(pages, [self._entities(page) for page in pages])

    def relate(self, pages, entities):
        self.asked.append([[entity.text for entity in given] for given in entities])
        return self._results(pages, entities)

    def _results(self, pages, entities):
        return [
            PageResult(page, tuple(given), tuple(self._relations(given)))
            for page, given in zip(pages, entities, strict=True)
        ]

    def token_predictions(self, pages):
        return [[self._tags(line.text) for line in page.lines] for page in pages]

    def _entities(self, page):
        return [
            Entity(label, line.text, line.polygon, 0.9, (LineSpan(index, 0, len(line.text)),))
            for index, line in enumerate(page.lines)
            if (label := self.label_of_text.get(line.text))
        ]

    def _relations(self, entities):
        for head, key in enumerate(entities):
            for tail, value in enumerate(entities):
                if (key.text, value.text) in self.pairs:
                    yield Relation(head, tail, 0.8)

    def _tags(self, text):
        label = self.label_of_text.get(text)
        return [f"{'I' if i else 'B'}-{label}" if label else "O" for i in range(len(text))]


LABELS = {
    "Registration": "HEADER",
    "Name:": "QUESTION",
    "Lee Green": "ANSWER",
    "Hobbies:": "QUESTION",
    "Chess": "ANSWER",
    "Rowing": "ANSWER",
}


PAIRS = {("Name:", "Lee Green"), ("Hobbies:", "Chess"), ("Hobbies:", "Rowing")}


def draw(page):
    picture = Image.new("RGB", (page.width_px, page.height_px), "white")
    pen = ImageDraw.Draw(picture)
    for item in page.entries:
        pen.text(item.polygon[:2], item.text, fill="black", font=ImageFont.load_default(28))
    return picture


class RuleModel(AnnotatedModel):
    """A line that ends with a colon is the key of all that follow it up to the next key."""

    def __init__(self):
        super().__init__({}, set())

    def predict(self, pages):
        return [self._page(page) for page in pages]

    def _page(self, page):
        entities, relations, key = [], [], None
        for index, line in enumerate(page.lines):
            label = "QUESTION" if line.text.rstrip().endswith(":") else "ANSWER"
            span = LineSpan(index, 0, len(line.text))
            entities.append(Entity(label, line.text, line.polygon, 1.0, (span,)))
            if label == "QUESTION":
                key = index
            elif key is not None:
                relations.append(Relation(key, index, 1.0))
        return PageResult(page, tuple(entities), tuple(relations))
