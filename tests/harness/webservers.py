"""What every configuration of nginx and Apache in the tests has to say."""

from __future__ import annotations

APACHE_MODULES = "/usr/lib/apache2/modules"


def nginx_temporary(directory: object) -> str:
    """Where nginx puts what it buffers: it makes these directories even if it never does."""
    kinds = ("proxy", "client_body", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{kind}_temp_path {directory}/{kind};" for kind in kinds)


def apache_modules(*names: str) -> str:
    """Modules that Debian's Apache does not have built in."""
    return "\n".join(f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so" for name in names)
