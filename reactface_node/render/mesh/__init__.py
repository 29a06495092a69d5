"""The mesh view: coefficients on a 3DMM that the user provides."""

from reactface_node.render.mesh.view import MeshView

__all__ = ["MeshView"]
