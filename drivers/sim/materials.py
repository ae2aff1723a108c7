"""Colours and surfaces of the simulated scene, and the MJCF lines for one geom."""

# name: (rgb, specular, shininess)
MATERIALS: dict[str, tuple[tuple[float, float, float], float, float]] = {
    "shell": ((0.87, 0.87, 0.85), 0.30, 0.50),
    "servo": ((0.12, 0.13, 0.15), 0.40, 0.45),
    "dark": ((0.19, 0.20, 0.23), 0.35, 0.40),
    "accent": ((0.96, 0.46, 0.14), 0.35, 0.45),
    "metal": ((0.70, 0.72, 0.75), 0.90, 0.80),
    "rubber": ((0.16, 0.16, 0.17), 0.08, 0.10),
    "pcb": ((0.07, 0.36, 0.27), 0.40, 0.40),
    "lens": ((0.05, 0.07, 0.14), 1.00, 1.00),
    "led": ((0.35, 0.85, 0.95), 0.20, 0.20),
    "cap": ((0.95, 0.95, 0.93), 0.50, 0.60),
    "red": ((0.80, 0.25, 0.22), 0.20, 0.30),
    "cream": ((0.96, 0.94, 0.88), 0.15, 0.20),
    "mug": ((0.25, 0.42, 0.74), 0.70, 0.75),
    "can": ((0.95, 0.76, 0.22), 0.60, 0.60),
    "book": ((0.36, 0.28, 0.52), 0.20, 0.30),
    "paper": ((0.95, 0.93, 0.87), 0.05, 0.10),
    "edge": ((0.50, 0.39, 0.29), 0.15, 0.20),
    "leg": ((0.22, 0.23, 0.26), 0.30, 0.40),
}

# Material and its PNG file: (repeats, specular, shininess, emission)
_TEXTURED = {
    "table": (1, 0.14, 0.35, 0.0),
    "label": (1, 0.80, 0.80, 0.0),
    "floor": (7, 0.05, 0.10, 0.0),
    "wall": (1, 0.02, 0.05, 0.32),
}


def materials_xml() -> str:
    """`<texture>` and `<material>` elements; the PNG files come from `textures.assets`."""
    lines = [
        '<texture name="shadow" type="2d" file="shadow.png" nchannel="4"/>',
        # Below .995: only then does MuJoCo draw it last and blend it by its alpha channel.
        '<material name="shadow" texture="shadow" rgba="1 1 1 .98" specular="0" shininess="0"/>',
    ]
    for name, (repeats, specular, shininess, emission) in _TEXTURED.items():
        lines.append(f'<texture name="{name}" type="2d" file="{name}.png"/>')
        lines.append(
            f'<material name="{name}" texture="{name}" texrepeat="{repeats} {repeats}" '
            f'specular="{specular}" shininess="{shininess}" emission="{emission}" reflectance="0"/>'
        )
    for name, (rgb, specular, shininess) in MATERIALS.items():
        red, green, blue = rgb
        lines.append(
            f'<material name="{name}" rgba="{red} {green} {blue} 1" specular="{specular}" shininess="{shininess}"/>'
        )
    return "\n".join(lines)


def visual(kind: str, size: str, material: str, pos: str = "0 0 0", more: str = "") -> str:
    """A geom that is seen and never touched."""
    return f'<geom class="visual" type="{kind}" size="{size}" pos="{pos}" material="{material}" {more}/>'


def visual_mesh(mesh: str, material: str, pos: str = "0 0 0", more: str = "") -> str:
    """A mesh that is seen and never touched."""
    return f'<geom class="visual" type="mesh" mesh="{mesh}" pos="{pos}" material="{material}" {more}/>'
