"""The review page of a finished run: rows of its tables in, static files out.

``pages`` joins the rows of a page, ``compact`` makes the page's data small, ``files`` yields everything that
lies under ``review/run_id=ID/``, ``static/`` is the page itself. Nothing here reads or writes storage, but
for the files of ``static/``.
"""
