"""Labelled pages: label formats, gold entities, their alignment with OCR lines, and corrections of a run.

``python -m beam_kie.labelled.corrections`` applies corrections of a run. ``corrections_file`` reads and
writes the file, ``applying`` and ``corrected_tables`` make corrected tables, ``to_labels`` and
``from_labels`` convert to and from label formats.
"""
