"""The coder of decoded pages: it reports their size to runners, and refuses to encode them."""

from __future__ import annotations

from apache_beam.coders import coder_impl, coders
from apache_beam.coders.typecoders import registry

from beam_kie.document import PageImage

_REFUSAL = (
    "A decoded page must not leave its worker: it is tens of megabytes. Shuffle the SourceFile before "
    "decoding or the PageText after OCR instead."
)


class _PageImageCoderImpl(coder_impl.StreamCoderImpl):
    def encode_to_stream(self, value, stream, nested):
        raise TypeError(_REFUSAL)

    def decode_from_stream(self, stream, nested):
        raise TypeError(_REFUSAL)

    def estimate_size(self, value, nested=False):
        # Runners ask for the size of elements now and then; the default answer would encode the pixels.
        return int(value.pixels.nbytes)


class PageImageCoder(coders.Coder):
    """Raises TypeError when a page image is about to cross a shuffle, a side input or a process."""

    def get_impl(self):
        """The implementation that runners call."""
        return _PageImageCoderImpl()

    def encode(self, value):
        """Refuse to encode a page.

        Args:
            value: a decoded page.

        Raises:
            TypeError: always.
        """
        raise TypeError(_REFUSAL)

    def decode(self, encoded):
        """Refuse to decode a page.

        Args:
            encoded: anything.

        Raises:
            TypeError: always.
        """
        raise TypeError(_REFUSAL)

    def is_deterministic(self) -> bool:
        """False: there are no bytes."""
        return False

    def to_type_hint(self):
        """The type that this coder stands for."""
        return PageImage

    def __eq__(self, other):
        return type(self) is type(other)

    def __hash__(self):
        return hash(type(self))


def register() -> None:
    """Make ``PageImageCoder`` the coder of every PCollection that is typed as PageImage."""
    registry.register_coder(PageImage, PageImageCoder)
