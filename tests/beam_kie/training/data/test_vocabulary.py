"""The learned vocabulary."""

from beam_kie.training.data.vocabulary import train_tokenizer

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
