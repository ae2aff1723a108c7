"""Files that no reader should trust, made of a whole episode: damaged, forged, of another program.

Each kind is a function of a seeded generator and the bytes of an episode that gives the bytes of a bad file.
"""

import io
import json
import struct
from dataclasses import dataclass
from random import Random

import h5py
import numpy as np

from tests.recorders import forged_hdf5
from tests.recorders.forged_hdf5 import Maker
from tests.recorders.hdf5_checksum import forged_header


@dataclass(frozen=True)
class HostileKind:
    """`accepted` says why a file of this kind may be found whole; empty when none may."""

    name: str
    make: Maker
    accepted: str = ""


# --- bytes -----------------------------------------------------------------------------------------------------------


def _metadata_offset(rng: Random, episode: bytes) -> int:
    """An offset where names, headers and texts are likely."""
    heap = episode.find(b"GCOL")
    area = rng.choice([(0, 600), (0, min(30_000, len(episode))), (heap, heap + 4096)])
    return min(rng.randrange(*area), len(episode) - 1)


def truncated(rng: Random, episode: bytes) -> bytes:
    return episode[: rng.choice([rng.randrange(200), rng.randrange(len(episode)), len(episode) - rng.randrange(1, 50)])]


def flipped_anywhere(rng: Random, episode: bytes) -> bytes:
    content = bytearray(episode)
    for _ in range(rng.randint(1, 8)):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(content)


def flipped_metadata(rng: Random, episode: bytes) -> bytes:
    content = bytearray(episode)
    for _ in range(rng.randint(1, 4)):
        content[_metadata_offset(rng, episode)] ^= 1 << rng.randrange(8)
    return bytes(content)


def zeroed(rng: Random, episode: bytes) -> bytes:
    begin = rng.choice([rng.randrange(len(episode)), _metadata_offset(rng, episode)])
    return _overwritten(episode, begin, bytes(rng.choice([1, 16, 512, 4096])))


def zeroed_pages(rng: Random, episode: bytes) -> bytes:
    """What a power cut leaves of a file that was not synced."""
    for begin in range(0, len(episode), 4096):
        if rng.random() < 0.3:
            episode = _overwritten(episode, begin, bytes(4096))
    return episode


def garbage(rng: Random, episode: bytes) -> bytes:
    return _overwritten(episode, _metadata_offset(rng, episode), rng.randbytes(rng.randint(1, 300)))


