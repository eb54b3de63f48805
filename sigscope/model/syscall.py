"""What a thread does in the kernel, from /proc/PID/task/TID/syscall (proc_pid_syscall(5))."""

from __future__ import annotations

from sigscope.model.value import dataclass

_MASKS = {
    "ppoll": 3,
    "ppoll_time64": 3,
    "pselect6": 5,
    "pselect6_time64": 5,
    "epoll_pwait": 4,
    "epoll_pwait2": 4,
    "io_pgetevents": 5,
}
"""The position of the argument that points to the mask (pselect6: to a pointer to it)."""


@dataclass(frozen=True, slots=True)
class SystemCall:
    """The call that a thread sits in.

    ``number`` is None for a thread that is running, and -1 for one that is stopped or
    asleep outside any call (a page fault, say). ``name`` is None for a number that our
    table does not know. ``args`` are the six raw registers.

    >>> SystemCall(7, "poll", (0, 0, 0xffffffff, 0, 0, 0), 0, 0).timeout
    -1
    """

    number: int | None
    name: str | None = None
    args: tuple[int, ...] = ()
    stack_pointer: int = 0
    program_counter: int = 0

    @property
    def running(self) -> bool:
        return self.number is None

    @property
    def narrow(self) -> bool:
        """Did a 32-bit program make it? Stack and code below 4 GiB tell; no 64-bit one has both."""
        return 0 < self.stack_pointer < 1 << 32 and self.program_counter < 1 << 32

    @property
    def timeout(self) -> int | None:
        """The signed 32-bit timeout in ms of the calls that take one, else None."""
        position = {"poll": 2, "epoll_wait": 3, "epoll_pwait": 3}.get(self.name or "")
        if position is None or len(self.args) <= position:
            return None
        value = self.args[position] & 0xFFFFFFFF
        return value - (1 << 32) if value >> 31 else value

    @property
    def waits_for_signals(self) -> bool:
        """sigwait, sigwaitinfo, sigtimedwait: the awaited set shows as not blocked."""
        return self.name in ("rt_sigtimedwait", "rt_sigtimedwait_time64")

    @property
    def opens_mask(self) -> bool:
        """ppoll and its kin: the mask that is shown holds for this one call only."""
        return self.name in (
            "ppoll",
            "ppoll_time64",
            "pselect6",
            "pselect6_time64",
            "epoll_pwait",
            "epoll_pwait2",
            "rt_sigsuspend",
            "sigsuspend",
            "io_pgetevents",
        )

    @property
    def gives_mask(self) -> bool:
        """Does it do so with these arguments? All but sigsuspend may do without a mask.

        >>> SystemCall(271, "ppoll", (0, 0, 0, 0, 8, 0)).gives_mask
        False
        """
        position = _MASKS.get(self.name or "")
        if position is None:
            return self.opens_mask
        return len(self.args) > position and self.args[position] != 0
