"""The tests; they mirror the package. `harness` starts real processes, `targets` are those."""
