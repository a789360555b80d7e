"""Vocabularies of networks: learned from plain text, kept for a resumed run, compared, and written into model
folders."""

from __future__ import annotations

import hashlib
import json
import lzma
import re
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from beam_kie.layoutxlm.inputs.tokenizer import (
    SENTENCEPIECE_FILE,
    TOKENIZER_FILE,
    PageTokenizer,
    XlmRobertaTokenizer,
)

SPECIAL_TOKENS = ("<pad>", "<unk>", "<mask>")
VOCABULARY_FILE = "vocabulary.json"
"""The learned vocabulary in the folder of a run, with the checksum of what it was learned from."""


class LearnedVocabulary(NamedTuple):
    """A tokenizer, how it is written, and the checksum of the texts and the size that it was learned with."""

    tokenizer: Tokenizer
    written: str
    checksum: str

    def keep(self, folder: Path) -> None:
        """Writes it for ``learned_vocabulary``.

        Args:
            folder: of the run; made if it is not there.
        """
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{VOCABULARY_FILE}.part"
        part.write_text(json.dumps({"learned_from": self.checksum, "tokenizer": self.written}), "utf-8")
        part.replace(folder / VOCABULARY_FILE)


def learned_vocabulary(texts: Iterable[str], vocab_size: int, folder: Path) -> LearnedVocabulary:
    """The vocabulary of a run: the one that an interrupted command kept, where that was learned from the same
    texts, else one that is learned now.

    A vocabulary that is learned again is not quite the same: several threads make its sums, so that scores
    have other last digits, and tokens that are equally frequent may change places.

    Args:
        texts: as of ``train_tokenizer``.
        vocab_size: as of ``train_tokenizer``.
        folder: of the run.
    """
    texts = list(texts)
    digest = hashlib.sha256(f"{vocab_size}\n".encode())
    for text in texts:
        digest.update(f"{text}\n".encode())
    checksum = digest.hexdigest()
    kept = _kept(folder, checksum)
    if kept is not None:
        return kept
    # The library reads scores with other last digits than it writes: both commands use what was written.
    written = train_tokenizer(texts, vocab_size).to_str()
    return LearnedVocabulary(Tokenizer.from_str(written), written, checksum)


def _kept(folder: Path, checksum: str) -> LearnedVocabulary | None:
    try:
        values = json.loads((folder / VOCABULARY_FILE).read_text("utf-8"))
        if values["learned_from"] != checksum:
            return None
        written = values["tokenizer"]
        return LearnedVocabulary(Tokenizer.from_str(written), written, checksum)
    except Exception:  # no file, or a damaged one, of which tokenizers says nothing more special
        return None


def train_tokenizer(texts: Iterable[str], vocab_size: int = 12000, characters: int = 5000) -> Tokenizer:
    """A unigram tokenizer over NFKC, case-folded text with every digit a token of its own.

    Only the ``characters`` most frequent characters enter the vocabulary: a unigram model keeps every
    character that it has seen, and the rare ideographs would leave no room for words.

    Args:
        texts: that it is trained on.
        vocab_size: tokens, special ones included.
        characters: how many different ones are kept, the most frequent.
    """
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"[_.…·—-]{3,}"), "..."),  # form fillers: blanks to write on
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.Punctuation("isolated"),
            pre_tokenizers.UnicodeScripts(),
        ]
    )
    tokenizer.decoder = decoders.Fuse()
    texts = [tokenizer.normalizer.normalize_str(text) for text in texts]
    counts = Counter(char for text in texts for char in text)
    keep = {char for char, _ in counts.most_common(characters)}
    trainer = trainers.UnigramTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        unk_token="<unk>",
        max_piece_length=12,
        show_progress=False,
    )
    known = ("".join(char if char in keep else " " for char in text) for text in texts)
    tokenizer.train_from_iterator(known, trainer)
    return tokenizer


def mask_id(tokenizer: PageTokenizer) -> int | None:
    """The id of the token that stands for a masked one; None: there is none.

    Args:
        tokenizer: of a network.
    """
    if isinstance(tokenizer, XlmRobertaTokenizer):
        return tokenizer.get_vocab_size() - 1
    return tokenizer.token_to_id("<mask>") if isinstance(tokenizer, Tokenizer) else None


def same_vocabulary(one: PageTokenizer, other: PageTokenizer) -> bool:
    """Whether two tokenizers have the same tokens with the same ids.

    Args:
        one: a tokenizer.
        other: another one.
    """
    if isinstance(one, XlmRobertaTokenizer) and isinstance(other, XlmRobertaTokenizer):
        return one.serialized() == other.serialized()
    if isinstance(one, Tokenizer) and isinstance(other, Tokenizer):
        return one.get_vocab() == other.get_vocab()
    return False


def save_tokenizer(tokenizer: PageTokenizer, folder: Path) -> None:
    """Writes a tokenizer into a model folder.

    Args:
        tokenizer: of the model.
        folder: of the model.
    """
    if isinstance(tokenizer, XlmRobertaTokenizer):
        (folder / SENTENCEPIECE_FILE).write_bytes(tokenizer.serialized())
    elif isinstance(tokenizer, Tokenizer):
        tokenizer.save(str(folder / TOKENIZER_FILE))


def read_text(path: str) -> list[str]:
    """The non-empty lines of a text file, packed with xz or not.

    Args:
        path: of a UTF-8 file, compressed with xz where it ends in ".xz".
    """
    data = Path(path).read_bytes()
    text = (lzma.decompress(data) if path.endswith(".xz") else data).decode("utf-8")
    return [line.strip() for line in text.splitlines() if line.strip()]


def language_of_text(path: str, known: Collection[str]) -> str:
    """The language code that the name of a text file begins with, as de.txt.xz does.

    Args:
        path: of the file.
        known: the codes that it may be.

    Raises:
        ValueError: it is none of these.
    """
    language = re.split(r"[^a-z]", Path(path).name)[0]
    if language not in known:
        raise ValueError(f"--text {path}: its name must begin with one of {', '.join(sorted(known))}")
    return language
