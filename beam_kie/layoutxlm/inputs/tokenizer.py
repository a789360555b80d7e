"""Text lines to token ids with character offsets.

Two kinds of vocabulary files are supported: ``tokenizer.json`` (the tokenizers library; the bundled model)
and ``sentencepiece.bpe.model`` (XLM-R's, as published with LayoutXLM), read by sentencepiece itself: its NFKC
is compiled into the file, and conversions lose it, so that a full-width colon becomes unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import sentencepiece
from tokenizers import Tokenizer

from beam_kie.layoutxlm.file_limits import ModelFileError, check_tokenizer

SENTENCEPIECE_FILE = "sentencepiece.bpe.model"
TOKENIZER_FILE = "tokenizer.json"
WORD_START = "▁"


class TokenizerError(ValueError):
    """A vocabulary that cannot be read; the message names the file."""


class LineTokens(NamedTuple):
    """The tokens of one line: T ids and T (start, end) characters of the line, end exclusive."""

    ids: list[int]
    offsets: list[tuple[int, int]]


class PageTokenizer(Protocol):
    """What this project asks of a tokenizer; ``tokenizers.Tokenizer`` has it."""

    def encode_batch(self, input: Sequence[str], *, add_special_tokens: bool = False) -> Sequence[Any]:
        """For every line an object with ``ids`` and ``offsets`` as in LineTokens.

        Args:
            input: the texts of lines.
            add_special_tokens: always False here.
        """
        ...

    def get_vocab_size(self) -> int:
        """How many ids there are; every id is smaller."""
        ...


class XlmRobertaTokenizer:
    """XLM-R's sentencepiece with fairseq's ids: <s> 0, <pad> 1, </s> 2, <unk> 3, the pieces, <mask> last.

    Args:
        path: of the sentencepiece model.

    Raises:
        TokenizerError: the file is no sentencepiece model of that kind.
    """

    UNKNOWN = 3
    SHIFT = 1  # fairseq's four special ids stand where sentencepiece has three

    def __init__(self, path: str | Path):
        self._processor = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.Load(str(path))
        except (OSError, RuntimeError, ValueError) as error:
            raise TokenizerError(f"{path}: cannot be read as a sentencepiece model") from error
        first = [self._processor.IdToPiece(i) for i in range(min(3, self._processor.GetPieceSize()))]
        if first != ["<unk>", "<s>", "</s>"]:
            raise TokenizerError(f"{path}: begins with {first}, not with <unk>, <s>, </s> as XLM-R's does")

    def encode_batch(self, input: Sequence[str], *, add_special_tokens: bool = False) -> list[LineTokens]:
        """Tokens of every line by itself. Special tokens belong to windows, not to lines: none is added.

        Args:
            input: the texts of lines.
            add_special_tokens: must be False.

        Raises:
            ValueError: special tokens are asked for.
        """
        if add_special_tokens:
            raise ValueError("special tokens are added to windows, by the features")
        found = self._processor.Encode(list(input), return_type="offset_mapping", num_threads=1)
        return [self._line(line["ids"], line["pieces"], line["offsets"]) for line in found]

    def get_vocab_size(self) -> int:
        """Pieces, <pad> and <mask>: 250,002 for XLM-R's own file."""
        return self._processor.GetPieceSize() + 2

    def serialized(self) -> bytes:
        """The content of a file that makes the same tokenizer."""
        return self._processor.serialized_model_proto()

    def _line(self, ids: list[int], pieces: list[str], offsets: list[tuple[int, int]]) -> LineTokens:
        shifted = [piece + self.SHIFT if piece else self.UNKNOWN for piece in ids]
        # Normalisation makes several pieces of one character ("㈱" is "(", "株", ")"): sentencepiece
        # gives it to the last of them, but each stands for it. The mark of a word's start has no text.
        spans = list(offsets)
        for index in range(len(spans) - 2, -1, -1):
            (start, end), (next_start, next_end) = spans[index], spans[index + 1]
            if start == end == next_start and pieces[index] != WORD_START:
                spans[index] = (start, next_end)
        return LineTokens(shifted, spans)


def load_tokenizer(folder: str | Path) -> PageTokenizer:
    """The tokenizer of a model folder.

    Args:
        folder: of the model.

    Raises:
        TokenizerError: the file is missing, or cannot be used.
    """
    folder = Path(folder)
    if (folder / SENTENCEPIECE_FILE).is_file():
        return XlmRobertaTokenizer(folder / SENTENCEPIECE_FILE)
    if not (folder / TOKENIZER_FILE).is_file():
        raise TokenizerError(f"{folder}: holds neither {SENTENCEPIECE_FILE} nor {TOKENIZER_FILE}")
    return read_tokenizer(folder / TOKENIZER_FILE)


def read_tokenizer(path: str | Path) -> PageTokenizer:
    """The tokenizer in a file.

    Args:
        path: of a sentencepiece model (``*.model``), or of a file of the tokenizers library (``*.json``).

    Raises:
        TokenizerError: the file is missing, or cannot be used.
    """
    path = Path(path)
    if not path.is_file():
        raise TokenizerError(f"{path}: no such file")
    if path.suffix == ".model":
        return XlmRobertaTokenizer(path)
    try:
        check_tokenizer(path)
        tokenizer = Tokenizer.from_file(str(path))
    except ModelFileError as error:
        raise TokenizerError(str(error)) from error
    except Exception as error:  # tokenizers raises Exception itself
        raise TokenizerError(f"{path}: cannot be read as a tokenizer: {error}") from error
    # Text on a page that reads "<mask>" is text.
    tokenizer.encode_special_tokens = True
    return tokenizer
