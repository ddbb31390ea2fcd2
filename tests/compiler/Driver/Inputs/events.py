"""events.py FOLDER: reads the event files in FOLDER as TensorBoard does, with checksums, and prints their values."""
import pathlib
import struct
import sys


def checksum(data):  # CRC-32C a bit at a time, masked as in TFRecord files
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def fields(data):
    """(number, value) of every field of a message."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        else:
            size = 8 if kind == 1 else 4
            if kind == 2:
                size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        yield key >> 3, value


assert checksum(b"123456789") == (lambda c: ((c >> 15 | c << 17) + 0xA282EAD8) & 0xFFFFFFFF)(0xE3069283)
for path in sorted(pathlib.Path(sys.argv[1]).iterdir(), key=lambda p: (p.stat().st_mtime_ns, p.name)):
    data, at = path.read_bytes(), 0
    while at < len(data):
        length, = struct.unpack_from("<Q", data, at)
        record = data[at + 12:at + 12 + length]
        assert struct.unpack_from("<I", data, at + 8)[0] == checksum(data[at:at + 8])
        assert struct.unpack_from("<I", data, at + 12 + length)[0] == checksum(record)
        at += 16 + length
        event = list(fields(record))
        step = dict(event).get(2, 0)
        for number, value in event:
            if number == 3:
                print("version", value.decode())
            if number == 5:
                for _, one in fields(value):
                    one = dict(fields(one))
                    print(step, one[1].decode(), "%.6g" % struct.unpack("<f", one.get(2, bytes(4))))  # zeros are left out
