"""Learns the sub-word vocabulary of a small model from plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

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
