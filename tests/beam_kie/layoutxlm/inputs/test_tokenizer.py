import json

import pytest
import sentencepiece
from tokenizers import Tokenizer

from beam_kie.layoutxlm.inputs.tokenizer import (
    SENTENCEPIECE_FILE,
    TokenizerError,
    XlmRobertaTokenizer,
    load_tokenizer,
)
from tests.small_networks import character_tokenizer

TEXT = "姓名 Name 出生日期 Date of birth ㈱ 株式会社 12 345 : ( ) abc def ghi jkl mno pqr stu vwx yz 三 四"


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    """A small vocabulary of the kind that XLM-R's is."""
    folder = tmp_path_factory.mktemp("vocabulary")
    (folder / "text.txt").write_text("\n".join([TEXT] * 20), "utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text.txt"),
        model_prefix=str(folder / "small"),
        vocab_size=110,
        character_coverage=1.0,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return folder / "small.model"


@pytest.fixture(scope="module")
def tokenizer(model_file):
    return XlmRobertaTokenizer(model_file)


def texts(tokenizer, line):
    (tokens,) = tokenizer.encode_batch([line])
    return [line[start:end] for start, end in tokens.offsets]


def test_ids_are_sentencepiece_ids_shifted_by_one_and_unknown_is_three(tokenizer, model_file):
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model_file))
    line = "Name: 三 \U00013000 abc"
    (tokens,) = tokenizer.encode_batch([line])
    plain = processor.encode(line)
    assert 0 in plain
    assert tokens.ids == [piece + 1 if piece else 3 for piece in plain]
    assert tokenizer.get_vocab_size() == processor.get_piece_size() + 2


def test_full_width_text_is_the_same_to_the_model_but_keeps_its_own_characters(tokenizer):
    wide, narrow = tokenizer.encode_batch(["Ｎａｍｅ：１２", "Name:12"])
    assert wide.ids == narrow.ids
    assert 3 not in wide.ids
    assert wide.offsets == narrow.offsets
    assert "".join(texts(tokenizer, "Ｎａｍｅ：１２")) == "Ｎａｍｅ：１２"


def test_pieces_of_one_character_all_stand_for_it(tokenizer):
    pieces = texts(tokenizer, "abc㈱def")
    assert pieces.count("㈱") >= 3  # (, 株, )
    assert "".join(dict.fromkeys(pieces)) == "abc㈱def"


def test_offsets_cover_every_visible_character_in_order(tokenizer):
    for line in (
        "  Name  Date ",
        "出生日期：三",
        "a\u3000b",
        "①②③",
        "ﬁ ﬃ",
        "e\u0301a",
        "\U0001f600 abc",
        "½",
    ):
        (tokens,) = tokenizer.encode_batch([line])
        covered = {i for start, end in tokens.offsets for i in range(start, end)}
        assert {i for i, character in enumerate(line) if not character.isspace()} <= covered
        assert all(0 <= start <= end <= len(line) for start, end in tokens.offsets)
        assert [start for start, _ in tokens.offsets] == sorted(start for start, _ in tokens.offsets)


def test_blank_lines_have_no_tokens_and_shift_nothing(tokenizer):
    lines = ["Name", "", "   ", "\u3000", "Date"]
    found = tokenizer.encode_batch(lines)
    assert [bool(tokens.ids) for tokens in found] == [True, False, False, False, True]
    assert found[4] == tokenizer.encode_batch(["Date"])[0]
    assert tokenizer.encode_batch([]) == []


def test_text_that_reads_like_a_special_token_is_text(tokenizer):
    (tokens,) = tokenizer.encode_batch(["<s> </s>"])
    assert not {0, 1, 2} & set(tokens.ids)
    assert len(tokens.ids) > 3
    with pytest.raises(ValueError, match="windows"):
        tokenizer.encode_batch(["a"], add_special_tokens=True)


def test_ids_are_those_of_paddlenlp(reference, sentencepiece):
    import numpy as np

    cases = json.loads((reference / "prepost.json").read_text("utf-8"))
    assert len(cases) == 8
    for case in cases:
        arrays = np.load(reference / f"prepost_{case['name']}.npz")
        found = sentencepiece.encode_batch([text for text, _ in case["order"]])
        ids = [number for tokens in found for number in tokens.ids]
        length = int(arrays["attention_mask"].sum())
        assert length == min(len(ids), 512)
        assert ids[:512] == arrays["input_ids"][0, :length].tolist()
        ends = np.cumsum([len(tokens.ids) for tokens in found if tokens.ids])
        assert ends.tolist() == case["segment_offset_id"]


def test_a_folder_with_both_files_takes_the_sentencepiece_one(tmp_path, model_file):
    character_tokenizer().save(str(tmp_path / "tokenizer.json"))
    assert isinstance(load_tokenizer(tmp_path), Tokenizer)
    (tmp_path / SENTENCEPIECE_FILE).write_bytes(model_file.read_bytes())
    assert isinstance(load_tokenizer(tmp_path), XlmRobertaTokenizer)


def test_special_tokens_of_a_tokenizers_file_are_text_on_a_page(tmp_path):
    tokenizer = character_tokenizer()
    tokenizer.add_special_tokens(["<mask>"])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tokens,) = load_tokenizer(tmp_path).encode_batch(["<mask>"], add_special_tokens=False)
    assert tokenizer.token_to_id("<mask>") not in tokens.ids
    assert len(tokens.ids) == 6


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x0a\x0e\x0a\x05<unk>"])
def test_files_that_are_no_vocabulary_are_named(tmp_path, content):
    (tmp_path / SENTENCEPIECE_FILE).write_bytes(content)
    with pytest.raises(TokenizerError, match=SENTENCEPIECE_FILE):
        load_tokenizer(tmp_path)
    (tmp_path / SENTENCEPIECE_FILE).unlink()
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
        load_tokenizer(tmp_path)


def test_a_sentencepiece_file_with_other_special_ids_is_refused(tmp_path):
    (tmp_path / "text.txt").write_text("\n".join([TEXT] * 20), "utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "text.txt"),
        model_prefix=str(tmp_path / "other"),
        vocab_size=110,
        hard_vocab_limit=False,
        character_coverage=1.0,
        pad_id=0,
        unk_id=1,
        bos_id=2,
        eos_id=3,
        minloglevel=2,
    )
    with pytest.raises(TokenizerError, match="<pad>"):
        XlmRobertaTokenizer(tmp_path / "other.model")


def test_folder_without_a_vocabulary_is_refused_with_what_is_missing(tmp_path):
    with pytest.raises(TokenizerError, match="neither"):
        load_tokenizer(tmp_path)
