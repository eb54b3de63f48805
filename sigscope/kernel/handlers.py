"""Where the handlers of a process lie, and what they are called.

An address of a sigaction is looked up in /proc/PID/maps, the file that is mapped there
is opened as the very file (``kernel.symbols.images``), and its tables of symbols are asked
(``kernel.symbols.naming``). Nothing is read that belongs to another process of the same number: the
directory of the process stays open, and its start time must be the one that was seen.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType

from sigscope.decode.code import decode_code
from sigscope.decode.maps import decode_maps
from sigscope.errors import DecodeError
from sigscope.kernel.closing import Closing
from sigscope.kernel.entering import entered, read_maps
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.refusal import GONE, gap
from sigscope.kernel.symbols.clues import read_rows
from sigscope.kernel.symbols.images import Image, Images, Key, NoImage
from sigscope.kernel.symbols.naming import named
from sigscope.kernel.symbols.zend import read_deferred
from sigscope.model.depth import ProcessDepth
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.location import ANONYMOUS, Location
from sigscope.model.mapping import Mapping
from sigscope.model.process import Process
from sigscope.model.sigaction import SIG_DFL, SIG_IGN

RECORD = "code"
"""Under which name it stands in a snapshot, beside the files of the process."""
_MOST_SYMBOL_BYTES = 1 << 30
_DEFERRING = "zend_signal_handler_defer"
_KERNEL_PAGES = ("[vsyscall]", "[uprobes]")
_PHP = "zend_signal_globals"


def read_handlers(procfs: ProcFS, host: Host, pids: Iterable[int]) -> Host:
    """The host, with ``depth.code`` of those of these processes whose sigactions are known.

    Of a recorded host it is what the snapshot holds. Where it cannot be had, it stays None,
    with a gap.
    """
    seen = dict(host.processes)
    with _Looking(procfs.path) as looking:
        for pid in pids:
            process = seen.get(pid)
            if process is None or process.depth is None or not process.depth.actions:
                continue
            if procfs.path:
                seen[pid] = looking.at(process, process.depth)
            else:
                seen[pid] = _recorded(procfs, process, process.depth)
    return replace(host, processes=MappingProxyType(seen))


def _recorded(procfs: ProcFS, process: Process, depth: ProcessDepth) -> Process:
    try:
        data = procfs.root.read(f"{process.pid}/{RECORD}")
        return replace(process, depth=decode_code(data, depth))
    except OSError:
        why, hint = "the snapshot does not hold them", "take it again, as root"
    except DecodeError as error:
        why, hint = error.detail, "take it again"
    missing = Gap(f"names of handlers of {process.pid}", why, hint)
    return replace(process, gaps=(*process.gaps, missing))


class _Looking(Closing):
    """Looks at one process after the other, and reads no file twice."""

    def __init__(self, proc: str) -> None:
        self._proc = proc
        self._images = Images()
        self._known: dict[tuple[Key, int], Location] = {}
        self._left = _MOST_SYMBOL_BYTES

    def close(self) -> None:
        self._images.close()

    def at(self, process: Process, depth: ProcessDepth) -> Process:
        wanted = {action.handler for action in depth.actions or ()} - {SIG_DFL, SIG_IGN}
        try:
            with entered(self._proc, process) as directory:
                code, deferred = self._look(directory, process, depth, wanted)
        except (OSError, DecodeError) as error:
            if isinstance(error, OSError) and error.errno in GONE:
                return process
            return replace(process, gaps=(*process.gaps, gap("maps", process.pid, error)))
        return replace(process, depth=replace(depth, code=code, deferred=deferred))

    def _look(
        self, directory: int, process: Process, depth: ProcessDepth, wanted: set[int]
    ) -> tuple[tuple[Location, ...], tuple[tuple[int, int], ...]]:
        if not wanted:
            return (), ()
        mappings = tuple(decode_maps(read_maps(directory)))
        space = _Space(self, directory, process.pid, mappings)
        code = dict(space.locate(wanted))
        deferred = {
            number: address
            for number, address in space.deferred(code.values()).items()
            if (action := depth.action(number)) is not None and action.handler in space.deferring
        }
        further = set(deferred.values()) - {SIG_DFL, SIG_IGN} - code.keys()
        code.update(space.locate(further))
        return tuple(code[address] for address in sorted(code)), tuple(sorted(deferred.items()))

    def image(self, directory: int, mapping: Mapping, pid: int) -> Image:
        return self._images.of(directory, mapping, self._proc, pid)

    def named(
        self, image: Image, path: str, offsets: set[int], pid: int
    ) -> tuple[dict[int, Location], set[int]]:
        """What these addresses of a file are, and which of them were looked up just now."""
        new = {offset for offset in offsets if (image.key, offset) not in self._known}
        if new:
            self._left -= image.elf.weight
            if self._left < 0:
                raise NoImage(
                    "more symbols than sigscope reads at a time", "ask for this one alone"
                )
            for offset, one in named(image.elf, path, new, pid, self._proc).items():
                self._known[image.key, offset] = one
        return {offset: self._known[image.key, offset] for offset in offsets}, new

    def keep(self, image: Image, offset: int, location: Location) -> None:
        self._known[image.key, offset] = location


class _Space:
    """The address space of one process."""

    def __init__(
        self, looking: _Looking, directory: int, pid: int, mappings: tuple[Mapping, ...]
    ) -> None:
        self._looking = looking
        self._directory = directory
        self._pid = pid
        self._mappings = mappings
        self.deferring: set[int] = set()

    def locate(self, addresses: Iterable[int]) -> Iterator[tuple[int, Location]]:
        """Each address with its place; those of one mapping are looked up together."""
        groups: dict[Mapping, set[int]] = {}
        for address in addresses:
            mapping = next((one for one in self._mappings if address in one), None)
            if mapping is None:
                yield address, Location(address, why="no memory is mapped there: it would crash")
            else:
                groups.setdefault(mapping, set()).add(address)
        for mapping, inside in groups.items():
            yield from self._in(mapping, inside)

    def _in(self, mapping: Mapping, addresses: set[int]) -> Iterator[tuple[int, Location]]:
        why = ""
        if not mapping.executable:
            why = "memory that is not executable: it would crash"
        elif mapping.path in _KERNEL_PAGES:
            why = f"a page of the kernel's own, {mapping.path}"
        elif not mapping.file and mapping.path != "[vdso]":
            why = ANONYMOUS if mapping.path in ("", "//anon") else f"{ANONYMOUS} ({mapping.path})"
        if not why:
            try:
                image = self._looking.image(self._directory, mapping, self._pid)
                yield from self._named(image, mapping, addresses)
                return
            except NoImage as error:
                why = f"{error.why}; {error.hint}" if error.hint else error.why
        for address in addresses:
            yield address, Location(address, mapping.file, why=why)

    def _named(
        self, image: Image, mapping: Mapping, addresses: set[int]
    ) -> Iterator[tuple[int, Location]]:
        inside = {
            address: image.elf.address_of(address - mapping.start + mapping.offset)
            for address in addresses
        }
        offsets = {offset for offset in inside.values() if offset is not None}
        found, new = self._looking.named(image, mapping.file or mapping.path, offsets, self._pid)
        for address, offset in inside.items():
            if offset is None:
                why = "its file has no code there"
                yield address, Location(address, mapping.file, why=why)
                continue
            place = found[offset]
            if offset in new and place.clues is not None:
                rows = self._rows(mapping, address)
                place = place._replace(clues=place.clues._replace(rows=rows))
                self._looking.keep(image, offset, place)
            if place.symbol == _DEFERRING or (place.clues and _PHP in place.clues.uses):
                self.deferring.add(address)
            yield address, place._replace(address=address, module=mapping.file or mapping.path)

    def _rows(self, mapping: Mapping, address: int) -> tuple[tuple[int | str, ...], ...]:
        same = [
            one
            for one in self._mappings
            if (one.device, one.inode) == (mapping.device, mapping.inode)
        ]
        try:
            with self._memory() as memory:
                return read_rows(memory, same, address)
        except OSError:
            return ()

    def deferred(self, code: Iterable[Location]) -> dict[int, int]:
        """The handlers behind PHP's own, if one of these places is that."""
        own = next((one for one in code if one.address in self.deferring), None)
        if own is None or own.offset is None:
            return {}
        mapping = next(one for one in self._mappings if own.address in one)
        try:
            image = self._looking.image(self._directory, mapping, self._pid)
            with self._memory() as memory:
                return read_deferred(image.elf, memory, own.address - own.offset, self._executable)
        except (OSError, NoImage, DecodeError):
            return {}

    def _executable(self, address: int) -> bool:
        return any(address in one and one.executable for one in self._mappings)

    @contextmanager
    def _memory(self) -> Iterator[int]:
        memory = os.open("mem", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._directory)
        try:
            yield memory
        finally:
            os.close(memory)
