import pytest

from beam_kie.layoutxlm.tokenizer import XlmRobertaTokenizer


@pytest.fixture(scope="session")
def reference(shared_data):
    """The folder of the reference implementations' numbers."""
    folder = shared_data / "reference"
    if not folder.is_dir():
        pytest.skip(f"no reference numbers at {folder}")
    return folder


@pytest.fixture(scope="session")
def sentencepiece(reference) -> XlmRobertaTokenizer:
    return XlmRobertaTokenizer(reference / "tiny_sentencepiece.bpe.model")
