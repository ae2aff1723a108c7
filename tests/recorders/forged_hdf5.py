"""Episodes forged with the HDF5 library: other types, other sizes, links, bombs; the library accepts all of them."""

import io
import json
import struct
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

import h5py
import numpy as np

from recorders import schema
from recorders.checksum import array_sha256, content_sha256

Maker = Callable[[Random, bytes], bytes]
Change = Callable[[Random, h5py.File], None]


def changed(change: Change, seal: bool = True) -> Maker:
    """A maker that changes an episode with the library; `seal` makes its checksums right again, as a forger would."""

    def make(rng: Random, episode: bytes) -> bytes:
        image = io.BytesIO(episode)
        with h5py.File(image, "r+", libver=("v110", "v110")) as file:
            change(rng, file)
            if seal:
                _seal(file)
        return image.getvalue()

    return make


def _seal(file: h5py.File) -> None:
    try:
        file.attrs[schema.CONTENT_SHA256] = content_sha256(file)
    except Exception:  # a forger can not make right what can not be read
        return


_NUMBERS = [column.path for column in schema.COLUMNS if column.dtype != schema.TEXT and column.since == 0]


def _replace(file: h5py.File, path: str, values: Any, **how: Any) -> h5py.Dataset:
    """Another array at `path` with the attributes of the old one and its own checksum."""
    said = dict(file[path].attrs)
    del file[path]
    dataset = file.create_dataset(path, data=values, **how)
    for name, value in said.items():
        dataset.attrs[name] = value
    if dataset.nbytes < 1 << 24 and dataset.dtype.kind in "iufb":
        dataset.attrs[schema.SHA256] = array_sha256(dataset[...])
    return dataset


def wrong_type(rng: Random, file: h5py.File) -> None:
    path = rng.choice(_NUMBERS)
    kind = rng.choice(
        ["f4", "i2", "c16", "S8", ">f8", "?", [("a", "i4"), ("b", "f8")], h5py.string_dtype(), h5py.ref_dtype]
    )
    said = dict(file[path].attrs)
    shape = file[path].shape
    del file[path]
    file.create_dataset(path, shape, kind)
    file[path].attrs.update(said)


def wrong_shape(rng: Random, file: h5py.File) -> None:
    path = rng.choice(_NUMBERS)
    values = file[path][...]
    _replace(
        file, path, rng.choice([values[:-1] if len(values) else np.zeros(3), values[None], values.sum(), values[:0]])
    )


def missing(rng: Random, file: h5py.File) -> None:
    del file[rng.choice([*_NUMBERS, "cameras", "cameras/front", "cameras/wrist/end", "frames", "events/kind"])]


def huge_shape(rng: Random, file: h5py.File) -> None:
    """Declared, never written: a few bytes that claim terabytes."""
    path = rng.choice([*_NUMBERS, "cameras/front/data", "cameras/front/end"])
    old = file[path]
    dtype, joints, said = old.dtype, old.shape[1:], dict(old.attrs)
    del file[path]
    shape = (rng.choice([10**9, 10**12]), *joints)
    how = rng.choice([{"chunks": (1000, *joints)}, {"chunks": (1000, *joints), "maxshape": (None, *joints)}, {}])
    file.create_dataset(path, shape, dtype, **how)
    file[path].attrs.update(said)
    if path == "frames/stamp_ns":
        file.attrs[schema.FRAME_COUNT] = shape[0]


def bomb(rng: Random, file: h5py.File) -> None:
    """10 GB of zeros in a compressed megabyte."""
    path = rng.choice(["cameras/front/data", "frames/stamp_ns", "action/sent"])
    old = file[path]
    dtype, joints, said = old.dtype, old.shape[1:], dict(old.attrs)
    length = 10**10 // dtype.itemsize // int(np.prod(joints, initial=1))
    chunk = (min(length, 1 << 22), *joints)
    del file[path]
    dataset = file.create_dataset(path, (length, *joints), dtype, chunks=chunk, compression="gzip", compression_opts=1)
    dataset[:1000] = 0
    dataset.attrs.update(said)


def external_link(rng: Random, file: h5py.File) -> None:
    path = rng.choice(["action/sent", "cameras/front", "frames", "cameras/front/data", "events/detail"])
    del file[path]
    file[path] = h5py.ExternalLink(rng.choice(["other.h5", "/etc/passwd", "/dev/zero", "../../up.h5"]), "/" + path)


