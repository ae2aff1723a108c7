"""The HDF5 episode format: every path, type, unit and attribute, and the version. No other file has these strings.

One file is one episode. Each stream keeps its own clock; all times are monotonic ns. Letters: T frames, F pictures of
a camera, D joints, E events, G gaps, P chunks, R rows of all chunks together, B bytes. Numeric arrays are contiguous,
each carries its unit and the SHA-256 of its bytes.
"""

from dataclasses import dataclass

FORMAT = "teleop-studio/episode"
FORMAT_VERSION = (1, 0)  # readers accept the same first number
FILE_SUFFIX = ".h5"

TEXT = "text"  # dtype of a column of UTF-8 strings


@dataclass(frozen=True)
class Column:
    """One array of the file. `shape` in the letters above; `unit` empty for plain counts and text."""

    path: str
    dtype: str
    shape: str
    unit: str
    meaning: str


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
    CHUNK_START,
    CHUNK_DT,
    CHUNK_END,
    CHUNK_ACTIONS,
)

CAMERAS = "cameras"
# Below cameras/<name>/. Packed bytes and end offsets: variable-length types write 5 times slower and can not be mapped.
IMAGE_DATA = Column("data", "|u1", "B", "bytes", "the JPEG files of all pictures, one after the other")
IMAGE_END = Column("end", "<i8", "F", "bytes", "picture k: data[end[k - 1] (0 for k = 0) : end[k]]")
IMAGE_STAMP = Column("stamp_ns", "<i8", "F", "ns", "capture")
IMAGE_SEQUENCE = Column("sequence", "<i8", "F", "", "the camera's own count; a jump is listed in gaps")
IMAGE_CRC = Column("crc32", "<u4", "F", "", "zlib.crc32 of each JPEG")
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
COLOR = "color"
COLOR_RGB = "RGB"

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
SOFTWARE = "software"  # JSON object: versions of the program and the libraries
CONTENT_SHA256 = (
    "content_sha256"  # of all other attributes, those of the columns included: it stands for the whole file
)


def camera_path(name: str, column: Column | None = None) -> str:
    """The group of a camera, or one of its columns."""
    return f"{CAMERAS}/{name}" if column is None else f"{CAMERAS}/{name}/{column.path}"
