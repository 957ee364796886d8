"""The states and organisations of a machine readable zone and the two-letter codes of their certificates.

ICAO Doc 9303-3, section 5 (eighth edition 2021): ISO 3166-1 alpha-3 with the exceptions and additions of its parts B to E.
A certificate's countryName is the two-letter code (Doc 9303-12, 7.1.1).
"""

from __future__ import annotations

# ISO 3166-1 (249 codes): alpha-3 and alpha-2.
_ISO_3166_TEXT = """
ABW:AW AFG:AF AGO:AO AIA:AI ALA:AX ALB:AL AND:AD ARE:AE ARG:AR ARM:AM ASM:AS ATA:AQ ATF:TF ATG:AG AUS:AU AUT:AT AZE:AZ
BDI:BI BEL:BE BEN:BJ BES:BQ BFA:BF BGD:BD BGR:BG BHR:BH BHS:BS BIH:BA BLM:BL BLR:BY BLZ:BZ BMU:BM BOL:BO BRA:BR BRB:BB
BRN:BN BTN:BT BVT:BV BWA:BW CAF:CF CAN:CA CCK:CC CHE:CH CHL:CL CHN:CN CIV:CI CMR:CM COD:CD COG:CG COK:CK COL:CO COM:KM
CPV:CV CRI:CR CUB:CU CUW:CW CXR:CX CYM:KY CYP:CY CZE:CZ DEU:DE DJI:DJ DMA:DM DNK:DK DOM:DO DZA:DZ ECU:EC EGY:EG ERI:ER
ESH:EH ESP:ES EST:EE ETH:ET FIN:FI FJI:FJ FLK:FK FRA:FR FRO:FO FSM:FM GAB:GA GBR:GB GEO:GE GGY:GG GHA:GH GIB:GI GIN:GN
GLP:GP GMB:GM GNB:GW GNQ:GQ GRC:GR GRD:GD GRL:GL GTM:GT GUF:GF GUM:GU GUY:GY HKG:HK HMD:HM HND:HN HRV:HR HTI:HT HUN:HU
IDN:ID IMN:IM IND:IN IOT:IO IRL:IE IRN:IR IRQ:IQ ISL:IS ISR:IL ITA:IT JAM:JM JEY:JE JOR:JO JPN:JP KAZ:KZ KEN:KE KGZ:KG
KHM:KH KIR:KI KNA:KN KOR:KR KWT:KW LAO:LA LBN:LB LBR:LR LBY:LY LCA:LC LIE:LI LKA:LK LSO:LS LTU:LT LUX:LU LVA:LV MAC:MO
MAF:MF MAR:MA MCO:MC MDA:MD MDG:MG MDV:MV MEX:MX MHL:MH MKD:MK MLI:ML MLT:MT MMR:MM MNE:ME MNG:MN MNP:MP MOZ:MZ MRT:MR
MSR:MS MTQ:MQ MUS:MU MWI:MW MYS:MY MYT:YT NAM:NA NCL:NC NER:NE NFK:NF NGA:NG NIC:NI NIU:NU NLD:NL NOR:NO NPL:NP NRU:NR
NZL:NZ OMN:OM PAK:PK PAN:PA PCN:PN PER:PE PHL:PH PLW:PW PNG:PG POL:PL PRI:PR PRK:KP PRT:PT PRY:PY PSE:PS PYF:PF QAT:QA
REU:RE ROU:RO RUS:RU RWA:RW SAU:SA SDN:SD SEN:SN SGP:SG SGS:GS SHN:SH SJM:SJ SLB:SB SLE:SL SLV:SV SMR:SM SOM:SO SPM:PM
SRB:RS SSD:SS STP:ST SUR:SR SVK:SK SVN:SI SWE:SE SWZ:SZ SXM:SX SYC:SC SYR:SY TCA:TC TCD:TD TGO:TG THA:TH TJK:TJ TKL:TK
TKM:TM TLS:TL TON:TO TTO:TT TUN:TN TUR:TR TUV:TV TWN:TW TZA:TZ UGA:UG UKR:UA UMI:UM URY:UY USA:US UZB:UZ VAT:VA VCT:VC
VEN:VE VGB:VG VIR:VI VNM:VN VUT:VU WLF:WF WSM:WS YEM:YE ZAF:ZA ZMB:ZM ZWE:ZW
"""

_OTHERS = {
    "D": "DE",  # Doc 9303-3, 5: Germany is D<<, not DEU
    # Part B: kinds of British nationality; documents and certificates are the United Kingdom's.
    "GBD": "GB",
    "GBN": "GB",
    "GBO": "GB",
    "GBP": "GB",
    "GBS": "GB",
    "EUE": "EU",  # laissez-passer of the European Union
    # Part C: United Nations, specialised agencies, residents of Kosovo with a document of UNMIK
    "UNO": "UN",
    "UNA": "UN",
    "UNK": "UN",
    # Kosovo is in neither list. Its passports print RKS and its CSCA is KS; XKX and XK are what others use for it.
    "RKS": "KS",
    "XKX": "KS",
    "UTO": "UT",  # Utopia: the specimens of Doc 9303
}

# Part D, organisations for whose certificates no two-letter code is published: African Development Bank, African
# Export-Import Bank, CARICOM, Council of Europe, COMESA, SADC, ECOWAS, OECS, Parliamentary Assembly of the
# Mediterranean, Sovereign Military Order of Malta, INTERPOL.
_ORGANISATIONS = frozenset({"XBA", "XIM", "XCC", "XCE", "XCO", "XDC", "XEC", "XES", "XMP", "XOM", "XPO"})

# Part E: stateless (XXA), refugees (XXB, XXC), nationality not stated (XXX). They issue nothing.
_WITHOUT_STATE = frozenset({"XXA", "XXB", "XXC", "XXX"})

ISO_3166 = dict(pair.split(":") for pair in _ISO_3166_TEXT.split())
_ALPHA2 = ISO_3166 | _OTHERS
_ALIASES = {"KS": frozenset({"KS", "XK"})}


def alpha2(state: str) -> str | None:
    """The two-letter code of an issuing state's certificates, e.g. "DE" for "D" (or "D<<"); None if it is not known.

    Use certificate_countries to hold a certificate against a state: some states have two codes.
    """
    return _ALPHA2.get(state.rstrip("<"))


def certificate_countries(state: str) -> frozenset[str]:
    """Every two-letter code, upper case, that certificates of this state may carry; empty if none is known."""
    code = alpha2(state)
    return frozenset() if code is None else _ALIASES.get(code, frozenset({code}))


def is_state_code(code: str) -> bool:
    """Whether a zone may name this as issuing state or organisation, or as nationality. code: fillers allowed at its end."""
    bare = code.rstrip("<")
    return bare in _ALPHA2 or bare in _ORGANISATIONS or bare in _WITHOUT_STATE


def is_issuer_code(code: str) -> bool:
    """As is_state_code, without the codes of persons who have no state: nobody issues under those."""
    return is_state_code(code) and code.rstrip("<") not in _WITHOUT_STATE
