"""The settings of running programs on which it depends what a signal does to them.

Each program's module has ``settings(argv, files)``: from the command line and the text of its
configuration, to :class:`Setting` values and gaps. The files come through
:class:`~sigscope.decode.settings.directives.Files`, which the kernel room provides: nothing is
opened here. The text is whatever somebody wrote. Which module reads which program stands in
``kernel.settings``: it is loaded when one is met.
"""
