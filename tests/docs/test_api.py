import importlib.util
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


def test_api_pages_are_written_without_a_warning(tmp_path):
    spec = importlib.util.spec_from_file_location("render_api", DOCS / "render_api.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.render(tmp_path) == []
    for name in ("beam_kie/document.html", "model_store/references.html", "transforms/pipeline.html"):
        assert (tmp_path / name).stat().st_size > 1000
