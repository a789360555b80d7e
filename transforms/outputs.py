"""The end of the job: tables, pictures and the summary from the streams that the model stage yields."""

from __future__ import annotations

import apache_beam as beam

from beam_kie.tables import Provenance

STREAMS = ("results", "failures", "documents", "failed_pages", "sources", "skipped", "times")


class WriteOutputs(beam.PTransform):
    """Write everything that a run leaves behind. The one transform that the pipeline builder needs.

    Takes a dict of PCollections::

        {
            "results": PCollection[PageResult],      # required; every page that came through, also empty ones;
                                                     #   page.preview set where overlays are "all"
            "failures": PCollection[Failure],        # required; all stages before this one
            "documents": PCollection[Document],      # required; every file whose bytes were read, one each.
                                                     #   A file that could not be read needs only its Failure
            "failed_pages": PCollection[FailedPage], # optional; failed after decoding, page.preview set where
                                                     #   overlays are "all" or "failures". IN ADDITION to the
                                                     #   Failure in "failures"
            "sources": PCollection[SourceFile],      # optional; every file that was matched (deduplicated): the
                                                     #   independent count of documents in
            "skipped": PCollection[Document],        # optional; known, but not processed on purpose
            "times": PCollection[StageTime],         # optional; beam_kie.summary.StageTime
        }

        {"results": ..., ...} | "Write outputs" >> WriteOutputs(config, provenance)

    Yields PCollection[str] with one element: the path of summary.json, which is written last.
    ``config`` needs: output, run_id, overlays, overlay_max_side, num_shards; all its fields go into the
    summary as "options", except ``progress``.
    """

    def __init__(self, config, provenance: Provenance):
        super().__init__()
        self.config = config
        self.provenance = provenance

    def expand(self, streams):
        """Wire the sinks."""
        raise NotImplementedError
