"""The HDF5 episode format: every path, type, unit and attribute, and the version. No other file has these strings.

One file is one episode. Each stream keeps its own clock; all times are monotonic ns. Letters: T frames, F pictures of
a camera, D joints, E events, G gaps, P chunks, R rows of all chunks together, A clock anchors, B bytes; a digit is a
fixed length. Numeric arrays are contiguous, each carries its unit and the SHA-256 of its bytes.

1.1 added what is marked `since=1` and the attributes below "since 1.1"; files of 1.0 do without (docs/decisions/0010).
"""

from dataclasses import dataclass

FORMAT = "teleop-studio/episode"
FORMAT_VERSION = (1, 1)  # readers accept the same first number
FILE_SUFFIX = ".h5"

TEXT = "text"  # dtype of a column of UTF-8 strings


@dataclass(frozen=True)
class Column:
    """One array of the file. `shape` in the letters above; `unit` empty for plain counts and text.

    `since` is the second number of the first format version that has it.
    """

    path: str
    dtype: str
    shape: str
    unit: str
    meaning: str
    since: int = 0


FRAME_STAMP = Column("frames/stamp_ns", "<i8", "T", "ns", "moment of the control tick")
FRAME_SOURCE = Column("frames/source", "|u1", "T", "", "who asked for the action; index into attribute `names`")
LEADER_STAMP = Column("leader/stamp_ns", "<i8", "T", "ns", "middle of the bus exchange with the leader")
LEADER_POSITION = Column("leader/position", "<f8", "TD", "rad", "gripper 0 closed .. 1 open")
LEADER_VELOCITY = Column("leader/velocity", "<f8", "TD", "rad/s", "gripper 1/s")
LEADER_EFFORT = Column("leader/effort", "<f8", "TD", "effort_units", "one unit per joint, root attribute")
FOLLOWER_STAMP = Column("follower/stamp_ns", "<i8", "T", "ns", "middle of the bus exchange with the follower")
FOLLOWER_POSITION = Column("follower/position", "<f8", "TD", "rad", "gripper 0 closed .. 1 open")
FOLLOWER_VELOCITY = Column("follower/velocity", "<f8", "TD", "rad/s", "gripper 1/s")
FOLLOWER_EFFORT = Column("follower/effort", "<f8", "TD", "effort_units", "one unit per joint, root attribute")
REQUESTED = Column("action/requested", "<f8", "TD", "rad", "what the source asked for")
ACTION = Column("action/sent", "<f8", "TD", "rad", "what was really sent, after all limits")

EVENT_STAMP = Column("events/stamp_ns", "<i8", "E", "ns", "when it happened")
EVENT_KIND = Column("events/kind", TEXT, "E", "", "e.g. mark, takeover, stop")
EVENT_DETAIL = Column("events/detail", TEXT, "E", "", "JSON object")

GAP_STREAM = Column("gaps/stream", TEXT, "G", "", "a camera's name, `frames` for control ticks, or `journal`")
GAP_FIRST = Column("gaps/first_missing", "<i8", "G", "", "first sequence number that is missing")
GAP_COUNT = Column("gaps/count", "<i8", "G", "", "how many are missing")
GAP_T0 = Column("gaps/t0_ns", "<i8", "G", "ns", "stamp of the last item before the gap, -1 unknown", since=1)
GAP_T1 = Column("gaps/t1_ns", "<i8", "G", "ns", "stamp of the first item after the gap, -1 unknown", since=1)

CLOCK_ANCHORS = Column("clock/anchors", "<i8", "A2", "ns", "one moment on the monotonic and on the wall clock", since=1)

CHUNK_START = Column("chunks/start_ns", "<i8", "P", "ns", "when the chunk's first action was due")
CHUNK_DT = Column("chunks/dt_s", "<f8", "P", "s", "time from one action to the next")
CHUNK_END = Column("chunks/end", "<i8", "P", "", "rows of chunk k: end[k - 1] (0 for k = 0) to end[k]")
CHUNK_ACTIONS = Column("chunks/actions", "<f8", "RD", "rad", "all predicted actions, chunk after chunk")

