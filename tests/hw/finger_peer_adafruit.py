"""adafruit_fingerprint as host of a fingerprint sensor, in a process of its own: `python finger_peer_adafruit.py PORT PASSWORD FOLDER`.

It is written for microcontrollers: what it imports of theirs has no other use here than its type, so it is stood in for; the port is
pyserial's. Writes one line of JSON: what it was told. The image buffer it fetched is image.bin of the folder.
"""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import serial

busio, micropython = types.ModuleType("busio"), types.ModuleType("micropython")
busio.UART = serial.Serial  # type: ignore[attr-defined]
micropython.const = int  # type: ignore[attr-defined]
sys.modules |= {"busio": busio, "micropython": micropython}

# After its stand-ins.
import adafruit_fingerprint  # type: ignore[import-untyped,import-not-found,unused-ignore]  # noqa: E402


def main(port: str, password: str, folder: str) -> None:
    uart = serial.Serial(port, 57_600, timeout=5)
    try:
        sensor = adafruit_fingerprint.Adafruit_Fingerprint(uart, tuple(bytes.fromhex(password)))
    except RuntimeError as refused:
        print(json.dumps({"password": False, "why": str(refused)}))
        return
    told: dict[str, object] = {
        "password": True,
        "echo": sensor.check_module(),
        "library": sensor.library_size,
        "packet_code": sensor.data_packet_size,
        "baud_code": sensor.baudrate,
        "packet_set": sensor.set_sysparam(6, 3),
        "light": sensor.set_led(color=2, mode=1),
    }
    told["finger"] = sensor.get_image()
    if told["finger"] == adafruit_fingerprint.OK:
        told["features"] = sensor.image_2_tz(1)
        (Path(folder) / "image.bin").write_bytes(bytes(sensor.get_fpdata("image")))
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
