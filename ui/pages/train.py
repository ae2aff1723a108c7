"""Train."""

from ui.pages.page import Page


class TrainPage(Page):
    pass
