"""Devices on OSDP peripherals. Those whose URLs name one port share it, those that name one address of it share the peripheral.

URL: osdp+LINK://TARGET?address=1&key=file:PATH[&install_key=1], the link's own parameters, and by role:

    lock         [&output=0]
    sensors      &door=0[&present=1][&entry=2,3][&inside=4][&exit=5,6][&fire=7][&emergency=8][&tamper=9], see hw/osdp/inputs.py
    signal       [&reader=0][&led=0]
    card_reader  [&reader=0]

key: the secure channel base key, 16 bytes in hexadecimal. install_key=1 admits the public install key as key (never in production).
Devices that share a port must agree about its parameters, those that share an address about its key: else `start` raises
ConfigurationError, and so it does for the second device of one role at one place.
"""

from hw.osdp.adapter.card_reader import OsdpCardReader, open_card_reader
from hw.osdp.adapter.lock import OsdpLock, open_lock
from hw.osdp.adapter.sensors import OsdpSensors, open_sensors
from hw.osdp.adapter.signal import OsdpSignal, open_signal

__all__ = [
    "OsdpCardReader",
    "OsdpLock",
    "OsdpSensors",
    "OsdpSignal",
    "open_card_reader",
    "open_lock",
    "open_sensors",
    "open_signal",
]
