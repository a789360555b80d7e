"""The option that decides which documents have rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from beam_kie.options import Effect, check_options, option


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOptions:
    """Which documents that a run leaves out have a row in its tables."""

    list_skipped: bool = field(
        default=False,
        metadata=option(
            "With --skip_done, write a row SKIPPED for every document that is left out, not only for the few "
            "that readers of the tables need (docs/reruns.md).",
            group="Runs before",
            effect=Effect.NONE,
        ),
    )

    def __post_init__(self) -> None:
        check_options(self)
