"""A FastCGI worker that answers whatever a test wants, in the pieces that it wants."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import socket
import struct
import termios
import threading
import time
from pathlib import Path

from tests.harness.targets import PATIENCE


class Puppet(contextlib.AbstractContextManager["Puppet"]):
    """Listens on a UNIX socket; each connection gets ``pieces``, then its end.

    Each piece is sent when the front end has read the one before: the kernel tells
    (SIOCOUTQ, unix(7)), so nothing depends on who is faster.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pieces: list[bytes] = []
        self.closes = True
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        os.chmod(path, 0o666)
        self._listener.listen(16)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer:
                if self._over.is_set():
                    return
                peer.settimeout(PATIENCE)
                with contextlib.suppress(OSError):
                    self._answer(peer)

    def _answer(self, peer: socket.socket) -> None:
        peer.recv(1 << 16)
        for piece in self.pieces:
            peer.sendall(piece)
            self._until_read(peer)
        if not self.closes:
            while peer.recv(1 << 16):
                pass

    def _until_read(self, peer: socket.socket) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            left = fcntl.ioctl(peer, termios.TIOCOUTQ, bytes(4))
            if not struct.unpack("i", left)[0]:
                return
            if self._gone(peer):
                return
            time.sleep(0)

    @staticmethod
    def _gone(peer: socket.socket) -> bool:
        # A socket with a timeout would wait in recv, even with MSG_DONTWAIT.
        ready = select.select([peer], [], [], 0)[0]
        return bool(ready) and peer.recv(1, socket.MSG_PEEK) == b""

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as last:
            last.connect(str(self.path))
        self._thread.join(PATIENCE)
        self._listener.close()
