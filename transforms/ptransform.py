"""The base class of this job's PTransforms: Beam's, with named and optional inputs."""

from __future__ import annotations

from typing import Any, cast

import apache_beam as beam
from apache_beam.pvalue import DoOutputsTuple


class Transform(beam.PTransform):
    """A PTransform whose ``expand`` names its input as it likes, and takes NamedTuples with optional fields.

    Beam passes the input by position, but declares it as ``input_or_inputs``.
    """

    # The only difference to Beam's declaration is that the input has no name to be passed by.
    def expand(self, inputs: Any, /) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Apply the steps of this transform.

        Args:
            inputs: a PCollection, or a tuple, NamedTuple or dict of them; fields of a NamedTuple may be
                None.

        Returns:
            What the last steps yield, in the same forms.
        """
        raise NotImplementedError

    def _extract_input_pvalues(self, pvalueish: Any) -> tuple[Any, Any]:
        """Beam's own, without fields that are None: Beam takes every field for an input."""
        pvalueish, inputs = super()._extract_input_pvalues(pvalueish)
        if isinstance(inputs, dict):
            inputs = {name: each for name, each in inputs.items() if each is not None}
        return pvalueish, inputs


def outputs_of(applied: Any) -> DoOutputsTuple:
    """The outputs of a transform that has several, by name; Beam declares any application as one PValue.

    Args:
        applied: what ``input | transform`` returned.

    Returns:
        The same object.
    """
    return cast(DoOutputsTuple, applied)
