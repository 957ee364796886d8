"""The numba kernel of WSQ: Huffman-coded coefficients (IAFIS-IC-0110, version 3.1, annex C). Releases the GIL."""

from __future__ import annotations

from numba import njit

CODE_BITS_MAX = 16
FILL_BITS_MAX = 16  # after the last coefficient the byte is filled, and an encoder may add one


@njit(cache=True, nogil=True)
def decode_block(  # type: ignore[no-untyped-def]
    coded, largest, offset, values, out, position
):
    """Coefficients of one block into out from position on; the new position, or -1 where the bytes are no such block.

    coded: (n,) uint8 without stuffing. largest, offset: (16,) int32 by code length less one; values: (m,) int32. out: (k,) int32.
    Symbols: 1-100 so many zeros; 101, 102 a value of 8 bits, negated; 103, 104 one of 16 bits; 105, 106 a run of 8 or 16 bits;
    107-254 a value 180 less.
    """
    bit, bit_count, total = 0, coded.size * 8, out.size
    while position < total:
        code, bits, symbol = 0, 0, -1
        while symbol < 0:
            if bit >= bit_count:
                return position  # ones that fill the last byte
            code = code << 1 | (coded[bit >> 3] >> (7 - (bit & 7))) & 1
            bit += 1
            if largest[bits] >= 0 and code <= largest[bits]:
                index = code + offset[bits]
                if index < 0 or index >= values.size:
                    return -1
                symbol = values[index]
            elif bits == CODE_BITS_MAX - 1:
                return -1
            bits += 1
        if 101 <= symbol <= 106:
            width = 8 if symbol in (101, 102, 105) else 16
            if bit + width > bit_count:
                return -1
            extra = 0
            for _ in range(width):
                extra = extra << 1 | (coded[bit >> 3] >> (7 - (bit & 7))) & 1
                bit += 1
        if 107 <= symbol <= 254:
            out[position] = symbol - 180
            position += 1
        elif symbol in (101, 103):
            out[position] = extra
            position += 1
        elif symbol in (102, 104):
            out[position] = -extra
            position += 1
        elif 1 <= symbol <= 100:
            position += symbol
        elif symbol in (105, 106):
            position += extra
        else:
            return -1
        if position > total:
            return -1
    return position if bit_count - bit < FILL_BITS_MAX else -1
