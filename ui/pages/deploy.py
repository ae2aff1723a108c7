"""Deploy."""

from ui.pages.page import Page


class DeployPage(Page):
    pass