FRAME_COLUMNS = (
    FRAME_STAMP,
    FRAME_SOURCE,
    LEADER_STAMP,
    LEADER_POSITION,
    LEADER_VELOCITY,
    LEADER_EFFORT,
    FOLLOWER_STAMP,
    FOLLOWER_POSITION,
    FOLLOWER_VELOCITY,
    FOLLOWER_EFFORT,
    REQUESTED,
    ACTION,
)
COLUMNS = (
    *FRAME_COLUMNS,
    EVENT_STAMP,
    EVENT_KIND,
    EVENT_DETAIL,
    GAP_STREAM,
    GAP_FIRST,
    GAP_COUNT,
    GAP_T0,
    GAP_T1,
    CLOCK_ANCHORS,
    CHUNK_START,
    CHUNK_DT,
    CHUNK_END,
    CHUNK_ACTIONS,
)

CAMERAS = "cameras"
# Below cameras/<name>/. Packed bytes and end offsets: variable-length types write 5 times slower and can not be mapped.
IMAGE_DATA = Column("data", "|u1", "B", "bytes", "the JPEG or PNG files of all pictures, one after the other")
IMAGE_END = Column("end", "<i8", "F", "bytes", "picture k: data[end[k - 1] (0 for k = 0) : end[k]]")
IMAGE_STAMP = Column("stamp_ns", "<i8", "F", "ns", "capture")
IMAGE_SEQUENCE = Column("sequence", "<i8", "F", "", "the camera's own count; a jump is listed in gaps")
IMAGE_CRC = Column("crc32", "<u4", "F", "", "zlib.crc32 of each picture's file")
CAMERA_COLUMNS = (IMAGE_DATA, IMAGE_END, IMAGE_STAMP, IMAGE_SEQUENCE, IMAGE_CRC)

# Attributes of a column.
UNIT = "unit"
SHA256 = "sha256"
NAMES = "names"  # of FRAME_SOURCE

# Attributes of cameras/<name>.
WIDTH = "width"
HEIGHT = "height"
FPS = "fps"
CODEC = "codec"
CODEC_JPEG = "jpeg"
CODEC_PNG = "png"  # lossless
COLOR = "color"
COLOR_RGB = "RGB"
# since 1.1
QUALITY = "quality"  # of JPEG, 1 .. 100; 0 lossless; -1 the camera's own choice
SUBSAMPLING = "subsampling"  # of JPEG colours: 444, 422, 420; empty when lossless or not known
PASSTHROUGH = "passthrough"  # the camera made the JPEG itself
SERIAL = "serial"  # what tells this camera from its twin
CAMERA_CALIBRATION = "calibration"  # JSON object
CAMERA_SHA256 = "sha256"  # of all that is said about the camera: changes when it is replaced or calibrated anew

# Attributes of the root.
ROOT_FORMAT = "format"
ROOT_VERSION = "format_version"
UUID = "uuid"
RECORDED_AT = "recorded_at"  # ISO 8601 with the time zone
DURATION_S = "duration_s"
TASK = "task"
SOURCE = "source"
OUTCOME = "outcome"  # as given when the take ended; later labels lie beside the file
OPERATOR = "operator"
RIG = "rig"
SCENE = "scene"
SIMULATED = "simulated"
CONTROL_HZ = "control_hz"
JOINT_NAMES = "joint_names"
EFFORT_UNITS = "effort_units"
CAMERA_NAMES = "camera_names"  # in the rig's order; groups of HDF5 are sorted by name
FRAME_COUNT = "frame_count"
IMAGE_COUNTS = "image_counts"  # in the order of CAMERA_NAMES
GAP_ROWS = "gap_count"
RECOVERED = "recovered"  # the take was cut off, or its journal was damaged
EXTRA = "extra"  # JSON object
SOFTWARE = "software"  # JSON object: versions of the program and the libraries, git commit when run from a checkout
# since 1.1
CALIBRATION = "calibration"  # JSON object: both arms
CALIBRATION_SHA256 = "calibration_sha256"
LOOP_STATISTICS = "loop_statistics"  # JSON object, empty when nobody measured
POSITION_UNIT = "position_unit"  # "rad", or what imported data is in
DERIVED_FROM = "derived_from"  # uuid of the episode it was made from, empty for a recording
DERIVATION = "derivation"  # how, e.g. "trim 1.2-6.5 s" or "imported from lerobot ..."
CONTENT_SHA256 = (
    "content_sha256"  # of all other attributes, those of the columns included: it stands for the whole file
)


def camera_path(name: str, column: Column | None = None) -> str:
    """The group of a camera, or one of its columns."""
    return f"{CAMERAS}/{name}" if column is None else f"{CAMERAS}/{name}/{column.path}"


def columns_of(columns: tuple[Column, ...], version: tuple[int, ...]) -> tuple[Column, ...]:
    """Those of `columns` that a file of format `version` has."""
    return tuple(column for column in columns if column.since <= version[1])
