"""Bar coded boarding passes (IATA Resolution 792, BCBP), versions 1 to 8: bytes of the bar code <-> items, and the dates they mean.

A boarding pass is a claim of the airline's, and mostly unsigned: it tells whom and what to expect and never identifies anybody.
"""
