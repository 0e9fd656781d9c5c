"""What the benchmarks share: sessions, measuring, comparing, plots and the report. Standard library only."""
