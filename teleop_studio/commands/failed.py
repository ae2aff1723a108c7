"""How a command says that it could not do what it was asked for."""


class CommandFailed(Exception):
    """What a command was asked for did not come about; the sentence is for the operator."""
