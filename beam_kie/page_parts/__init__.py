"""What a file says of a page beside its picture, and what is ruled on the picture."""

from beam_kie.page_parts.fields import FieldKind, FormField, PageRemainder
from beam_kie.page_parts.ruling import Mark, MarkState, Outside, RuledCell

__all__ = ["FieldKind", "FormField", "Mark", "MarkState", "Outside", "PageRemainder", "RuledCell"]
