"""A network camera that sends Motion JPEG over HTTP: one answer that never ends, of one JPEG after the other."""

import base64
import contextlib
import http.client
import re
import select
import socket
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from drivers.cameras import CameraSettings, check_options, wrong_size
from drivers.cameras.jpeg import JpegDamaged, decode, file_of
from drivers.cameras.multipart import MultipartParser, PartTooLarge
from drivers.clock import Clock
from drivers.errors import CameraMissing, CameraRefused, CameraSilent
from drivers.samples import CameraImage

_CONNECT_S = 3.0
_PATIENCE_S = 2.0
_REDIRECTS = 3
_MOST_AT_ONCE = 30  # of pictures dropped for a newer one: a sender without a pace must not keep us here
_CHUNK = 1 << 16
_LARGEST = 16 << 20  # of one picture, whatever it says of itself
_REDIRECT = (301, 302, 303, 307, 308)


class HttpCamera:
    """Pictures as they arrive, stamped with their arrival. The one option is `timeout_s`: how long one may take.

    When more than one picture has arrived, the older ones are dropped and counted: a machine that was busy does not
    fall behind.
    """

    def __init__(self, settings: CameraSettings, clock: Clock) -> None:
        """Raises `CameraMissing` when nobody answers, `CameraRefused` for another answer than MJPEG or another size."""
        check_options(settings, ("timeout_s",))
        self.name, self.device, self.fps = settings.name, settings.device, settings.fps
        self.remarks: tuple[str, ...] = ()
        self._settings, self._clock = settings, clock
        self._patience_s = float(settings.options.get("timeout_s", _PATIENCE_S))
        self._sequence = -1
        self._connection, self._response, self._socket = _connected(settings)
        try:
            self._parser = MultipartParser(_boundary(settings, self._response), _LARGEST)
            self._first: CameraImage | None = self._next()
        except Exception:
            self.close()
            raise
        self.height, self.width = self._first.rgb.shape[:2]

    def read(self) -> CameraImage:
        """The newest picture. Raises `CameraSilent` when none arrives in time, or only damaged ones."""
        first, self._first = self._first, None
        return first if first is not None else self._next()

    def close(self) -> None:
        """End the connection. A second call does nothing."""
        self._response.close()
        self._connection.close()

    def _next(self) -> CameraImage:
        give_up_ns = self._clock.now_ns() + round(self._patience_s * 1e9)
        damage = "no picture came"
        while self._clock.now_ns() < give_up_ns:
            content = self._newest(give_up_ns)
            stamp_ns = self._clock.now_ns()
            try:
                encoded, header = file_of(content)
                if (header.width, header.height) != (self._settings.width, self._settings.height):
                    raise wrong_size(self._settings, header.width, header.height)
                return CameraImage(stamp_ns, decode(encoded), self._sequence, encoded)
            except JpegDamaged as error:  # it was counted: its number is missing
                damage = f"the last picture was damaged: {error}"
        raise self._silent(damage)

    def _newest(self, give_up_ns: int) -> bytes:
        """The newest of the pictures that have arrived; waits for one."""
        newest, taken = None, 0
        while True:
            part = self._next_part()
            if part is not None:
                newest, taken = part, taken + 1
                self._sequence += 1
            elif newest is None:
                self._receive(give_up_ns)
            elif taken > _MOST_AT_ONCE or not self._readable():
                return newest
            else:
                with contextlib.suppress(CameraSilent):  # the next call finds the same trouble
                    self._receive(give_up_ns)
                    continue
                return newest

    def _next_part(self) -> bytes | None:
        try:
            return self._parser.next()
        except PartTooLarge as error:
            raise self._silent(str(error)) from error

    def _readable(self) -> bool:
        return bool(select.select([self._socket], [], [], 0)[0])

    def _receive(self, give_up_ns: int) -> None:
        left_s = (give_up_ns - self._clock.now_ns()) * 1e-9
        try:
            if left_s <= 0:  # a sender that drips never runs into the socket's own limit
                raise TimeoutError
            self._socket.settimeout(left_s)
            received = self._response.read1(_CHUNK)
            if not received:
                raise self._silent("the sender ended the stream")
            self._parser.feed(received)
        except TimeoutError as error:
            raise self._silent(f"none was complete within {self._patience_s:g} s") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._silent(f"the connection broke: {error or type(error).__name__}") from error

    def _silent(self, why: str) -> CameraSilent:
        return CameraSilent(
            f"Camera {self.name} stopped giving pictures after {self._sequence + 1}: {why}. "
            f"Check that {_without_password(self.device)} is on and in reach; it is asked again by itself."
        )


def _connected(
    settings: CameraSettings,
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse, socket.socket]:
    """Follows redirections. Raises `CameraMissing`, `CameraRefused`."""
    address = settings.device
    shown = _without_password(address)
    for _ in range(1 + _REDIRECTS):
        try:
            connection, response, line = _ask(urlsplit(address))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise CameraMissing(
                f"Camera {settings.name} does not answer at {shown}: {error or type(error).__name__}. "
                "Check that it is on, in the same network, and that the address is right."
            ) from error
        if response.status == 200:
            return connection, response, line
        target = response.getheader("Location", "")
        response.close()
        connection.close()
        if response.status not in _REDIRECT or not target:
            break
        address = urljoin(address, target)
    if response.status in (401, 403):
        raise CameraRefused(
            f"Camera {settings.name} wants a name and a password. {shown} answers {response.status} "
            f"{response.reason}: write them into its address, http://name:password@..."
        )
    raise CameraRefused(
        f"Camera {settings.name} gives no stream. {shown} answers {response.status} {response.reason}. "
        "Correct its address in the rig file; a browser must show moving pictures there."
    )


def _ask(address: SplitResult) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse, socket.socket]:
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=_CONNECT_S)
    headers = {"Accept": "multipart/x-mixed-replace, image/jpeg", "Connection": "close"}
    if address.username is not None:
        secret = f"{unquote(address.username)}:{unquote(address.password or '')}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(secret).decode()}"
    try:
        connection.request("GET", (address.path or "/") + (f"?{address.query}" if address.query else ""), None, headers)
        line = connection.sock  # `getresponse` lets go of it when the stream has no known end
        assert line is not None
        return connection, connection.getresponse(), line
    except BaseException:
        connection.close()
        raise


def _boundary(settings: CameraSettings, response: http.client.HTTPResponse) -> bytes:
    said = response.getheader("Content-Type", "")
    found = re.search(r'boundary="?([^";]+)"?', said, re.IGNORECASE)
    if not said.lower().startswith("multipart/") or found is None:
        raise CameraRefused(
            f"Camera {settings.name} gives no Motion JPEG. {_without_password(settings.device)} answers with "
            f"{said or 'no type'}, not multipart/x-mixed-replace. Correct its address; cameras often have one for a "
            "page and another for the stream."
        )
    return found[1].strip().encode()


def _without_password(address: str) -> str:
    return re.sub(r"//[^/@]*@", "//", address)
