import pickle

import pytest

from drivers.errors import BusError, CameraError, DriverError, PortLost, ServoSilent


def test_the_first_sentence_is_the_title_and_the_rest_the_detail() -> None:
    error = ServoSilent("servo 3 (elbow) did not answer within 1.5 ms. Check its cable. Check its power.")
    assert error.title == "servo 3 (elbow) did not answer within 1.5 ms."
    assert error.detail == "Check its cable. Check its power."


def test_a_single_sentence_is_all_title() -> None:
    assert (DriverError("The port is gone").title, DriverError("The port is gone").detail) == ("The port is gone", "")


def test_a_bus_error_can_be_told_from_a_camera_error() -> None:
    with pytest.raises(BusError, match="gone"):
        raise PortLost("gone")
    assert not issubclass(PortLost, CameraError)


def test_errors_pass_between_processes() -> None:
    error = pickle.loads(pickle.dumps(PortLost("It went. Plug it in.")))
    assert isinstance(error, PortLost)
    assert error.detail == "Plug it in."
