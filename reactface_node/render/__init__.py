"""Renderers behind one protocol: the avatar (default), a portrait, a mesh, or none."""

from reactface_node.config import PerceptionConfig, RenderConfig
from reactface_node.render.renderer import NoRenderer, Renderer


def make_renderer(
    config: RenderConfig,
    on_device_failure: str = "stop",
    landmarker: str = PerceptionConfig.landmarker,
) -> Renderer:
    """The renderer that the config names; UserError if a file or a theme is missing.
    on_device_failure: as the setting, for a portrait's device. landmarker: the setting
    ``perception.landmarker``, for finding the face in a portrait."""
    # Imported here, so that only the libraries of the chosen renderer are loaded.
    if config.renderer == "none":
        return NoRenderer()
    if config.renderer == "portrait":
        from reactface_node.render.portrait import Portrait

        return Portrait(config, on_device_failure, landmarker)
    if config.renderer == "mesh":
        from reactface_node.render.mesh import MeshView

        return MeshView(config)
    from reactface_node.render.avatar import Avatar
    from reactface_node.render.theme import load_theme

    return Avatar(load_theme(config.theme), config.width, config.height)
