"""Several robots in one process: each has a namespace of its own."""

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.ros.node.streams import is_name

MOST_ROBOTS = 16
RESTART_S = 10.0
"""One of several robots that ended after internal errors begins anew after this time."""
LONGEST_NAMESPACE = 100
"""Most characters: a topic of the node, with its namespace, has to stay below DDS's limit."""


def namespaces(text: str) -> list[str]:
    """The namespaces of a list "a,b,lab/c", without leading "/".

    UserError for a name that ROS 2 does not allow, for one that comes twice, or for too many.
    """
    names = [part.strip().removeprefix("/") for part in text.split(",")]
    for name in names:
        if not all(is_name(part) for part in name.split("/")):
            raise UserError(
                f"'{name[:LONGEST_NAMESPACE]}' is not the namespace of a robot: ROS 2 names are "
                "letters, digits and _, and begin with no digit; commas part robots"
            )
        if len(name) > LONGEST_NAMESPACE:
            raise UserError(f"a robot's namespace has at most {LONGEST_NAMESPACE} characters")
        if names.count(name) > 1:
            raise UserError(f"two robots are named {name}: each needs a namespace of its own")
    if len(names) > MOST_ROBOTS:
        raise UserError(
            f"{len(names)} robots are too many for one process: at most {MOST_ROBOTS}; start "
            "another process for the others"
        )
    return names


def check_alone(config: Config) -> None:
    """UserError for settings of which several robots of one process cannot each have their own."""
    if config.web.port:
        raise UserError("web.port: the page shows one robot; leave it out with several robots")
    for name in ("livelink", "vmc"):
        target = getattr(config.outputs, name)
        if target:
            raise UserError(
                f"outputs.{name}={target} would get the faces of several robots at once: leave it "
                "out, or start a process for each robot"
            )
