import pytest

from beam_kie.layoutxlm.inputs.tokenizer import XlmRobertaTokenizer


@pytest.fixture(scope="session")
def sentencepiece(reference) -> XlmRobertaTokenizer:
    return XlmRobertaTokenizer(reference / "tiny_sentencepiece.bpe.model")
