"""What people say about the pages of a run: corrections, and label files of other tools.

``python -m beam_kie.labelled.corrections`` is the command. ``corrections_file`` reads and writes the
file, ``applying`` and ``corrected_tables`` carry it out on the tables of a run, ``to_labels`` and
``from_labels`` go between it and label formats.
"""
