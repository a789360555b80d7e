import importlib.util
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"


def test_options_page_is_what_the_flags_say():
    spec = importlib.util.spec_from_file_location("render_options", DOCS / "render_options.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (DOCS / "options.md").read_text(encoding="utf-8")
    assert page == module.render(page), "run `make docs`"
    assert "`--overlays all/failures/none`" in page
