"""What a file says of a page beside its picture, and what is ruled on the picture."""

from beam_kie.page_parts.fields import FieldKind, FormField, PageRemainder
from beam_kie.page_parts.ruling import CROSSED, Mark, MarkState, RuledCell

__all__ = ["CROSSED", "FieldKind", "FormField", "Mark", "MarkState", "PageRemainder", "RuledCell"]
