"""Measurements: `python -m benchmarks` runs them and writes docs/benchmarks.md, each script runs by itself too."""
