"""The nouns, against plain Python and against the kernel."""
