"""Benchmarks: how fast Moorage is beside what bounds it, in ratios taken within one run. Nothing here fails a build."""
