"""perf_event_open(2): tracepoints through a ring buffer for each CPU."""
