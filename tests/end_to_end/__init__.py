"""The whole daemon on simulated gates: real processes, real client, seeded faults.

hall.py      simulator, daemon and callers; how a traveller goes through
evidence.py  what comparisons yield, by the width of the live picture
daemon.py    the daemon with that evidence, as a program; the product has no such switch
record.py    what must hold of the journal together with the world's log
campaign.py  crossings on two lanes while the daemon is killed; `make soak` runs the long one (EGATE_SOAK_SEED repeats it)
"""
