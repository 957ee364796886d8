"""A small network camera: RTSP (RFC 2326) over TCP, pictures as RTP/JPEG (RFC 2435) between the messages of the same connection.

It models what FFmpeg, the client, needs to play, basic authentication, and two faults: `stall` (connected, but silent) and `close`.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

import cv2

from hw.camera.synthetic import Mode, picture

FPS = 15
WIDTH, HEIGHT = 320, 240  # multiples of 8: RFC 2435, 3.1.5
FRAGMENT_BYTES = 8_000
NOBODY_S = 1.0
RTP_JPEG = 26  # payload type, RFC 3551
SDP = f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP {RTP_JPEG}\r\na=control:track\r\na=framerate:{FPS}\r\n"


@dataclass
class RtspCamera:
    """Listens on loopback at once. credentials "user:password": whoever does not give them is refused. port 0: any."""

    credentials: str = ""
    port: int = 0
    mode: Mode = Mode.MOVING
    stall: threading.Event = field(default_factory=threading.Event)
    refused: int = 0
    _closed: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _sockets: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._run(self._accept)

    def close(self) -> None:
        self._closed.set()
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(5.0)

    def write(self, data: bytes) -> None:
        """Noise to whoever is connected, in the midst of whatever it is being sent. Waits NOBODY_S if nobody is."""
        taken = False
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.sendall(data)
                taken = True
        if not taken:
            self._closed.wait(NOBODY_S)

    def _run(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._closed.is_set():
                client, _ = self._listener.accept()
                self._sockets.append(client)
                self._run(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), client, client.makefile("rb") as incoming:
            while request := incoming.readline():
                method = request.split()[0].decode()
                headers = {}
                while line := incoming.readline().strip():
                    name, _, value = line.decode().partition(": ")
                    headers[name.lower()] = value
                client.sendall(self._answer(method, headers).encode())
                if method == "PLAY":
                    self._run(self._play, client)

    def _answer(self, method: str, headers: dict[str, str]) -> str:
        start, sequence = "RTSP/1.0 200 OK\r\n", f"CSeq: {headers['cseq']}\r\nSession: 1\r\n"
        given = headers.get("authorization", "").removeprefix("Basic ")
        if self.credentials and base64.b64encode(self.credentials.encode()).decode() != given:
            self.refused += 1
            return f'RTSP/1.0 401 Unauthorized\r\n{sequence}WWW-Authenticate: Basic realm="camera"\r\n\r\n'
        if method == "DESCRIBE":
            return f"{start}{sequence}Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n\r\n{SDP}"
        if method == "SETUP":
            return f"{start}{sequence}Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
        return f"{start}{sequence}Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n"

    def _play(self, client: socket.socket) -> None:
        number = sequence = 0
        with contextlib.suppress(OSError):
            while not self._closed.wait(1 / FPS):
                if self.stall.is_set():
                    continue
                for packet in packets(picture(self.mode, 1, number, WIDTH, HEIGHT), sequence):
                    client.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
                    sequence += 1
                number += 1


def packets(image: object, sequence: int) -> list[bytes]:
    """RTP packets of one picture. Its JPEG has the Huffman tables of the standard's annex, as RFC 2435 wants, 4:2:0."""
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()  # type: ignore[call-overload]
    tables, at = b"", 2
    while jpeg[at + 1] != 0xDA:  # up to the start of the scan
        size = int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] == 0xDB:
            segment = jpeg[at + 4 : at + 2 + size]
            tables += b"".join(segment[index + 1 : index + 65] for index in range(0, len(segment), 65))
        at += 2 + size
    scan = jpeg[at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big") : -2]
    timestamp = int(time.monotonic() * 90_000) & 0xFFFFFFFF
    made: list[bytes] = []
    for start in range(0, len(scan), FRAGMENT_BYTES):
        fragment = scan[start : start + FRAGMENT_BYTES]
        last = start + FRAGMENT_BYTES >= len(scan)
        header = struct.pack(">BBHII", 0x80, RTP_JPEG | last << 7, (sequence + len(made)) & 0xFFFF, timestamp, 1)
        header += struct.pack(">IBBBB", start, 1, 255, WIDTH // 8, HEIGHT // 8)
        if not start:
            header += struct.pack(">BBH", 0, 0, len(tables)) + tables
        made.append(header + fragment)
    return made
