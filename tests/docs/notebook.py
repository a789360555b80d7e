"""Runs the code of a notebook in this process, as Jupyter does it: ``python notebook.py FILE``.

Prints one JSON object a cell: what kinds of output its last expression has. A line that begins with "!" is a
command of a shell.
"""

import ast
import json
import subprocess
import sys


def run_cell(source: str, names: dict) -> list[str]:
    """Run one cell; the names of the ``_repr_..._`` methods that its last expression answers."""
    if source.startswith("!"):
        subprocess.run(source[1:], shell=True, check=True, stdout=sys.stderr)
        return ["shell"]
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    if last is None:
        return []
    value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    shown = {kind: getattr(value, f"_repr_{kind}_", lambda: None)() for kind in ("html", "png")}
    return ["text", *(kind for kind, output in shown.items() if output)] if value is not None else []


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        cells = json.load(file)["cells"]
    names = {"__name__": "__main__"}
    for cell in cells:
        if cell["cell_type"] == "code":
            kinds = run_cell("".join(cell["source"]), names)
            print("\n" + json.dumps({"id": cell["id"], "kinds": kinds}), flush=True)


if __name__ == "__main__":
    main()
