"""Terminal authentication, version 1 (BSI TR-03110-1, 3.5; TR-03110-3, B.3): the chip learns who asks, and opens DG3 and DG4.

    per certificate   MSE:Set DST          83 authority;  PSO:Verify Certificate   7F4E body, 5F37 signature
    then              MSE:Set AT           83 terminal
                      GET CHALLENGE        -> r
                      EXTERNAL AUTHENTICATE   signature of ID_ICC | r | Comp(PK)

It follows chip authentication and signs that run's terminal key, so that nobody in between can use our rights. ID_ICC is the document
number with its check digit after BAC, and Comp of the chip's ephemeral key after PACE.
"""

from __future__ import annotations

from egate.document.chip.cvc import CvCertificate
from egate.document.chip.cvc_chain import EF_CVCA_SIZE, parse_ef_cvca
from egate.errors import DocumentError
from hw.emrtd.protocol.step import Step, StepFailed, status_cause
from hw.emrtd.protocol.terminal_chain import TerminalChain
from hw.emrtd.wire import apdu, data_object
from hw.emrtd.wire.apdu import Command, Response

SET_VERIFICATION_TEMPLATE, SET_AUTHENTICATION_TEMPLATE = (0x81, 0xB6), (0x81, 0xA4)  # P1-P2 of MSE
VERIFY_CERTIFICATE = (0x00, 0xBE)  # P1-P2 of PSO
REFERENCE_TAG = 0x83
CHALLENGE_SIZE = 8
EF_CVCA = 0x011C  # in the application, unless DG14 names another one
# What fits into a short command behind secure messaging: padded to 240 bytes, with 4 around the cryptogram and 10 for the MAC.
SHORT_DATA_MAX = 239


def authenticate(
    chain: TerminalChain,
    id_icc: bytes,
    terminal_key: bytes,
    file_id: int = EF_CVCA,
    data_max: int = apdu.EXTENDED_DATA_MAX,
) -> Step[None]:
    """The terminal half; yields plain commands for the channel of chip authentication. It ends with EF.CVCA as the current file.

    terminal_key: ChipProof.terminal_key. file_id: of EF.CVCA. data_max: bytes in one command, SHORT_DATA_MAX for a chip that does not
    announce extended length: what is longer goes as a chain of commands.
    Raises StepFailed: "unknown_authority" if the chip trusts nobody of chain, "certificate_refused", "wrong_key" for the signature.
    """
    for certificate in (yield from _path(chain, file_id)):
        yield from _show(certificate, data_max)
    response = yield _manage(SET_AUTHENTICATION_TEMPLATE, chain.terminal.holder)
    _require(response, status_cause(response.sw))
    response = yield Command(0x00, apdu.GET_CHALLENGE, 0, 0, b"", CHALLENGE_SIZE)
    _require(response, status_cause(response.sw))
    if len(response.data) != CHALLENGE_SIZE:
        raise StepFailed("malformed")
    signature = chain.key.sign(chain.scheme, signed_data(id_icc, response.data, terminal_key))
    response = yield from _send(Command(0x00, apdu.EXTERNAL_AUTHENTICATE, 0, 0, signature), data_max)
    _require(response, "wrong_key")


def signed_data(id_icc: bytes, challenge: bytes, terminal_key: bytes) -> bytes:
    """TR-03110-1, 3.5, step 3, without auxiliary data."""
    return id_icc + challenge + terminal_key


def _path(chain: TerminalChain, file_id: int) -> Step[tuple[CvCertificate, ...]]:
    """The certificates that this chip must be shown. A chip whose EF.CVCA cannot be read is shown all."""
    response = yield apdu.select_file(file_id)
    if response.sw == apdu.SW_OK:
        response = yield apdu.read_binary(0, EF_CVCA_SIZE)
    if response.sw not in (apdu.SW_OK, apdu.SW_END_OF_FILE):
        return chain.whole_path()
    try:
        path = chain.path(parse_ef_cvca(response.data))
    except DocumentError:
        raise StepFailed("malformed") from None
    if path is None:
        raise StepFailed("unknown_authority")
    return path


def _show(certificate: CvCertificate, data_max: int) -> Step[None]:
    response = yield _manage(SET_VERIFICATION_TEMPLATE, certificate.authority)
    _require(response, "unknown_authority" if response.sw == apdu.SW_REFERENCE_NOT_FOUND else status_cause(response.sw))
    command = Command(0x00, apdu.PERFORM_SECURITY_OPERATION, *VERIFY_CERTIFICATE, certificate.content)
    response = yield from _send(command, data_max)
    _require(response, "certificate_refused")


def _send(command: Command, data_max: int) -> Step[Response]:
    """The answer to the last command of the chain, or to the first that the chip refuses."""
    *links, last = apdu.chained(command, data_max)
    for link in links:
        response = yield link
        if response.sw != apdu.SW_OK:
            return response
    return (yield last)


def _manage(template: tuple[int, int], reference: str) -> Command:
    data = data_object.encode(REFERENCE_TAG, reference.encode("latin-1"))
    return Command(0x00, apdu.MANAGE_SECURITY_ENVIRONMENT, *template, data)


def _require(response: Response, cause: str) -> None:
    if response.sw != apdu.SW_OK:
        raise StepFailed(cause)
