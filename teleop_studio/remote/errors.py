"""What can go wrong with a training host, by what can be done about it.

RemoteError            the first sentence says what happened, the rest what to do
    HostSilent         no connection now: looking again later may help
    HostRefused        it answers, and somebody has to change something: a key, a package, a full disk
"""


class RemoteError(Exception):
    """A training host can not be used."""


class HostSilent(RemoteError):
    """There is no connection to the host at this moment."""


class HostRefused(RemoteError):
    """The host answers, but does not do what was asked of it."""
