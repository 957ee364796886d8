"""Search of a finger among many (1:N): a compact gallery, a scan of binary codes, the 1:1 matcher on the shortlist.

gallery.py          start here: fingers enrolled, snapshots for readers
search.py           a probe against a snapshot: candidates
stored.py           what the gallery keeps of an impression, and the template back from it
kernels.py          numba: codes, scan
candidate.py        what a search finds
false_positives.py  what a candidate's score means in a gallery of this size
"""
