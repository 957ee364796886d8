"""Reading one elementary file of a chip: SELECT, READ BINARY until its own length is reached (ICAO Doc 9303-10, 3.6).

A file's length stands in its first bytes (BER-TLV). Up to 32,767 the offset is in P1-P2; beyond, in the odd instruction's data.
"""

from __future__ import annotations

from collections.abc import Callable

from hw.emrtd.channel import Channel, smaller_size
from hw.emrtd.protocol.step import Step, StepFailed, status_cause
from hw.emrtd.wire import apdu

FILE_SIZE_MAX = 256 * 1024  # chosen: above any portrait or finger image a document carries
_OVERHEAD_MAX = 5  # of the odd instruction's data object


def read_file(channel: Channel, identifier: int, content: bytearray, tell: Callable[[int, int], None]) -> Step[None]:
    """Appends to content what is missing of the file; content: what an earlier, torn reading of the same file has left.

    tell(size, size_total) is called after each exchange. Raises StepFailed, CardError; content may be resumed after a CardError only.
    """
    selected = yield from channel.exchange(apdu.select_file(identifier))
    if selected.sw != apdu.SW_OK:
        raise StepFailed(status_cause(selected.sw))
    if not content:
        content += yield from _chunk(channel, 0, channel.size_max, size_known=False)
    size_total = _file_size(content)
    if size_total > FILE_SIZE_MAX:
        raise StepFailed("too_long")
    tell(min(len(content), size_total), size_total)
    while len(content) < size_total:
        content += yield from _chunk(channel, len(content), size_total - len(content), size_known=True)
        tell(min(len(content), size_total), size_total)
    del content[size_total:]


def _chunk(channel: Channel, offset: int, rest: int, *, size_known: bool) -> Step[bytes]:
    """At least one byte of the current file from offset, at most rest or a few more.

    size_known: rest is certainly there, so that a refusal of the length tells the chip's limit; otherwise it may be the file's end.
    """
    odd = offset > apdu.EVEN_OFFSET_MAX
    size = min(rest + _OVERHEAD_MAX * odd, channel.size_max)
    while True:
        response = yield from channel.exchange(apdu.read_binary(offset, size))
        smaller = smaller_size(response.sw, size)
        if smaller is None:
            break
        size = smaller  # strictly less each time
        if size_known:
            channel.limit(size)
    if response.sw not in (apdu.SW_OK, apdu.SW_END_OF_FILE):
        raise StepFailed(status_cause(response.sw))
    content = apdu.unwrap_content(response.data) if odd else response.data
    if not content or len(response.data) > size:
        raise StepFailed("malformed")
    return content


def _file_size(head: bytes | bytearray) -> int:
    """The file's size from its tag (one byte, Doc 9303-10) and length. head: its first bytes."""
    if len(head) < 2:
        raise StepFailed("malformed")
    if head[1] < 0x80:
        return 2 + head[1]
    count = head[1] & 0x7F
    if not 1 <= count <= 4 or len(head) < 2 + count:
        raise StepFailed("malformed")
    return 2 + count + int.from_bytes(head[2 : 2 + count], "big")
