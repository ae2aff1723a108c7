"""What emulated servos say and are asked, in bytes, with what a fault makes of it."""

from collections.abc import Callable
from struct import pack, unpack_from

from drivers.dynamixel.wire import ALERT_BIT, ERROR_CRC, crc16, status
from drivers.sim.faults import Fault
from drivers.sim.servo import EmulatedServo


def sync_block(params: bytes) -> list[tuple[int, int, int]]:
    """(id, address, length) of a Sync Read."""
    if len(params) < 4:
        return []
    address, length = unpack_from("<HH", params)
    return [(servo_id, address, length) for servo_id in params[4:]]


def bulk_block(params: bytes) -> list[tuple[int, int, int]]:
    """(id, address, length) of a Bulk Read."""
    return [unpack_from("<BHH", params, start) for start in range(0, len(params) - 4, 5)]


def reading(address: int, length: int) -> Callable[[EmulatedServo], tuple[int, bytes]]:
    """What a servo is asked to do for its part of a group read."""
    return lambda servo: servo.read(address, length)


def status_bytes(servo: EmulatedServo, error: int, data: bytes, fault: Fault | None) -> bytes:
    """What the servo says; empty when a fault swallows it."""
    if fault is None:
        return status(servo.servo_id, error | (ALERT_BIT if servo.alert else 0), data)
    if fault.drop:
        return b""
    if fault.misheard:
        error, data = ERROR_CRC, b""
    servo_id = servo.servo_id + fault.wrong_id
    raw = status(servo_id, error | (ALERT_BIT if servo.alert else 0), data)
    if fault.corrupt:
        raw = with_wrong_bit(raw, len(raw) - 3)
    if fault.partial:
        raw = raw[: len(raw) // 2]
    return fault.noise + (raw + raw if fault.repeat else raw)


def part_bytes(servo: EmulatedServo, address: int, length: int, fault: Fault | None, crc: int) -> bytes:
    """A servo's part of a joint answer; its checksum goes on from `crc`, that of all before it."""
    error, data = servo.read(address, length)
    servo_id = servo.servo_id + (1 if fault and fault.wrong_id else 0)
    part = bytes((error | (ALERT_BIT if servo.alert else 0), servo_id)) + data.ljust(length, b"\0")
    return part + pack("<H", crc16(part, crc))


def with_wrong_bit(raw: bytes, at: int) -> bytes:
    """One bit of byte `at` is the other way round."""
    return raw[:at] + bytes((raw[at] ^ 0x10,)) + raw[at + 1 :]
