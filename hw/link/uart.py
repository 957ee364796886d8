"""What a UART makes of bytes that were sent at another speed: the line is drawn bit by bit and sampled again.

    idle 1 | start 0 | eight data bits, the lowest first | stop 1 | next start 0 or idle 1        (8 data bits, no parity)

A receiver waits for the line to fall, then samples the middle of its own bits: at 1.5, 2.5, ... 8.5 bit times the data. It takes what
it sampled, whatever the stop bit says: Linux hands on a byte with a framing error as it came, unless INPCK is set (termios(3)), and
pyserial clears that. From the middle of the stop bit on it waits for the next fall. Each call begins and ends with an idle line.

Not modelled: noise, parity, the fraction of a bit by which real receivers resynchronise.
"""

from __future__ import annotations

_FRAME_BITS = 10


def resample(data: bytes, sent_baud: int, heard_baud: int) -> bytes:
    """data as a receiver at heard_baud hears it, sent back to back at sent_baud. Equal speeds change nothing; within some 4 % neither."""
    if sent_baud == heard_baud or not data:
        return data
    line = _line(data)
    # Time in units of 1 / (sent_baud * heard_baud) s: all sampling is exact in integers.
    sent_bit, heard_bit = heard_baud, sent_baud
    heard = bytearray()
    at: int | None = _fall(line, 0, sent_bit)
    while at is not None:
        samples = (_level(line, at + (2 * index + 1) * heard_bit // 2, sent_bit) for index in range(1, 9))
        heard.append(sum(level << place for place, level in enumerate(samples)))
        at = _fall(line, at + (2 * _FRAME_BITS - 1) * heard_bit // 2, sent_bit)
    return bytes(heard)


def _line(data: bytes) -> list[int]:
    return [level for byte in data for level in (0, *(byte >> place & 1 for place in range(8)), 1)]


def _level(line: list[int], at: int, sent_bit: int) -> int:
    index = at // sent_bit
    return line[index] if index < len(line) else 1


def _fall(line: list[int], since: int, sent_bit: int) -> int | None:
    """When the line next falls, not before since; at 0 it falls from idle. None if it stays as it is."""
    if since == 0:
        return 0
    for index in range(since // sent_bit + 1, len(line)):
        if line[index] == 0 and line[index - 1] == 1:
            return index * sent_bit
    return None
