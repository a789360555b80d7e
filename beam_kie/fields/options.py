"""The options of fields and of tables on pages."""

from __future__ import annotations

from dataclasses import dataclass, field

from beam_kie.fields.files import READY_MADE
from beam_kie.options import Effect, check_options, option


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOptions:
    """Which fields are looked for (None: none), and whether cells of tables are (None: where fields are)."""

    fields: str | None = field(
        default=None,
        metadata=option(
            "Fields to look for in every document: a file fields.toml (docs/fields.md), or a ready-made one: "
            f"{', '.join(READY_MADE)}. Adds the table records, one row a document.",
            group="Fields",
            effect=Effect.RESULTS,
            metavar="FILE",
        ),
    )

    table_cells: bool | None = field(
        default=None,
        metadata=option(
            "Write the cells of tables on pages, such as line items, to the table table_cells "
            "(docs/fields.md#line-items).",
            group="Fields",
            effect=Effect.RESULTS,
            shown_default="true with --fields",
        ),
    )

    @property
    def wants_cells(self) -> bool:
        """Whether the table of cells is written."""
        return self.fields is not None if self.table_cells is None else self.table_cells

    def __post_init__(self) -> None:
        check_options(self)
