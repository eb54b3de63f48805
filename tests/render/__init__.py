"""The lines that are shown, from values made by hand."""
