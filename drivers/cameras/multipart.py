"""The parts of an endless multipart answer (RFC 2046), cut out of its bytes as they arrive."""

_HEADER_END = b"\r\n\r\n"
_LARGEST_HEADER = 1 << 14


class PartTooLarge(ValueError):
    """A part is larger than allowed, or never ends."""


class MultipartParser:
    """Fed with bytes in any portions. Parts with a Content-Length are taken by it, others end at the next boundary.

    `boundary` as in the answer's header; senders that write its two dashes there too are understood.
    """

    def __init__(self, boundary: bytes, largest: int) -> None:
        self._boundary = b"--" + boundary.removeprefix(b"--")
        self._largest = largest
        self._buffer = bytearray()
        self._length: int | None = None  # of the part whose header was read, -1 when it does not say
        self._searched = 0

    def feed(self, received: bytes) -> None:
        self._buffer += received

    def next(self) -> bytes | None:
        """The next whole part without its header; None when more has to be fed. Raises `PartTooLarge`."""
        if self._length is None and not self._read_header():
            return None
        assert self._length is not None
        if self._length >= 0:
            return self._take(self._length, self._length)
        end = self._buffer.find(self._boundary, max(0, self._searched - len(self._boundary)))
        if end < 0:
            self._searched = len(self._buffer)
            self._require(len(self._buffer), self._largest, "a picture that does not end")
            return None
        line_end = 2 if self._buffer[:end].endswith(b"\r\n") else 0
        return self._take(end - line_end, end)

    def _read_header(self) -> bool:
        begin = self._buffer.find(self._boundary)
        end = self._buffer.find(_HEADER_END, max(begin, 0))
        if begin < 0 or end < 0:
            self._searched = len(self._buffer)
            self._require(len(self._buffer), _LARGEST_HEADER, "no header of a picture")
            return False
        self._length = _content_length(bytes(self._buffer[begin:end]))
        self._require(self._length, self._largest, "a picture")
        del self._buffer[: end + len(_HEADER_END)]
        self._searched = 0
        return True

    def _take(self, size: int, end: int) -> bytes | None:
        if len(self._buffer) < size:
            self._searched = len(self._buffer)
            return None
        part = bytes(self._buffer[:size])
        del self._buffer[:end]
        self._length, self._searched = None, 0
        return part

    def _require(self, size: int, most: int, what: str) -> None:
        if size > most:
            raise PartTooLarge(f"it sent {what} of {size} bytes, more than {most}")


def _content_length(header: bytes) -> int:
    """-1 when the header does not say, or says nonsense."""
    for line in header.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return int(value)
    return -1