def external_storage(rng: Random, file: h5py.File) -> None:
    path = rng.choice(["cameras/front/data", "action/sent", "frames/stamp_ns"])
    old = file[path]
    dtype, shape, said, size = old.dtype, old.shape, dict(old.attrs), old.nbytes
    del file[path]
    file.create_dataset(path, shape, dtype, external=[(rng.choice(["/etc/passwd", "/dev/zero"]), 0, size)])
    file[path].attrs.update(said)


def soft_link(rng: Random, file: h5py.File) -> None:
    path = rng.choice(["action/sent", "cameras/front", "frames", "leader"])
    del file[path]
    file[path] = h5py.SoftLink(rng.choice(["/" + path, "/follower/position", "/nowhere", "/cameras"]))


def hard_link(rng: Random, file: h5py.File) -> None:
    where, what = rng.choice(
        [
            ("cameras/again", "/"),
            ("frames/up", "cameras"),
            ("leader/more", "follower"),
            ("cameras/front/front", "cameras/front"),
        ]
    )
    file[where] = file[what]


def virtual(rng: Random, file: h5py.File) -> None:
    path = rng.choice(["action/sent", "frames/stamp_ns", "cameras/front/data"])
    old = file[path]
    layout = h5py.VirtualLayout(old.shape, old.dtype)
    layout[...] = h5py.VirtualSource(rng.choice(["other.h5", "."]), rng.choice(["elsewhere", path]), old.shape)
    said = dict(old.attrs)
    del file[path]
    file.create_virtual_dataset(path, layout)
    file[path].attrs.update(said)


def nested_groups(rng: Random, file: h5py.File) -> None:
    if rng.random() < 0.5:
        file.create_group("/".join(["deep"] * 200))
    else:
        for index in range(3000):
            file.create_group(f"many/{index}")


def giant_attribute(rng: Random, file: h5py.File) -> None:
    where = file[rng.choice(["/", "cameras/front", "action/sent"])]
    if rng.random() < 0.5:
        where.attrs[rng.choice([schema.TASK, schema.UNIT, "note"])] = "x" * (20 << 20)
    else:
        where.attrs.create("numbers", np.zeros(1 << 20), dtype="f8")


def many_attributes(rng: Random, file: h5py.File) -> None:
    for index in range(2000):
        file["leader"].attrs[f"a{index}"] = index


def _same_long_text(rng: Random, file: h5py.File) -> None:
    """Thousands of events that are all one long text: small in the file, gigabytes in memory."""
    path, count = "events/detail", 20_000
    said = dict(file[path].attrs)
    del file[path]
    dataset = file.create_dataset(path, (count,), h5py.string_dtype())
    dataset[0] = json.dumps({"x": "y" * 200_000})
    dataset.attrs.update(said)


def same_long_text(rng: Random, episode: bytes) -> bytes:
    content = bytearray(changed(_same_long_text)(rng, episode))
    with h5py.File(io.BytesIO(bytes(content))) as file:
        offset, count = file["events/detail"].id.get_offset(), len(file["events/detail"])
    content[offset : offset + 16 * count] = content[offset : offset + 16] * count
    return bytes(content)


def absurd_text_length(rng: Random, episode: bytes) -> bytes:
    """The entries of an array of texts claim lengths and places that are not there."""

    def change(_: Random, file: h5py.File) -> None:
        said = dict(file["events/kind"].attrs)
        del file["events/kind"]
        file["events/kind"] = np.array(["mark"] * 8, h5py.string_dtype())
        file["events/kind"].attrs.update(said)

    content = changed(change)(rng, episode)
    with h5py.File(io.BytesIO(content)) as file:
        offset = file["events/kind"].id.get_offset()
    entry = struct.pack(
        "<IQI", rng.choice([2**32 - 1, 2**31, 4]), rng.choice([0, 2**63, len(content), 100]), rng.choice([0, 1, 2**31])
    )
    at = offset + 16 * rng.randrange(8)
    return content[:at] + entry + content[at + len(entry) :]


def wrong_attribute(rng: Random, file: h5py.File) -> None:
    names = [
        schema.UUID, schema.TASK, schema.DURATION_S, schema.FRAME_COUNT, schema.IMAGE_COUNTS, schema.CAMERA_NAMES,
        schema.JOINT_NAMES, schema.EXTRA, schema.CONTROL_HZ, schema.GAP_ROWS, schema.ROOT_VERSION, schema.ROOT_FORMAT,
        schema.SOURCE, schema.EFFORT_UNITS, schema.SIMULATED,
    ]  # fmt: skip
    values: list[Any] = [
        np.zeros(5), np.zeros(0), -1, 2**62, "", "x" * 5000, float("nan"), float("inf"), -1e300, b"\xff\xfe", ["a"],
        np.zeros((2, 2, 2)), file["frames"].ref, h5py.Empty("f8"), "[" * 100_000, '{"a": NaN}', "9" * 10_000,
    ]  # fmt: skip
    if rng.random() < 0.8:
        file.attrs[rng.choice(names)] = rng.choice(values)
    else:
        del file.attrs[rng.choice(names)]


