"""ELF files that are damaged, or made to hurt."""
