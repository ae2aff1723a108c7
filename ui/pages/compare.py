"""Compare."""

from ui.pages.page import Page


class ComparePage(Page):
    pass
