"""The settings of running programs on which it depends what a signal does to them.

Each program's module has ``settings(argv, files)``: from the command line and the text of its
configuration, to :class:`Setting` values and gaps. The files come through :class:`Files`,
which the kernel room provides: nothing is opened here. The text is whatever somebody wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sigscope.decode.settings import apache, gunicorn, haproxy, nginx, php_fpm, redis, uwsgi
from sigscope.decode.settings.directives import Files
from sigscope.model.catalog import Setting
from sigscope.model.gap import Gap

Reader = Callable[[tuple[str, ...], Files], Iterable[Setting | Gap]]

READERS: tuple[tuple[str, Reader], ...] = (
    (r"php-fpm[\d.]*", php_fpm.settings),
    (r"nginx", nginx.settings),
    (r"apache2|httpd", apache.settings),
    (r"haproxy", haproxy.settings),
    (r"uwsgi.*", uwsgi.settings),
    (r"gunicorn3?|gunicorn: .*", gunicorn.settings),
    (r"(redis|valkey)-(server|sentinel)", redis.settings),
)
"""Who reads the settings of which program, by its comm or the name of its executable."""
