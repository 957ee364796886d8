"""The crossing machine: pure, decides everything, does nothing."""
