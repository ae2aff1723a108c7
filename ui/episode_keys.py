"""The keys of the Episodes page; the page, its menu and the key sheet are made from this table.

S and F belong to the whole window: on this page they label what is selected, as long as no take runs.
"""

from ui.actions import KeySpec

GROUP = "Episodes page"


def _key(name: str, title: str, key: str, tooltip: str) -> KeySpec:
    return KeySpec(f"episodes_{name}", title, key, tooltip, GROUP)


EPISODE_KEYS: tuple[KeySpec, ...] = (
    _key("unrated", "Unrated", "U", "Take the outcome back from the selected episodes"),
    _key("tag", "Add a tag", "G", "Go to the tag field of the selected episodes"),
    _key("note", "Write a note", "Ctrl+N", "Go to the note of the selected episodes"),
    _key("hold_out", "Hold out", "H", "Only measure a training's error on the selected episodes"),
    _key("train_on", "Train on", "Shift+H", "Always train on the selected episodes"),
    _key("split_automatic", "Split automatically", "Ctrl+H", "Leave it to the training what it holds out"),
    _key("bin", "Move to the bin", "Del", "Take the selected episodes out of the data; the files are kept"),
    _key("restore", "Restore", "Ctrl+R", "Take the selected episodes out of the bin"),
    _key("undo", "Undo", "Ctrl+Z", "Take back the last label, tag, note, split or move to the bin"),
    _key("redo", "Redo", "Ctrl+Shift+Z", "Do again what was taken back"),
    _key("play", "Play", "K", "Play or pause the selected episode"),
    _key("trim_start", "Trim start here", "[", "What lies before the play head shall go"),
    _key("trim_end", "Trim end here", "]", "What lies after the play head shall go"),
    _key("trim", "Trim", "X", "Keep what lies between the handles; the whole goes to the bin"),
    _key("trim_idle", "Trim the idle start", "I", "Cut off the beginning in which nothing moves"),
    _key("compare", "Compare", "C", "Open the selected episode on the Compare page"),
    _key("replay", "Replay on the arm", "Ctrl+P", "The follower repeats the selected episode"),
    _key("export", "Export", "Ctrl+E", "Write the selected episodes in another format"),
    _key("import", "Import", "Ctrl+I", "Read episodes of another format into this workspace"),
    _key("search", "Search", "Ctrl+F", "Go to the search field"),
    _key("show_bin", "Show the bin", "Ctrl+B", "Look at what was moved to the bin, and back"),
    _key("show_collection", "Collection", "Ctrl+L", "Figures of all episodes together, and back to the selection"),
)
