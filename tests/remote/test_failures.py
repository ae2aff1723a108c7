import pytest

from teleop_studio.remote.errors import HostRefused, HostSilent
from teleop_studio.remote.failures import failure, without_secrets
from teleop_studio.remote.hosts import TrainingHost

HOST = TrainingHost("gpubox", "anna@gpubox", port=2222, identity="/keys/my key")


@pytest.mark.parametrize(
    ("program", "code", "words", "said"),
    [
        ("ssh", 255, "No ED25519 host key is known for gpubox.\nHost key verification failed.", "Connect once by hand"),
        ("ssh", 255, "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", "anew"),
        ("ssh", 255, "anna@gpubox: Permission denied (publickey,password).", "gpubox asks for a password"),
        ("rsync", 12, "sh: 1: rsync: not found\nrsync: connection unexpectedly closed", "gpubox has no rsync"),
        ("rsync", 127, "bash: line 1: rsync: command not found", "gpubox has no rsync"),
        ("rsync", 11, "rsync: write failed: No space left on device (28)", "The disk of gpubox is full"),
        ("ssh", 1, "ERROR: [Errno 28] No space left on device", "The disk of gpubox is full"),
        ("rsync", 2, "protocol version mismatch -- is your shell clean?", "prints something by itself"),
        ("rsync", 23, "some files could not be transferred", r"exit status 23"),
    ],
)
def test_what_a_person_has_to_change_is_said(program: str, code: int, words: str, said: str) -> None:
    error = failure(HOST, program, code, words)
    assert isinstance(error, HostRefused)
    assert said in str(error)


@pytest.mark.parametrize(
    ("program", "code", "words"),
    [
        ("ssh", 255, "ssh: connect to host gpubox port 22: Connection timed out"),
        ("ssh", 255, "ssh: Could not resolve hostname gpubox: Temporary failure in name resolution"),
        ("ssh", 255, ""),
        ("rsync", 12, "rsync: connection unexpectedly closed (0 bytes received so far) [Receiver]"),
        ("rsync", 30, "rsync error: timeout in data send/receive (code 30)"),
    ],
)
def test_a_line_that_may_come_back_is_only_silence(program: str, code: int, words: str) -> None:
    assert isinstance(failure(HOST, program, code, words), HostSilent)


def test_the_command_to_try_by_hand_can_be_pasted() -> None:
    assert "`ssh -p 2222 -i '/keys/my key' anna@gpubox`" in str(failure(HOST, "ssh", 255, "Permission denied (x)."))


def test_names_and_passwords_in_addresses_are_never_shown() -> None:
    text = "Looking in indexes: https://anna:s3cret@packages.example/simple, https://token@other.example/"
    assert without_secrets(text) == "Looking in indexes: https://packages.example/simple, https://other.example/"
    assert "s3cret" not in str(failure(HOST, "ssh", 1, text))