def absurd_numbers(rng: Random, episode: bytes) -> bytes:
    number = rng.choice([0, 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1, 2**64 - 16])
    return _overwritten(episode, _metadata_offset(rng, episode) // 8 * 8, struct.pack("<Q", number))


def moved_blocks(rng: Random, episode: bytes) -> bytes:
    source = _metadata_offset(rng, episode) // 512 * 512
    return _overwritten(episode, _metadata_offset(rng, episode) // 512 * 512, episode[source : source + 512])


def longer(rng: Random, episode: bytes) -> bytes:
    return episode + rng.randbytes(rng.choice([1, 100, 10_000]))


def forged_headers(rng: Random, episode: bytes) -> bytes:
    """Changed object headers whose checksums are right again: the library itself can not tell."""
    return forged_header(rng, episode)


def old_layout(rng: Random, episode: bytes) -> bytes:
    """The same episode in HDF5's first layout, which has no checksums, and then damaged."""
    image = io.BytesIO()
    with h5py.File(io.BytesIO(episode)) as source, h5py.File(image, "w", libver=("earliest", "v108")) as target:
        for name in source.attrs:
            target.attrs[name] = source.attrs[name]
        for name in source:
            source.copy(name, target)
    return absurd_numbers(rng, image.getvalue()) if rng.random() < 0.8 else image.getvalue()


def _overwritten(content: bytes, begin: int, piece: bytes) -> bytes:
    piece = piece[: len(content) - begin]
    return content[:begin] + piece + content[begin + len(piece) :]


# --- no HDF5 ---------------------------------------------------------------------------------------------------------


def no_hdf5(rng: Random, episode: bytes) -> bytes:
    with h5py.File(io.BytesIO(episode)) as file:
        jpeg = bytes(file["cameras/front/data"][: int(file["cameras/front/end"][0])])
    return rng.choice(
        [
            b"",
            b"\x89HDF\r\n\x1a\n",
            b"shopping list\n" * 20,
            jpeg,
            rng.randbytes(5000),
            b"PK\x03\x04" + bytes(100),
            b"SQLite format 3\0" + bytes(4080),
            bytes(len(episode)),
        ]
    )


# --- other programs --------------------------------------------------------------------------------------------------


def another_program(rng: Random, episode: bytes) -> bytes:
    image = io.BytesIO()
    latest = {"libver": ("v110", "v110")} if rng.random() < 0.5 else {}
    user_block = {"userblock_size": 512} if rng.random() < 0.2 else {}
    with h5py.File(image, "w", **latest, **user_block) as file:
        rng.choice([_robomimic, _aloha, _keras, _nothing])(file)
    return image.getvalue()


def _robomimic(file: h5py.File) -> None:
    demo = file.create_group("data/demo_0")
    file["data"].attrs["env_args"] = json.dumps({"env_name": "Lift", "type": 1, "env_kwargs": {}})
    demo.attrs["num_samples"] = 20
    demo["actions"] = np.zeros((20, 7))
    demo.create_dataset("obs/agentview_image", (20, 84, 84, 3), "u1", compression="gzip")
    file["mask/train"] = np.array([b"demo_0"])


def _aloha(file: h5py.File) -> None:
    file.attrs["sim"] = False
    file["action"] = np.zeros((20, 14), "f4")
    file["observations/qpos"] = np.zeros((20, 14), "f4")
    file["observations/qvel"] = np.zeros((20, 14), "f4")
    file.create_dataset("observations/images/top", (20, 48, 64, 3), "u1", chunks=(1, 48, 64, 3))


def _keras(file: h5py.File) -> None:
    file.attrs["format"] = "keras"
    file.attrs["layer_names"] = [b"dense", b"dense_1"]
    file["dense/dense/kernel:0"] = np.zeros((10, 10), "f4")


def _nothing(file: h5py.File) -> None:
    """An empty file."""


UNTOUCHED = "no byte that means anything was hit"
THE_SAME = "some other values mean the same, as any number but 0 does for true"
NEWER = "a newer version may add arrays: they are left alone"

KINDS = (
    HostileKind("truncated at any byte", truncated),
    HostileKind("bits flipped anywhere", flipped_anywhere, UNTOUCHED),
    HostileKind("bits flipped in headers and texts", flipped_metadata, UNTOUCHED),
    HostileKind("range zeroed", zeroed, UNTOUCHED),
    HostileKind("pages zeroed, as by a power cut", zeroed_pages),
    HostileKind("garbage written over headers", garbage, UNTOUCHED),
    HostileKind("absurd numbers in headers and texts", absurd_numbers, UNTOUCHED),
    HostileKind("blocks copied over others", moved_blocks, UNTOUCHED),
    HostileKind("bytes behind the end", longer),
    HostileKind("object headers forged, checksums right", forged_headers, UNTOUCHED),
    HostileKind("HDF5's old layout without checksums", old_layout),
    HostileKind("no HDF5 at all", no_hdf5),
    HostileKind("HDF5 of another program", another_program),
    HostileKind("array of another type", forged_hdf5.changed(forged_hdf5.wrong_type)),
    HostileKind("array of another shape", forged_hdf5.changed(forged_hdf5.wrong_shape)),
    HostileKind("array or group missing", forged_hdf5.changed(forged_hdf5.missing)),
    HostileKind("array that claims 10^9 or 10^12 rows", forged_hdf5.changed(forged_hdf5.huge_shape, seal=False)),
    HostileKind("compressed bomb of 10 GB", forged_hdf5.changed(forged_hdf5.bomb, seal=False)),
    HostileKind("external link", forged_hdf5.changed(forged_hdf5.external_link, seal=False)),
    HostileKind("external storage", forged_hdf5.changed(forged_hdf5.external_storage, seal=False)),
    HostileKind("soft link, loops too", forged_hdf5.changed(forged_hdf5.soft_link, seal=False)),
    HostileKind("hard-link cycle or second name", forged_hdf5.changed(forged_hdf5.hard_link, seal=False)),
    HostileKind("virtual array", forged_hdf5.changed(forged_hdf5.virtual, seal=False)),
    HostileKind("groups 200 deep or 3,000 wide", forged_hdf5.changed(forged_hdf5.nested_groups)),
    HostileKind("attribute of 8 to 20 MB", forged_hdf5.changed(forged_hdf5.giant_attribute)),
    HostileKind("2,000 attributes", forged_hdf5.changed(forged_hdf5.many_attributes)),
    HostileKind("one long text 20,000 times", forged_hdf5.same_long_text),
    HostileKind("text of absurd length or place", forged_hdf5.absurd_text_length),
    HostileKind("attribute of another type or missing", forged_hdf5.changed(forged_hdf5.wrong_attribute), THE_SAME),
    HostileKind("camera of an absurd size or rate", forged_hdf5.changed(forged_hdf5.wrong_camera)),
    HostileKind("names with path tricks", forged_hdf5.changed(forged_hdf5.path_names)),
    HostileKind("values that are no numbers", forged_hdf5.changed(forged_hdf5.not_finite)),
    HostileKind("picture ends that fall or lead outside", forged_hdf5.changed(forged_hdf5.wrong_ends)),
    HostileKind("clocks and counts that fall or leap", forged_hdf5.changed(forged_hdf5.wrong_stamps)),
    HostileKind("action source without a name", forged_hdf5.changed(forged_hdf5.wrong_codes)),
    HostileKind("picture that claims 65535x65535", forged_hdf5.changed(forged_hdf5.picture_bomb)),
    HostileKind("arrays of a newer version", forged_hdf5.changed(forged_hdf5.more_than_known), NEWER),
)
