"""How good it is and how fast: datasets, metrics, runs, reports, benchmarks."""
