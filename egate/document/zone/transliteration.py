"""National characters to the alphabet of the zone: ICAO Doc 9303-3, section 6 (eighth edition 2021).

Tables A (Latin), B (Cyrillic) and C (Arabic). Where a table leaves the state a choice, the first alternative is taken, and
the exceptions of table B are chosen by the issuing state's code. Beyond the tables a letter loses its diacritics if a
letter of A-Z remains (Vietnamese, for one); anything else raises ValueError: a name is never written with holes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

NAME_SIZE_MAX = 256  # chosen; the zone has 39 places, a printed page perhaps 100

# Table A: what does not simply lose its diacritics.
_LATIN = {
    "Ä": "AE",
    "Å": "AA",
    "Æ": "AE",
    "Đ": "D",
    "Ð": "D",
    "Ħ": "H",
    "ı": "I",
    "Ĳ": "IJ",
    "Ŀ": "L",
    "Ł": "L",
    "Ŋ": "N",
    "Ö": "OE",
    "Ø": "OE",
    "Œ": "OE",
    "ẞ": "SS",
    "ß": "SS",
    "Þ": "TH",
    "Ŧ": "T",
    "Ü": "UE",
    "ĸ": "Q",
    "Ə": "E",  # not in the table; what Azerbaijan prints
}

# Table B. The soft sign has no row and is not written; Ѓ and Ћ have none either and are written as their languages do (the
# table's remark "Macedonian = GJ" stands at Ғ, which Macedonian does not have, and Ћ's glyph at the code of Ђ).
_CYRILLIC_ROWS = (
    "Ё:E Ђ:D Ѓ:G Є:IE Ѕ:DZ І:I Ї:I Ј:J Љ:LJ Њ:NJ Ћ:C Ќ:K Ў:U Џ:DZ А:A Б:B В:V Г:G Д:D Е:E Ж:ZH З:Z И:I Й:I К:K Л:L "
    "М:M Н:N О:O П:P Р:R С:S Т:T У:U Ф:F Х:KH Ц:TS Ч:CH Ш:SH Щ:SHCH Ъ:IE Ы:Y Ь: Э:E Ю:IU Я:IA Ѫ:U Ѵ:Y Ґ:G Ғ:G Һ:C"
)
# Table B, remarks: what a language writes otherwise, by the state that prints it. Г = H for Serbian is as the table has it.
_CYRILLIC_OF: Mapping[str, Mapping[str, str]] = {
    "BLR": {"Ё": "IO", "Г": "H"},
    "BGR": {"Щ": "SHT"},
    "MKD": {"Ѓ": "GJ", "Ќ": "KJ", "Џ": "DJ", "Х": "H", "Ц": "C", "Ғ": "GJ"},
    "SRB": {"Г": "H", "Ж": "Z", "Х": "H", "Ц": "C", "Ч": "C", "Ш": "S"},
    "UKR": {"Г": "H", "И": "Y"},
}
_UKRAINIAN_FIRST = {"Є": "YE", "Ї": "YI", "Й": "Y", "Ю": "YU", "Я": "YA"}  # at the beginning of a name only

# Table C: Arabic, Persian, Pashto, Urdu. Vowel signs and the tatweel are not written.
_ARABIC_ROWS = (
    "0621:XE 0622:XAA 0623:XAE 0624:U 0625:I 0626:XI 0627:A 0628:B 0629:XTA 062A:T 062B:XTH 062C:J 062D:XH 062E:XKH "
    "062F:D 0630:XDH 0631:R 0632:Z 0633:S 0634:XSH 0635:XSS 0636:XDZ 0637:XTT 0638:XZZ 0639:E 063A:G 0640: 0641:F "
    "0642:Q 0643:K 0644:L 0645:M 0646:N 0647:H 0648:W 0649:XAY 064A:Y 064B: 064C: 064D: 064E: 064F: 0650: 0652: 0670: "
    "0671:XXA 0679:XXT 067C:XRT 067E:P 0681:XKE 0685:XXH 0686:XC 0688:XXD 0689:XDR 0691:XXR 0693:XRR 0696:XRX 0698:XJ "
    "069A:XXS 06A9:XKK 06AB:XXK 06AD:XNG 06AF:XGG 06BA:XNN 06BC:XXN 06BE:XDO 06C0:XYH 06C1:XXG 06C2:XGE 06C3:XTG "
    "06CC:XYA 06CD:XXY 06D0:Y 06D2:XYB 06D3:XBE"
)
_SHADDA = "\u0651"  # doubles the letter before it
_TEH_MARBUTA, _TEH_MARBUTA_LAST = "\u0629", "XAH"

_TABLE: dict[str, str] = (
    _LATIN
    | dict(row.split(":") for row in _CYRILLIC_ROWS.split())
    | {chr(int(code, 16)): text for code, text in (row.split(":") for row in _ARABIC_ROWS.split())}
)

# Doc 9303-3, 4.6: a hyphen becomes a filler between parts, and so does a comma that does not separate the identifiers.
_SEPARATORS = frozenset(" -\u2010\u2011\u00a0/,")
_OMITTED = frozenset("'\u2019\u02bc`.")  # 4.6: apostrophes and full stops are left out, the parts around them joined


def transliterate(name: str, state: str = "") -> str:
    """A name in A-Z, its parts separated by one space. state: the issuing state's code in the zone, for table B's remarks.

    Raises ValueError if a character is in no table, the name is longer than 256 characters, or nothing remains.
    """
    if len(name) > NAME_SIZE_MAX:
        raise ValueError("name is too long")
    text = unicodedata.normalize("NFC", name)
    parts = "".join(" " if character in _SEPARATORS else character for character in text if character not in _OMITTED)
    written = [_part(part, state) for part in parts.split()]
    result = " ".join(part for part in written if part)
    if not result:
        raise ValueError("nothing remains of the name")
    return result


def _part(part: str, state: str) -> str:
    own = _CYRILLIC_OF.get(state, {})
    letters = [character if character in _TABLE else character.upper() for character in part]
    written: list[str] = []
    for index, character in enumerate("".join(letters)):
        if character == _SHADDA:
            written.append(written[-1] if written else "")
        elif index == 0 and state == "UKR" and character in _UKRAINIAN_FIRST:
            written.append(_UKRAINIAN_FIRST[character])
        elif character == _TEH_MARBUTA and index == len(part) - 1:
            written.append(_TEH_MARBUTA_LAST)
        else:
            written.append(own[character] if character in own else _letter(character))
    return "".join(written)


def _letter(character: str) -> str:
    if "A" <= character <= "Z":
        return character
    if character in _TABLE:
        return _TABLE[character]
    bare = "".join(mark for mark in unicodedata.normalize("NFD", character) if not unicodedata.combining(mark))
    if len(bare) == 1 and "A" <= bare <= "Z":
        return bare
    raise ValueError("a character of the name is in no table of Doc 9303-3, section 6")
