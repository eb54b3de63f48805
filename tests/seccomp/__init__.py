"""The simulator of seccomp filters against itself, and against the kernel."""
