"""Fingerprint images compressed by wavelet scalar quantisation (FBI, IAFIS-IC-0110, version 3.1): bytes to pixels.

    SOI  segments, in any order: DTT filters, DQT quantisation, DHT Huffman tables, SOF size, COM comments
    SOB  Huffman-coded coefficients of a few subbands, three times;  EOI

Our own decoder: what reaches it comes from a document nobody has verified yet, and the reference implementation's C code (NBIS, in
the package `wsq`) can be made to read and write outside its buffers. Not read: filters of even length, which no issuer uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from egate.domain.biometric import Image
from egate.errors import ImageError
from egate.inference.image.wsq_kernel import CODE_BITS_MAX, decode_block
from egate.inference.image.wsq_transform import band_regions, synthesise

SOI, EOI, SOF, SOB, DTT, DQT, DHT, COM = 0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA8
_SEGMENTS = frozenset({SOF, SOB, DTT, DQT, DHT, 0xA7, COM})  # A7: restart interval, not used by any decoder
SEGMENT_COUNT_MAX = 64  # chosen: files have about ten
PIXELS_MAX = 4_000_000  # chosen: four fingers at 500 dpi are half of it
SIDE_MIN = 64  # 3 mm of skin; five splits leave two coefficients
SCALE_MAX = 20  # digits behind the point; single precision has none beyond
FILTER_SIZE_MAX = 31
BAND_COUNT, CODED_BAND_COUNT = 64, 60  # the last four are never transmitted
TABLE_COUNT = 8
_NIST_PPI = re.compile(rb"^PPI (\d{1,5})$", re.MULTILINE)  # in the comment that NIST's encoder writes

F4 = NDArray[np.float32]


@dataclass(slots=True)
class _File:
    """What the segments say. blocks: Huffman table and coded bytes."""

    width: int = 0
    height: int = 0
    shift: float = 0.0
    scale: float = 0.0
    dpi: float | None = None
    lowpass: F4 | None = None
    highpass: F4 | None = None
    centre: float = 0.0
    bins: list[tuple[float, float]] = field(default_factory=list)
    tables: dict[int, tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]] = field(default_factory=dict)
    blocks: list[tuple[int, bytes]] = field(default_factory=list)


def read_size(data: bytes) -> tuple[int, int, float | None]:
    """Width, height and stated resolution; raises ImageError unless the file is complete."""
    width = height = 0
    dpi: float | None = None
    for marker, body in _segments(data):
        if marker == SOF:
            if width:
                raise _corrupt("WSQ has two frames")
            height, width = _number(body, 2, 2), _number(body, 4, 2)
        elif marker == COM and (found := _NIST_PPI.search(body)) and int(found[1]) > 0:
            dpi = float(int(found[1]))
    return width, height, dpi


def decode_wsq(data: bytes) -> Image:
    """(h, w) uint8. Raises ImageError with code IMAGE_FORMAT, IMAGE_TRUNCATED, IMAGE_CORRUPT or IMAGE_SIZE. Thread-safe."""
    width, height, _ = read_size(data)
    if width * height > PIXELS_MAX or min(width, height) < SIDE_MIN:
        raise ImageError("WSQ image is too large or too small", code="IMAGE_SIZE")
    file = _read(data)
    if file.lowpass is None or file.highpass is None or len(file.bins) != BAND_COUNT or not file.blocks:
        raise _corrupt("WSQ lacks a segment")
    coefficients = _dequantise(_coefficients(file), file)
    with np.errstate(over="ignore", invalid="ignore"):  # coefficients of a forged file may overflow
        pixels = synthesise(coefficients, file.lowpass, file.highpass) * np.float32(file.scale) + np.float32(file.shift)
        pixels = np.clip(np.nan_to_num(pixels + 0.5), 0.0, 255.0)
    return np.ascontiguousarray(pixels.astype(np.uint8))


def warm_up() -> None:
    """Compiles the kernel (or loads it from numba's cache), so that no traveller waits for it."""
    empty = np.zeros(CODE_BITS_MAX, np.int32)
    decode_block(np.frombuffer(b"\x00", np.uint8), empty - 1, empty, empty, np.zeros(1, np.int32), 0)


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment up to EOI. The content of SOB is the table's number and the coded bytes."""
    if data[:2] != bytes([0xFF, SOI]):
        raise ImageError("image is not WSQ", code="IMAGE_FORMAT")
    position = 2
    for _ in range(SEGMENT_COUNT_MAX):
        marker = _number(data, position, 2) & 0xFF
        if data[position] != 0xFF:
            raise _corrupt("WSQ marker expected")
        if marker == EOI:
            return
        size = _number(data, position + 2, 2)
        end = position + 2 + size
        if marker not in _SEGMENTS or size < 2:
            raise _corrupt("WSQ segment malformed")
        if end > len(data):
            raise _truncated()
        body = data[position + 4 : end]
        if marker == SOB:
            start, end = end, _coded_end(data, end)
            body += data[start:end]
        yield marker, body
        position = end
    raise _corrupt("WSQ has too many segments")


def _coded_end(data: bytes, position: int) -> int:
    """Where the next marker begins: FF is followed by 00 inside coded bytes."""
    while True:
        position = data.find(b"\xff", position)
        if position < 0 or position + 1 >= len(data):
            raise _truncated()
        if data[position + 1] != 0:
            return position
        position += 2


def _read(data: bytes) -> _File:
    file = _File()
    for marker, body in _segments(data):
        if marker == SOF:
            file.height, file.width = _number(body, 2, 2), _number(body, 4, 2)
            file.shift, file.scale = _scaled(body, 6, 2), _scaled(body, 9, 2)
        elif marker == DTT:
            file.highpass, file.lowpass = _filters(body)
        elif marker == DQT:
            file.centre = _scaled(body, 0, 2)
            file.bins = [(_scaled(body, at, 2), _scaled(body, at + 3, 2)) for at in range(3, 3 + 6 * BAND_COUNT, 6)]
        elif marker == DHT:
            _tables(body, file)
        elif marker == SOB:
            file.blocks.append((_number(body, 0, 1), body[1:].replace(b"\xff\x00", b"\xff")))
    return file


def _filters(body: bytes) -> tuple[F4, F4]:
    """Synthesis filters, high pass and low pass. The file has the right halves of the analysis filters, low pass first.

    A synthesis filter is the other analysis filter with every second sign turned.
    """
    sizes, at = (_number(body, 0, 1), _number(body, 1, 1)), 2
    filters = []
    for size in sizes:
        if size % 2 == 0 or size > FILTER_SIZE_MAX:
            raise ImageError("WSQ filter has a length that is not read", code="IMAGE_FORMAT")
        half = []
        for index in range((size + 1) // 2):
            sign = -1.0 if (_number(body, at, 1) != 0) != (index % 2 == 1) else 1.0
            half.append(sign * _scaled(body, at + 1, 4))
            at += 6
        filters.append(np.array(half[:0:-1] + half, np.float32))
    return filters[0], filters[1]


def _tables(body: bytes, file: _File) -> None:
    """Canonical codes, as in JPEG (T.81, annex C): per length the largest code, and where its values are less its first code."""
    at = 0
    while at < len(body):
        number, counts = _number(body, at, 1), body[at + 1 : at + 1 + CODE_BITS_MAX]
        total = sum(counts)
        values = body[at + 1 + CODE_BITS_MAX : at + 1 + CODE_BITS_MAX + total]
        if number >= TABLE_COUNT or len(counts) != CODE_BITS_MAX or len(values) != total or total > 256:
            raise _corrupt("WSQ Huffman table malformed")
        largest, offset = np.full(CODE_BITS_MAX, -1, np.int32), np.zeros(CODE_BITS_MAX, np.int32)
        code = index = 0
        for bits, count in enumerate(counts):
            offset[bits] = index - code
            code, index = code + count, index + count
            if code > 2 << bits:
                raise _corrupt("WSQ Huffman table has too many codes")
            largest[bits] = code - 1 if count else -1
            code <<= 1
        file.tables[number] = largest, offset, np.frombuffer(values, np.uint8).astype(np.int32)
        at += 1 + CODE_BITS_MAX + total


def _coefficients(file: _File) -> NDArray[np.int32]:
    """The quantised coefficients of all coded subbands, one after the other."""
    regions = band_regions(file.width, file.height)[:CODED_BAND_COUNT]
    total = sum(w * h for (_, _, w, h), (size, _) in zip(regions, file.bins, strict=False) if size > 0)
    out = np.zeros(total, np.int32)
    position = 0
    for number, coded in file.blocks:
        if number not in file.tables:
            raise _corrupt("WSQ Huffman table is missing")
        position = int(decode_block(np.frombuffer(coded, np.uint8), *file.tables[number], out, position))
        if position < 0:
            raise _corrupt("WSQ coefficients malformed")
    if position != total:
        raise ImageError("WSQ has fewer coefficients than its size needs", code="IMAGE_TRUNCATED")
    return out


def _dequantise(quantised: NDArray[np.int32], file: _File) -> F4:
    """(h, w): each coefficient at the middle of its bin, in the place of its subband."""
    image = np.zeros((file.height, file.width), np.float32)
    at = 0
    for (x, y, w, h), (size, zero) in zip(
        band_regions(file.width, file.height), file.bins[:CODED_BAND_COUNT], strict=False
    ):
        if not size > 0:
            continue
        band = quantised[at : at + w * h].reshape(h, w).astype(np.float32)
        at += w * h
        sign = np.sign(band)
        image[y : y + h, x : x + w] = np.float32(size) * (band - sign * np.float32(file.centre)) + sign * np.float32(
            zero / 2
        )
    return image


def _scaled(body: bytes, at: int, size: int) -> float:
    """A decimal number: digits behind the point in one byte, then all digits as an integer."""
    digits = _number(body, at, 1)
    if digits > SCALE_MAX:
        raise _corrupt("WSQ number malformed")
    return _number(body, at + 1, size) / 10.0**digits


def _number(data: bytes, at: int, size: int) -> int:
    piece = data[at : at + size]
    if len(piece) != size:
        raise _truncated()
    return int.from_bytes(piece, "big")


def _corrupt(what: str) -> ImageError:
    return ImageError(what, code="IMAGE_CORRUPT")


def _truncated() -> ImageError:
    return ImageError("WSQ ends before its data does", code="IMAGE_TRUNCATED")
