"""Vocabularies of networks: learned from plain text, compared, and written into model folders."""

from __future__ import annotations

import lzma
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from beam_kie.layoutxlm.inputs.tokenizer import (
    SENTENCEPIECE_FILE,
    TOKENIZER_FILE,
    PageTokenizer,
    XlmRobertaTokenizer,
)

SPECIAL_TOKENS = ("<pad>", "<unk>", "<mask>")


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
