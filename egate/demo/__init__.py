"""A hall on simulators: what the demo, the end-to-end tests and the benchmarks run."""