def wrong_camera(rng: Random, file: h5py.File) -> None:
    values: list[Any] = [0, -5, 10**5, 10**9, "wide", np.zeros(3), float("nan")]
    file["cameras/front"].attrs[rng.choice([schema.WIDTH, schema.HEIGHT, schema.FPS, schema.CODEC])] = rng.choice(
        values
    )


def path_names(rng: Random, file: h5py.File) -> None:
    name = rng.choice(["../leader", "/leader", ".", "", "..", "a/../front", "front\0", "x" * 5000, "front/", "\udcff"])
    if rng.random() < 0.3:
        file.attrs[schema.UUID] = rng.choice(["../../up", "/etc/passwd", "", "a\nb"])
        return
    try:
        file.attrs[schema.CAMERA_NAMES] = np.array([name, "wrist"], h5py.string_dtype())
    except (ValueError, UnicodeError):
        file.attrs[schema.CAMERA_NAMES] = np.array([".", "wrist"], h5py.string_dtype())


def not_finite(rng: Random, file: h5py.File) -> None:
    path = rng.choice([path for path in _NUMBERS if file[path].dtype.kind == "f" and file[path].size])
    values = file[path][...]
    values[rng.randrange(len(values))] = rng.choice([np.nan, np.inf, -np.inf])
    _replace(file, path, values)


def wrong_ends(rng: Random, file: h5py.File) -> None:
    path = rng.choice(["cameras/front/end", "cameras/wrist/end"])
    ends = file[path][...]
    index = rng.randrange(len(ends))
    ends[index] = rng.choice([-1, 0, ends[-1] + 1, 2**62, -(2**62), ends[index - 1] - 1 if index else -7])
    _replace(file, path, ends)


def wrong_stamps(rng: Random, file: h5py.File) -> None:
    path = rng.choice(["frames/stamp_ns", "cameras/front/stamp_ns", "cameras/front/sequence"])
    stamps = file[path][...]
    stamps[rng.randrange(1, len(stamps))] = rng.choice([0, -(2**63), 2**62])
    _replace(file, path, stamps)


def wrong_codes(rng: Random, file: h5py.File) -> None:
    codes = file["frames/source"][...]
    codes[rng.randrange(len(codes))] = 250
    _replace(file, "frames/source", codes)


def picture_bomb(rng: Random, file: h5py.File) -> None:
    """A picture whose header claims 65535 x 65535, in the place of the first one; its checksums are right."""
    data, ends = file["cameras/front/data"][...], file["cameras/front/end"][...]
    first = bytearray(data[: ends[0]].tobytes())
    start = max(first.find(b"\xff\xc0"), first.find(b"\xff\xc2"))
    if rng.random() < 0.5 and start > 0:
        first[start + 5 : start + 9] = b"\xff\xff\xff\xff"
    else:
        packed = zlib.compress(bytes(1 << 20), 9)
        header = struct.pack(">IIBBBBB", 65535, 65535, 8, 2, 0, 0, 0)
        png = b"\x89PNG\r\n\x1a\n"
        for kind, piece in ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b"")):
            png += struct.pack(">I", len(piece)) + kind + piece + struct.pack(">I", zlib.crc32(kind + piece))
        first = bytearray(png[: len(first)].ljust(len(first), b"\0"))
    data[: len(first)] = np.frombuffer(bytes(first), np.uint8)
    crcs = file["cameras/front/crc32"][...]
    crcs[0] = zlib.crc32(bytes(first))
    _replace(file, "cameras/front/data", data)
    _replace(file, "cameras/front/crc32", crcs)
    if rng.random() < 0.5:
        said = file["cameras/front"].attrs
        said[schema.WIDTH] = said[schema.HEIGHT] = rng.choice([65535, 8192])


def more_than_known(rng: Random, file: h5py.File) -> None:
    """What a newer version of the app may add."""
    file["extra/thing"] = np.arange(5)
    file["extra/thing"].attrs["unit"] = "m"
    file.attrs["new"] = "word"
