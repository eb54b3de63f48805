"""One traced thread: what can be asked of it while it stands, and how it is let go."""

from __future__ import annotations

import errno
import struct
import time

from sigscope.decode.siginfo import SIZE, decode_siginfo
from sigscope.decode.user_regs import INFO_SIZE, OFFSET, decode_syscall_info
from sigscope.kernel.ptrace import requests as request
from sigscope.kernel.ptrace.architecture import Architecture
from sigscope.kernel.ptrace.laundering import EINTR, RESTARTBLOCK, rewritten
from sigscope.kernel.ptrace.requests import Requests
from sigscope.kernel.ptrace.waiting import Stop, StopKind, await_change, poll, reap
from sigscope.model.registers import Registers, StoppedCall
from sigscope.model.seccomp import Filter, Instruction
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import SignalSet

_MASK = struct.Struct("=Q")
_INSTRUCTION = struct.Struct("=HBBI")
MOST_FILTERS = 256
AT_ONCE = 32
"""Entries of a queue that one request fetches."""
MOST_QUEUED = 1 << 12
STOP_PATIENCE = 1.0
"""Seconds. A thread that sleeps or runs stops within microseconds; one in D does not at all."""


class Tracee:
    """A thread that this very thread of ours has seized. OSError as the kernel gave it.

    ``stop`` is None while it runs. ``restart_allowed``: no filter of it can refuse
    restart_syscall(2).
    """

    def __init__(
        self,
        requests: Requests,
        architecture: Architecture,
        tid: int,
        restart_allowed: bool,
        own_child: bool = False,
    ) -> None:
        self.tid = tid
        self.restart_allowed = restart_allowed
        self.stop: Stop | None = None
        self.attached = False
        self.hurt: Registers | None = None
        """Registers of a stop that the program will see: EINTR in a call that is not listed."""
        self.requests = requests
        self._architecture = architecture
        self._own_child = own_child
        self._registers: Registers | None = None

    @property
    def ended(self) -> bool:
        return self.stop is not None and self.stop.ended

    @property
    def held(self) -> bool:
        """Does it stand still, and can it be asked?"""
        return self.attached and self.stop is not None

    # -- stopping and going on -------------------------------------------------------------

    def seize(self) -> None:
        """Trace it; it runs on (a stopped one reports its group stop at once)."""
        self.requests(request.SEIZE, self.tid, 0, request.O_TRACESYSGOOD)
        self.attached = True

    def interrupt(self) -> None:
        """Ask it to stop, without a signal."""
        self.requests(request.INTERRUPT, self.tid)

    def look(self) -> Stop | None:
        """Has it stopped? Does not wait."""
        if self.stop is None:
            self._note(poll(self.tid))
        return self.stop

    def await_stop(self, timeout: float = STOP_PATIENCE, eager: float = 0.0) -> Stop:
        """The stop that comes; TimeoutError if none does (a thread in D, a parent in vfork).

        For ``eager`` seconds it is looked for without a sleep, as long as a wake-up takes.
        """
        now = time.monotonic()
        deadline, eager = now + timeout, now + eager
        while self.look() is None:
            if time.monotonic() > eager and not await_change(deadline):
                raise TimeoutError(f"thread {self.tid} did not stop within {timeout:g} s")
        assert self.stop is not None
        return self.stop

    def _note(self, stop: Stop | None) -> None:
        self.stop = stop
        if stop is not None and stop.ended:
            self.attached = False
            if not self._own_child:  # its exit status is for the one who started it: us
                reap(self.tid)

    def _passed_on(self, signal: int | None) -> int:
        if signal is not None:
            return signal
        stop = self.stop
        return stop.signal if stop is not None and stop.kind is StopKind.SIGNAL else 0

    def _go(self, how: int, signal: int | None) -> None:
        passed, self.stop, self._registers = self._passed_on(signal), None, None
        self.requests(how, self.tid, 0, passed)

    def resume(self, signal: int | None = None) -> None:
        """PTRACE_CONT; a signal that was about to be delivered is, unless another is given."""
        self._go(request.CONT, signal)

    def to_syscall(self, signal: int | None = None) -> None:
        """PTRACE_SYSCALL: until it enters or leaves a call. Never SINGLESTEP: if we die
        then, its SIGTRAP kills the target.
        """
        self._go(request.SYSCALL, signal)

    def listen(self) -> None:
        """Keep a group stop as it is, and hear of its end."""
        self.stop = self._registers = None
        self.requests(request.LISTEN, self.tid)

    def detach(self, launder: bool = True) -> None:
        """Let it go on as if nothing had been; a group stop stays. Not for a running thread."""
        if self.stop is None or not self.attached:
            return
        try:
            if launder:
                self.launder()
        finally:
            passed = self._passed_on(None)
            self.attached = False
            try:
                self.requests(request.DETACH, self.tid, 0, passed)
            except ProcessLookupError:  # killed meanwhile
                reap_later = poll(self.tid)
                if reap_later is not None and reap_later.ended:
                    self._note(reap_later)

    def launder(self) -> bool:
        """Rewrite a result that would show the stop to the program; was there one?"""
        registers = self.registers()
        if registers.number < 0 or registers.result not in (EINTR, RESTARTBLOCK):
            return False
        abi = self.call().abi  # a 64-bit program can make 32-bit calls, too
        first = _first_argument(registers)
        value = rewritten(abi, registers.number, registers.result, first, self.restart_allowed)
        if value is not None and self._architecture.repeats:
            self._architecture.set_result(self.requests, self.tid, registers, value)
            self._registers = None
            return True
        if value is not None or registers.result == EINTR:
            self.hurt = registers
        return False

    # -- asking ----------------------------------------------------------------------------

    def registers(self) -> Registers:
        """Those of this stop; they are read once."""
        if self._registers is None:
            self._registers = self._architecture.read(self.requests, self.tid)
        return self._registers

    def set_registers(self, registers: Registers) -> None:
        """Only ``raw`` counts."""
        self._registers = None
        self._architecture.write(self.requests, self.tid, registers.raw)

    def call(self) -> StoppedCall:
        """PTRACE_GET_SYSCALL_INFO: the call that it is entering or leaving."""
        info = self.requests.get(request.GET_SYSCALL_INFO, self.tid, INFO_SIZE, INFO_SIZE)
        return decode_syscall_info(info)

    def mask(self) -> SignalSet:
        """The lasting mask: the one that ppoll and its kin put back, with what sigtimedwait
        awaits.
        """
        data = self.requests.get(request.GETSIGMASK, self.tid, _MASK.size, _MASK.size)
        return SignalSet(_MASK.unpack(data)[0])

    def set_mask(self, mask: SignalSet) -> None:
        """Freed signals that are pending are delivered as soon as it goes on."""
        self.requests.set(request.SETSIGMASK, self.tid, _MASK.size, _MASK.pack(mask.mask))

    def queue(self, shared: bool) -> tuple[SigInfo, ...]:
        """Pending signals with their senders, oldest first: its own, or the process's."""
        found: list[SigInfo] = []
        while len(found) < MOST_QUEUED:
            data = self.requests.peek_siginfo(self.tid, len(found), shared, AT_ONCE, SIZE)
            found += (decode_siginfo(data[at : at + SIZE]) for at in range(0, len(data), SIZE))
            if len(data) < AT_ONCE * SIZE:
                break
        return tuple(found)

    def filters(self) -> tuple[Filter, ...]:
        """Its seccomp filters, newest first. OSError (EACCES) without CAP_SYS_ADMIN, or where
        we run under a filter ourselves.
        """
        found: list[Filter] = []
        while len(found) < MOST_FILTERS:
            try:
                length = self.requests(request.SECCOMP_GET_FILTER, self.tid, len(found), 0)
                size = length * _INSTRUCTION.size
                data = self.requests.get(request.SECCOMP_GET_FILTER, self.tid, len(found), size)
            except FileNotFoundError:  # there are no more
                break
            except OSError as error:
                if error.errno == errno.EINVAL:  # there is none at all
                    break
                raise
            found.append(Filter(tuple(Instruction(*row) for row in _INSTRUCTION.iter_unpack(data))))
        return tuple(reversed(found))

    def siginfo(self) -> SigInfo:
        """Of the signal that is about to be delivered."""
        return decode_siginfo(self.requests.get(request.GETSIGINFO, self.tid, 0, SIZE))

    def read(self, address: int, size: int) -> bytes:
        return self.requests.read(self.tid, address, size)

    def write(self, address: int, value: bytes) -> None:
        self.requests.write(self.tid, address, value)


def _first_argument(registers: Registers) -> int:
    """ebx of a 32-bit call; only those are told apart by it."""
    if registers.abi != "i386":
        return 0
    return int.from_bytes(registers.raw[OFFSET["rbx"] : OFFSET["rbx"] + 4], "little")
