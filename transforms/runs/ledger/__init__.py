"""The ledger: what finished runs have done, compacted, so that a run with --skip_done reads little.

The tables ``documents`` of finished runs are the truth. The *base* under ``OUT/ledger`` holds what those of
many runs say, in files by a hash of the URI; its manifest, written last, names the runs in it. Runs that
finished since are read from their own tables. So there is no moment at which a crash could lose anything, and
a base that is lost or damaged is made anew.
"""
