"""The decoders: any bytes, round trips, and what the kernel itself writes."""
