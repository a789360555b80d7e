"""The learned vocabulary."""

import pytest

from beam_kie.training.data.vocabulary import (
    VOCABULARY_FILE,
    learned_vocabulary,
    train_tokenizer,
)

TEXTS = ["姓名：张三 电话号码", "Name of the company", "Rechnungsnummer 2020-15", "公司名称 公司地址"] * 30


def test_full_width_case_and_digits():
    tokenizer = train_tokenizer(TEXTS, vocab_size=300)
    assert tokenizer.encode("Ｎａｍｅ：").ids == tokenizer.encode("name:").ids
    assert tokenizer.encode("2020").tokens == ["2", "0", "2", "0"]
    assert tokenizer.token_to_id("<pad>") == 0


def test_offsets_are_those_of_the_text_as_it_was():
    tokenizer = train_tokenizer(TEXTS, vocab_size=300)
    text = "公司　NAME"
    encoding = tokenizer.encode(text)
    assert "".join(text[start:end] for start, end in encoding.offsets) == "公司NAME"


def test_rare_characters_do_not_enter():
    tokenizer = train_tokenizer([*TEXTS, "龘"], vocab_size=300, characters=20)
    assert tokenizer.encode("龘").ids == [tokenizer.token_to_id("<unk>")]


def test_a_kept_vocabulary_is_the_one_that_was_learned(tmp_path):
    learned = learned_vocabulary(TEXTS, 300, tmp_path)
    learned.keep(tmp_path)
    kept = learned_vocabulary(iter(TEXTS), 300, tmp_path)
    assert kept.tokenizer is not learned.tokenizer
    assert kept.tokenizer.to_str() == learned.tokenizer.to_str(), "to the last digit of every score"
    others = [learned_vocabulary(TEXTS, 200, tmp_path), learned_vocabulary(TEXTS[1:], 300, tmp_path)]
    assert len({each.checksum for each in (learned, *others)}) == 3


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"learned_from": "CHECKSUM", "tokenizer": "{}"}'])
def test_a_damaged_vocabulary_is_learned_again(tmp_path, damage):
    learned = learned_vocabulary(TEXTS, 300, tmp_path)
    (tmp_path / VOCABULARY_FILE).write_text(damage.replace("CHECKSUM", learned.checksum))
    again = learned_vocabulary(TEXTS, 300, tmp_path).tokenizer
    assert set(again.get_vocab()) == set(learned.tokenizer.get_vocab())
