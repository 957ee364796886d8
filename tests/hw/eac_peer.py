"""OpenPACE's libeac as a chip or a terminal, in a process of its own: JSON lines in, JSON lines out.

libeac is under the GPL: it is loaded in this process and nowhere else, and nothing of the project is imported here. APDUs, data objects
and secure messaging are put together anew in eac_messages.py; every key, token, cipher and signature comes from libeac.

    {"op": "chip", "password": hex, "kind": 1|2, "pace": {"oid", "parameter"}, "cvca": hex, "id_icc": hex,
     "ca": {"oid", "parameter", "key": PKCS #8, or number with "public"}}     -> {}       only what is to be run need be there
    {"op": "terminal", "steps": [...], as above, "ca": {..., "public": point}, "chain": [hex], "key": PKCS #8}   -> {"apdu": the first}
                                          cvca: the terminal's own certificate here, which names the algorithm; libeac signs with it
    {"op": "transmit", "apdu": hex}       -> {"apdu": hex} for the other side, or {"done": ...}
Anything that libeac refuses ends in {"error": ...}.

Chip authentication is version 1 here (keys derived without a nonce), by libeac's own parts; it offers version 2 as a whole only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from typing import Any

from tests.hw.eac_library import ID_CA, ID_PACE, Eac, Refused, load
from tests.hw.eac_messages import Channel, oid, parse, sized, split, tlv


class Chip:
    """Answers APDUs: PACE, chip authentication, terminal authentication; anything else by 9000."""

    def __init__(self, eac: Eac, config: dict[str, Any]) -> None:
        self._eac = eac
        self._channel: Channel | None = None
        self._next: int | None = None  # kind of the channel from the next command on
        self._id_icc = bytes.fromhex(config.get("id_icc", ""))
        self._terminal_key = b""
        self._public = self._theirs = b""
        self.result: dict[str, Any] = {}

    def transmit(self, command: bytes) -> bytes:
        channel = self._channel
        try:
            if channel is not None:
                command = channel.unwrap_command(command)
        except Refused:
            self._channel = None
            return b"\x69\x88"
        try:
            response = self._answer(command) + b"\x90\x00"
        except Refused as refused:
            self.result["refused"] = str(refused)
            response = b"\x63\x00"
        if channel is not None:
            response = channel.wrap_response(response)
        if self._next is not None:
            self._channel, self._next = Channel(self._eac, self._next), None
        return response

    def _answer(self, command: bytes) -> bytes:
        header, data, _ = split(command)
        match header[1:].hex():
            case "860000":
                return tlv(0x7C, self._general(parse(parse(data)[0x7C])))
            case "2241a6":
                self._agree(parse(data)[0x91])
            case "2a00be":
                self._eac.import_certificate(tlv(0x7F21, data))
            case "840000":
                return self._eac.get("TA_STEP4_get_nonce")
            case "820000":
                self._eac.require("TA_STEP6_verify", self._terminal_key, self._id_icc, None, data)
                self.result["terminal"] = "authentic"
        return b""

    def _general(self, objects: dict[int, bytes]) -> bytes:
        if not objects:
            return tlv(0x80, self._eac.nonce())
        ((tag, value),) = objects.items()
        if tag == 0x80:
            self._agree(value)
            return b""
        if tag == 0x81:
            own = self._eac.get("PACE_STEP3A_generate_mapping_data")
            self._eac.require("PACE_STEP3A_map_generator", value)
            return tlv(0x82, own)
        if tag == 0x83:
            self._public, self._theirs = self._eac.get("PACE_STEP3B_generate_ephemeral_key"), value
            self._eac.require("PACE_STEP3B_compute_shared_secret", value)
            return tlv(0x84, self._public)
        self._eac.require("PACE_STEP3C_derive_keys")
        self._eac.require("PACE_STEP3D_verify_authentication_token", value)
        self._id_icc = self._eac.get("EAC_Comp", ID_PACE, self._public)
        self._next = ID_PACE
        self.result["id_icc"] = self._id_icc.hex()
        return tlv(0x86, self._eac.get("PACE_STEP3D_compute_authentication_token", self._theirs))

    def _agree(self, public: bytes) -> None:
        self._eac.agree_chip_key(public)
        self._terminal_key = self._eac.get("EAC_Comp", ID_CA, public)
        self._next = ID_CA


class Terminal:
    """Speaks to a chip: the wanted steps in order, and one protected SELECT after each that makes a channel."""

    def __init__(self, eac: Eac, config: dict[str, Any]) -> None:
        self._eac, self._config = eac, config
        self._channel: Channel | None = None
        self._id_icc, self._terminal_key = bytes.fromhex(config.get("id_icc", "")), b""

    def run(self) -> Generator[bytes, bytes, list[str]]:
        steps = {"pace": self._pace, "ca": self._chip, "ta": self._terminal}
        for name in self._config["steps"]:
            yield from steps[name]()
            yield from self._send(bytes.fromhex("00A4020C02010E"))
        return list(self._config["steps"])

    def _send(self, command: bytes) -> Generator[bytes, bytes, bytes]:
        if self._channel is None:
            response = yield command
            data, sw = response[:-2], int.from_bytes(response[-2:], "big")
        else:
            data, sw = self._channel.unwrap((yield self._channel.wrap(command)))
        if sw != 0x9000:
            raise Refused(f"{command[:4].hex()} {sw:04x}")
        return data

    def _general(self, data: bytes, last: bool = False) -> Generator[bytes, bytes, dict[int, bytes]]:
        command = bytes([0x00 if last or self._channel else 0x10, 0x86, 0, 0]) + sized(tlv(0x7C, data), answer=True)
        return parse(parse((yield from self._send(command)))[0x7C])

    def _pace(self) -> Generator[bytes, bytes, None]:
        pace, eac = self._config["pace"], self._eac
        objects = (
            tlv(0x80, oid(pace["oid"]))
            + tlv(0x83, bytes([self._config["kind"]]))
            + tlv(0x84, bytes([pace["parameter"]]))
        )
        yield from self._send(bytes.fromhex("0022C1A4") + sized(objects))
        eac.open_nonce((yield from self._general(b""))[0x80])
        mapping = eac.get("PACE_STEP3A_generate_mapping_data")
        eac.require("PACE_STEP3A_map_generator", (yield from self._general(tlv(0x81, mapping)))[0x82])
        public = eac.get("PACE_STEP3B_generate_ephemeral_key")
        theirs = (yield from self._general(tlv(0x83, public)))[0x84]
        eac.require("PACE_STEP3B_compute_shared_secret", theirs)
        eac.require("PACE_STEP3C_derive_keys")
        token = eac.get("PACE_STEP3D_compute_authentication_token", theirs)
        eac.require(
            "PACE_STEP3D_verify_authentication_token", (yield from self._general(tlv(0x85, token), last=True))[0x86]
        )
        self._id_icc = eac.get("EAC_Comp", ID_PACE, theirs)
        self._channel = Channel(eac, ID_PACE)

    def _chip(self) -> Generator[bytes, bytes, None]:
        chip, eac = self._config["ca"], self._eac
        self._terminal_key = eac.get("TA_STEP3_generate_ephemeral_key")
        public = eac.get("CA_STEP2_get_eph_pubkey")
        yield from self._send(bytes.fromhex("002241A4") + sized(tlv(0x80, oid(chip["oid"]))))
        yield from self._general(tlv(0x80, public))
        eac.agree_chip_key(bytes.fromhex(chip["public"]))
        self._channel = Channel(eac, ID_CA)

    def _terminal(self) -> Generator[bytes, bytes, None]:
        eac = self._eac
        for text in self._config["chain"]:
            certificate = bytes.fromhex(text)
            content = parse(certificate)[0x7F21]
            fields = parse(parse(content)[0x7F4E])
            yield from self._send(bytes.fromhex("002281B6") + sized(tlv(0x83, fields[0x42])))
            yield from self._send(bytes.fromhex("002A00BE") + sized(content))
        yield from self._send(bytes.fromhex("002281A4") + sized(tlv(0x83, fields[0x5F20])))
        challenge = yield from self._send(bytes.fromhex("0084000008"))
        eac.require("TA_STEP4_set_nonce", challenge)
        signature = eac.get("TA_STEP5_sign", self._terminal_key, self._id_icc, None)
        yield from self._send(bytes.fromhex("00820000") + sized(signature))


def main() -> None:
    library = load()
    chip: Chip | None = None
    talk: Generator[bytes, bytes, list[str]] | None = None
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any] = {}
        try:
            match request["op"]:
                case "chip":
                    chip, talk = Chip(Eac(library, request), request), None
                case "terminal":
                    chip, talk = None, Terminal(Eac(library, request), request).run()
                    answer["apdu"] = next(talk).hex()
                case "transmit" if chip is not None:
                    answer = {"apdu": chip.transmit(bytes.fromhex(request["apdu"])).hex(), **chip.result}
                case "transmit" if talk is not None:
                    answer["apdu"] = talk.send(bytes.fromhex(request["apdu"])).hex()
        except StopIteration as stopped:
            answer["done"] = stopped.value
        except Refused as refused:
            answer["error"] = str(refused)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
