"""Names in the zone's alphabet: worked examples of Doc 9303-3 and what no table covers."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egate.document.zone.transliteration import transliterate


@pytest.mark.parametrize(
    ("name", "written"),
    [
        # Doc 9303-3, appendix B.5.7 and B.5.9
        ("ابو بكر محمد بن زكريا الرازي", "ABW BKR MXHMD BN ZKRYA ALRAZY"),
        ("جمال عبد الناصر", "JMAL EBD ALNAXSSR"),
        ("إسماعيل عزّ الدين", "ISMAEYL EZZ ALDYN"),
        ("جميلة نعيمة", "JMYLXAH NEYMXAH"),
        ("هاري الشماع", "HARY ALXSHMAE"),
        ("عبّاس", "EBBAS"),  # B.5.5, note 3: shadda doubles
        # Doc 9303-3, 4.6 and -4, 4.2.3: punctuation
        ("Smith-Jones", "SMITH JONES"),
        ("O'Connor", "OCONNOR"),
        ("Garcia, Lopez", "GARCIA LOPEZ"),
        ("van der Muellen", "VAN DER MUELLEN"),
        # section 6 A
        ("Térèsa CAÑON", "TERESA CANON"),
        ("Müller-Ørsted", "MUELLER OERSTED"),
        ("Groß", "GROSS"),
        ("Þór Æsir", "THOR AESIR"),
        ("İpek ışık", "IPEK ISIK"),
        ("Wałęsa", "WALESA"),
    ],
)
def test_published_tables(name: str, written: str) -> None:
    assert transliterate(name) == written


@pytest.mark.parametrize(
    ("name", "state", "written"),
    [
        ("Щербаков Юрий", "RUS", "SHCHERBAKOV IURII"),
        ("Щерев", "BGR", "SHTEREV"),
        ("Юрій Їжак", "UKR", "YURII YIZHAK"),
        ("Георгій", "UKR", "HEORHII"),
        ("Жарко Чучковић", "SRB", "ZARKO CUCKOVIC"),
        ("Ќосе Џамбаз", "MKD", "KJOSE DJAMBAZ"),
        ("Гёрлов", "BLR", "HIORLOV"),
        ("Гёрлов", "RUS", "GERLOV"),
    ],
)
def test_cyrillic_by_state(name: str, state: str, written: str) -> None:
    assert transliterate(name, state) == written


def test_beyond_the_tables_only_diacritics_are_dropped() -> None:
    assert transliterate("Nguyễn Văn Đức") == "NGUYEN VAN DUC"
    for name in ("山田", "Αλέξης", "Anna1", "x\x00", "Dvo☃"):
        with pytest.raises(ValueError, match="no table"):
            transliterate(name)


@pytest.mark.parametrize("name", ["", "   ", "'", "Ь", "A" * 257])
def test_no_name_remains_or_it_is_endless(name: str) -> None:
    with pytest.raises(ValueError):
        transliterate(name)


@given(st.text(max_size=40))
def test_composed_or_decomposed_is_the_same_name_in_the_zones_alphabet(name: str) -> None:
    try:
        written = transliterate(name)
    except ValueError:
        return
    assert set(written) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    assert transliterate(unicodedata.normalize("NFD", name)) == written
