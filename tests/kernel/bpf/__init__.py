"""The door: real processes, recordings of them, and damaged files."""
