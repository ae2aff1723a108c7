"""Pictures to bytes and back, by what the camera's description says."""

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from recorders.episode import UNKNOWN_QUALITY, CameraDescription
from recorders.png import decode_png, encode_png, png_size

_JPEG_BEGIN, _JPEG_END = b"\xff\xd8", b"\xff\xd9"


def encode_picture(camera: CameraDescription, rgb: NDArray[np.uint8]) -> bytes:
    """The file of a picture (h, w, 3) in the camera's codec. Raises `ValueError` for another size or type."""
    if rgb.shape != (camera.height, camera.width, 3) or rgb.dtype != np.uint8:
        raise ValueError(
            f"camera {camera.name!r} gave {rgb.dtype} {rgb.shape}, "
            f"the take expects uint8 ({camera.height}, {camera.width}, 3)"
        )
    if camera.codec == "png":
        return encode_png(rgb)
    if camera.quality == UNKNOWN_QUALITY:
        raise ValueError(
            f"camera {camera.name!r} hands over its own JPEGs; its description states no quality to encode with"
        )
    jpeg: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(rgb), camera.quality, "RGB", camera.subsampling)
    return jpeg


def checked_picture(camera: CameraDescription, content: bytes) -> bytes:
    """The file of a picture that is already encoded, as it is, without the zeros that a camera may add behind it.

    Raises `ValueError` for another codec or size, or a file that is cut off.
    """
    if camera.codec == "jpeg":
        content = content.rstrip(b"\0")
    width, height = picture_size(camera.codec, content)
    if (width, height) != (camera.width, camera.height):
        raise ValueError(
            f"camera {camera.name!r} gave {width}x{height}, the take expects {camera.width}x{camera.height}"
        )
    return content


def picture_size(codec: str, content: bytes) -> tuple[int, int]:
    """Width and height by the header, without decoding. Raises `ValueError` for no picture, or one that is cut off."""
    if codec == "png":
        return png_size(content)
    if not content.startswith(_JPEG_BEGIN) or not content.endswith(_JPEG_END):
        raise ValueError("it is no whole JPEG file")
    height, width, _, _ = simplejpeg.decode_jpeg_header(content)
    return int(width), int(height)


def decode_picture(codec: str, content: bytes) -> NDArray[np.uint8]:
    """The picture (h, w, 3). Raises `ValueError`."""
    if codec == "png":
        return decode_png(content)
    # The library's fast arithmetic would tint every picture (red and blue a grey level darker) to save 0.1 ms.
    rgb: NDArray[np.uint8] = simplejpeg.decode_jpeg(content, "RGB", fastdct=False, fastupsample=False)
    return rgb
