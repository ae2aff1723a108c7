"""What can go wrong with hardware, one type for each reaction a caller can have.

DriverError                 show it: the first sentence is the title, the rest the detail
 ├ BusError                 a line of servos
 │   ├ PortMissing          no such port, or no permission: look at cable, name and rights
 │   ├ PortBusy             another program has it: close that one
 │   ├ PortLost             it went away while in use: hold, let the operator plug it in, open again
 │   ├ ServoSilent          a servo does not answer: check its cable and power
 │   ├ ServoAlert           a servo protects itself (overload, heat, voltage): free it, reboot it
 │   ├ ServoRefused         a servo answers, but refuses the value: set-up or program fault
 │   ├ WrongServo           another servo than the arm's model says: check the rig file and the wiring
 │   └ WrongArm             another arm than the rig was set up with: check the ports
 ├ NotCalibrated            a joint has no usable home, limits or scale
 ├ OutOfReach               no joint angles bring the hand there
 └ CameraError              a camera
     ├ CameraMissing        not found, or no permission
     ├ CameraBusy           another program has it
     ├ CameraRefused        it is there, but is another one, or does not give what the rig file asks for: correct that
     └ CameraSilent         no picture for too long: open it again
"""


class DriverError(Exception):
    """Something the operator can act on. The message says what happened, where, with which value, and what to do."""

    @property
    def title(self) -> str:
        """The first sentence of the message."""
        return _first_sentence(str(self))[0]

    @property
    def detail(self) -> str:
        """What follows the first sentence; may be empty."""
        return _first_sentence(str(self))[1]


class BusError(DriverError):
    """A line of servos does not do what it should."""


class PortMissing(BusError):
    """The port does not exist or may not be opened."""


class PortBusy(BusError):
    """Another program has the port."""


class PortLost(BusError):
    """The port went away while in use."""


class ServoSilent(BusError):
    """A servo did not answer, retries included."""


class ServoAlert(BusError):
    """A servo reports a hardware error and protects itself."""


class ServoRefused(BusError):
    """A servo answered with an error: unknown register, value out of range, locked memory."""


class WrongServo(BusError):
    """A servo answers under an id that the arm's model gives to another kind of servo."""


class WrongArm(BusError):
    """Another arm hangs on the port than the one that the rig was set up with."""


class NotCalibrated(DriverError):
    """Ticks of a joint can not be turned into joint units."""


class OutOfReach(DriverError):
    """A pose that the arm can not take."""


class CameraError(DriverError):
    """A camera does not do what it should."""


class CameraMissing(CameraError):
    """The camera does not exist or may not be opened."""


class CameraBusy(CameraError):
    """Another program has the camera."""


class CameraRefused(CameraError):
    """What was found is not the camera of the rig file, or does not give pictures as that asks for."""


class CameraSilent(CameraError):
    """The camera gave no picture in time."""


def _first_sentence(message: str) -> tuple[str, str]:
    title, stop, detail = message.partition(". ")
    return (title + "." if stop else title), detail
