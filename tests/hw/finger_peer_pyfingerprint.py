"""pyfingerprint as host of a fingerprint sensor, in a process of its own: `python finger_peer_pyfingerprint.py PORT PASSWORD FOLDER`.

Writes one line of JSON: what it was told. The image it fetched is image.bmp of the folder.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pyfingerprint.pyfingerprint import PyFingerprint  # type: ignore[import-untyped,import-not-found,unused-ignore]


def main(port: str, password: str, folder: str) -> None:
    sensor = PyFingerprint(port, 57_600, 0xFFFFFFFF, int(password, 16))
    told: dict[str, object] = {"password": bool(sensor.verifyPassword())}
    if told["password"]:
        parameters = sensor.getSystemParameters()
        told |= {"parameters": list(parameters), "packet": sensor.getMaxPacketSize(), "baud": sensor.getBaudRate()}
        told["packet_set"] = bool(sensor.setSystemParameter(6, 1))
        told["finger"] = bool(sensor.readImage())
        if told["finger"]:
            sensor.downloadImage(str(Path(folder) / "image.bmp"))
            told["features"] = bool(sensor.convertImage())
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
