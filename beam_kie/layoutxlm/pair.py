"""Two checkpoints instead of one: the first finds entities, the second relates them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from beam_kie.document import Entity, PageResult, PageText
from beam_kie.layoutxlm.decoding.keyless import with_keyless
from beam_kie.layoutxlm.decoding.straight import as_pictured
from beam_kie.layoutxlm.folders import check_models
from beam_kie.layoutxlm.inputs.straight import straight_page
from beam_kie.layoutxlm.model import DEFAULT_BATCH_TOKENS, KieModel


class KiePair:
    """An SER model and an RE model, each with an encoder of its own, as PaddleOCR publishes them.

    Used like a KieModel; ``config`` is that of the RE model, ``name`` and ``revision`` are both models',
    joined by "+".

    Args:
        ser: finds the entities.
        re: relates them.

    Raises:
        ModelError: the two do not go together.
    """

    def __init__(self, ser: KieModel, re: KieModel):
        self.pictures = check_models(ser.config, re.config)
        self.ser, self.re = ser, re
        self.config = re.config
        self.name = f"{ser.name}+{re.name}"
        self.revision = f"{ser.revision}+{re.revision}"
        self.labels = ser.labels
        self.device = ser.device
        self.size_bytes = ser.size_bytes + re.size_bytes

    def predict(self, pages: Sequence[PageText]) -> list[PageResult]:
        """Entities (in reading order) and relations of every page, in the order of the pages.

        Args:
            pages: their lines, and their pictures where ``pictures`` asks for them.
        """
        straight = [straight_page(page) for page in pages]
        results = self.relate(straight, self.ser.find_entities(straight))
        return [as_pictured(result, page) for result, page in zip(results, pages, strict=True)]

    def relate(self, pages: Sequence[PageText], entities: Sequence[Sequence[Entity]]) -> list[PageResult]:
        """Relations between given entities.

        Args:
            pages: as of ``predict``.
            entities: of every page, in reading order.
        """
        labels = self.ser.config.keyless_labels
        return [with_keyless(result, labels) for result in self.re.relate(pages, entities)]

    def token_predictions(self, pages: Sequence[PageText]) -> list[list[list[str]]]:
        """For every page and line the tag of each token by itself.

        Args:
            pages: as of ``predict``.
        """
        return self.ser.token_predictions(pages)

    def count_tokens(self, page: PageText) -> int:
        """How many tokens the page has: its weight in a batch.

        Args:
            page: its lines.
        """
        return self.ser.count_tokens(page)


def load_kie(
    folder: str | Path,
    re_folder: str | Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    max_batch_tokens: int = DEFAULT_BATCH_TOKENS,
) -> KieModel | KiePair:
    """The model of one folder, or the pair of an SER and an RE folder.

    Args:
        folder: a model folder that finds entities.
        re_folder: one that finds relations; None or the same folder: one joint model, whose encoder runs once
            a page.
        device: "auto", "cpu" or "cuda".
        dtype: "auto", "float32" or "bfloat16".
        max_batch_tokens: tokens of a batch, padding included.

    Raises:
        ModelError: where a folder cannot be loaded, or the two do not go together.
    """
    options = {"device": device, "dtype": dtype, "max_batch_tokens": max_batch_tokens}
    if re_folder is None or Path(re_folder).resolve() == Path(folder).resolve():
        model = KieModel.load(folder, **options)
        check_models(model.config)
        return model
    return KiePair(KieModel.load(folder, **options), KieModel.load(re_folder, **options))
