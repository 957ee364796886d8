"""nfcpy as host of a PN532, in a process of its own: `python nfcpy_peer.py PORT` and one hexadecimal APDU per line.

Writes one line of JSON: the target's UID and the answers. nfcpy does ISO/IEC 14443-4 itself, block by block (InCommunicateThru).
"""

from __future__ import annotations

import json
import sys

import nfc
import nfc.clf.pn532
import nfc.clf.transport


def main(port: str) -> None:
    frontend = nfc.ContactlessFrontend()
    frontend.device = nfc.clf.pn532.init(nfc.clf.transport.TTY(port))
    frontend.device._path = port
    target = frontend.sense(nfc.clf.RemoteTarget("106A"))
    tag = nfc.tag.activate(frontend, target)
    answers = [tag.transceive(bytes.fromhex(line)).hex() for line in sys.stdin]
    print(json.dumps({"uid": target.sdd_res.hex(), "type": type(tag).__name__, "answers": answers}))
    frontend.close()


if __name__ == "__main__":
    main(sys.argv[1])
