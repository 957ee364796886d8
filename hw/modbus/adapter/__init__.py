"""Modbus devices behind `egate.ports`: locks, sensors and signals on shared lines. See `opening` for their URLs."""

from hw.modbus.adapter.lock import ModbusLock
from hw.modbus.adapter.opening import open_lock, open_sensors, open_signal
from hw.modbus.adapter.sensors import ModbusSensors
from hw.modbus.adapter.signal import ModbusSignal

__all__ = ["ModbusLock", "ModbusSensors", "ModbusSignal", "open_lock", "open_sensors", "open_signal"]
