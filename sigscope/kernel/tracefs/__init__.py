"""tracefs: the formats of tracepoints, and a private instance of the kernel's trace buffer."""
