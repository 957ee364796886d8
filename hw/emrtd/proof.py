"""The parts of a session in which the chip proves itself (Doc 9303-11, 4.4.3.3.3 and section 6). What they prove is judged elsewhere."""

from __future__ import annotations

from egate.document.chip.active_authentication import parse_dg15, response_size
from egate.document.chip.security_info import SecurityInfos, parse_card_security, parse_dg14
from egate.domain.check_result import CheckResult
from egate.domain.chip import CARD_SECURITY, ChipAuthentication, ChipAuthenticationProtocol
from egate.errors import DocumentError
from hw.emrtd.channel import ChannelBroken
from hw.emrtd.protocol import active_authentication, chip_authentication, terminal_authentication
from hw.emrtd.protocol.pace_cam import MappingProof, prove_chip
from hw.emrtd.protocol.step import Step, StepFailed
from hw.emrtd.reading import Reading
from hw.emrtd.wire import apdu

# A copied chip gives no proof and leaves no channel; a torn line looks the same, so it is asked twice and then read without:
# an officer should see the copied document.
TRY_COUNT_MAX = 2


class Proofs:
    """One session's. Each method may be called again after a reset; chip authentication is then asked for anew, since a proof is
    worth no more than its channel. All raise CardError only; what fails lands in the reading.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._try_count = 0
        self._given_up: ChipAuthentication | None = None
        self._challenged = self._denied = False

    def hold_mapping(self, proof: MappingProof) -> Step[None]:
        """PACE's chip authentication mapping against EF.CardSecurity, which lies in the master file: before the application."""
        reading = self._reading
        yield from reading.read(CARD_SECURITY)
        reading.place = "chip_authentication"
        reading.chip_authentication = ChipAuthentication(ChipAuthenticationProtocol.PACE_CAM, b"", CheckResult.ABORTED)
        if CARD_SECURITY not in reading.files:
            reading.fail(reading.failures[CARD_SECURITY])
            return
        try:
            infos = parse_card_security(reading.files[CARD_SECURITY])
        except DocumentError:
            reading.fail("malformed")
            return
        reading.chip_authentication = prove_chip(proof, infos)
        if not self._proven:
            reading.fail("wrong_proof")

    def authenticate_chip(self) -> Step[None]:
        """By the key in DG14, if it holds one, also after PACE's mapping: EF.CardSecurity could be another document's, DG14 can't.

        A mapping that succeeds once more after a reset makes nothing good that failed here.
        """
        reading, infos = self._reading, self._chip_keys
        if infos is None:
            return
        if self._try_count >= TRY_COUNT_MAX:
            reading.chip_authentication = self._given_up or reading.chip_authentication
            return
        reading.place = "chip_authentication"
        before = reading.channel.messaging
        try:
            proof = yield from chip_authentication.authenticate(infos, before, reading.entropy)
        except StepFailed as failed:
            self._try_count = TRY_COUNT_MAX
            reading.fail(failed.cause)
            return
        reading.chip_authentication, reading.terminal_key = proof.authentication, proof.terminal_key
        if proof.messaging is None:
            self._try_count += 1
            if self._try_count == TRY_COUNT_MAX:
                self._given_up = proof.authentication
                reading.fail(proof.cause)
            raise ChannelBroken("chip authentication left no channel")
        if proof.messaging is not before:
            reading.channel.protect(proof.messaging)
        if proof.cause:
            self._try_count, self._given_up = TRY_COUNT_MAX, proof.authentication
            reading.fail(proof.cause)

    def authenticate_terminal(self) -> Step[None]:
        """By the plan's chain, after chip authentication, if DG14 says that the chip asks for it. Each reset asks for it anew."""
        reading = self._reading
        chain, infos = reading.plan.terminal, self._chip_keys
        if chain is None or infos is None or not infos.terminal_authentication or self._denied:
            return
        reading.place = "terminal_authentication"
        reading.terminal_authentication = CheckResult.UNDETERMINED
        if not self._proven or not reading.terminal_key or not reading.id_icc:
            reading.fail("no_chip_authentication")
            return
        file_id = infos.terminal_authentication[0].file_id
        extended = reading.channel.response_size_max > apdu.LE_MAX
        try:
            step = terminal_authentication.authenticate(
                chain,
                reading.id_icc,
                reading.terminal_key,
                terminal_authentication.EF_CVCA if file_id is None else file_id,
                apdu.EXTENDED_DATA_MAX if extended else terminal_authentication.SHORT_DATA_MAX,
            )
            yield from reading.channel.run(step)
        except StepFailed as failed:
            self._denied = True
            reading.fail(failed.cause)
        else:
            reading.terminal_authentication = CheckResult.PASS

    def challenge_chip(self) -> Step[None]:
        """Active authentication by the key in DG15, once in a session."""
        reading = self._reading
        if self._challenged or "dg15" not in reading.files:
            return
        reading.place = "active_authentication"
        try:
            size = response_size(parse_dg15(reading.files["dg15"]))
        except DocumentError:
            size = 0
        try:
            step = active_authentication.challenge(reading.entropy, size)
            reading.active_authentication = yield from reading.channel.run(step)
        except StepFailed as failed:
            reading.fail(failed.cause)
        self._challenged = True

    @property
    def _proven(self) -> bool:
        proof = self._reading.chip_authentication
        return proof is not None and proof.result is CheckResult.PASS

    @property
    def _chip_keys(self) -> SecurityInfos | None:
        """DG14, if it holds keys."""
        try:
            infos = parse_dg14(self._reading.files["dg14"])
        except (KeyError, DocumentError):
            return None
        return infos if infos.chip_authentication_keys else None
