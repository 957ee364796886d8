"""The lane: the one owner of a gate. Takes events, steps the machine, performs effects."""
