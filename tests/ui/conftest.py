"""The window over the stand-in Studio, offscreen."""

from tests.ui.cockpit import cockpit

__all__ = ["cockpit"]
