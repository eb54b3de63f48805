"""Real daemons, as Debian packages them: what sigscope says of software that is well."""
