"""What a file says of a page beside its picture."""

from beam_kie.page_parts.fields import FieldKind, FormField, PageRemainder

__all__ = ["FieldKind", "FormField", "PageRemainder"]
