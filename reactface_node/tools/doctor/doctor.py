"""All checks, in the order in which a user reads them."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reactface_node.config import Config
from reactface_node.errors import UserError, one_line
from reactface_node.tools.doctor import check_devices, check_models, check_ros, check_system
from reactface_node.tools.doctor.apart import RunApart, run_apart
from reactface_node.tools.doctor.finding import Finding, fail

Check = Callable[[], Finding]


@dataclass(frozen=True)
class DoctorChoice:
    """The options of the checks. camera: an index, "topic", or None for the first one. microphone:
    an ALSA device, "topic", "none", or None for ALSA's default."""

    config: Config
    camera: str | None = None
    microphone: str | None = None


def doctor(wanted: DoctorChoice, apart: RunApart = run_apart) -> Iterator[Finding]:
    """The finding of each check, as it is found; UserError for a camera that is no index.

    Nothing is downloaded, and nothing leaves this machine.
    """
    camera = wanted.camera
    if camera not in (None, check_devices.TOPIC) and not camera.isdecimal():
        raise UserError(f"--camera must be a number or 'topic', not '{camera}'")
    for name, check in checks(wanted, apart).items():
        yield guarded(name, check)


def checks(wanted: DoctorChoice, apart: RunApart) -> dict[str, Check]:
    """Each check by the name of its finding."""
    config, interface = wanted.config, wanted.config.ros.network_interface
    return {
        "python": partial(check_system.check_python, tuple(sys.version_info[:3])),
        "packages": partial(check_system.check_packages, config),
        "system libraries": check_system.check_libraries,
        "processor": check_system.check_processor,
        "memory": partial(check_system.check_memory, config),
        "disk": lambda: check_system.check_disk(Path.cwd()),
        "display": partial(check_system.check_display, os.environ),
        "camera": partial(check_devices.check_camera, wanted.camera, apart),
        "microphone": partial(check_devices.check_microphone, wanted.microphone, apart),
        "ros": partial(check_ros.check_ros, apart),
        "dds": partial(check_ros.check_dds, apart),
        "rmw": check_ros.check_rmw,
        "ros domain": check_ros.check_domain,
        "ros discovery": partial(check_ros.check_discovery, interface),
        "network interface": partial(check_ros.check_interface, interface),
        "multicast": partial(check_ros.check_multicast, interface),
        "model files": partial(check_models.check_files, config),
        "model": partial(check_models.check_model, config, apart),
        "face tracker": partial(check_models.check_tracker, config, apart),
        "renderer": partial(check_models.check_renderer, config, apart),
    }


def guarded(name: str, check: Check) -> Finding:
    """A check's finding; a failure of that name if the check raises an error."""
    try:
        return check()
    except UserError as error:
        return fail(name, str(error), "correct the setting or variable that this names")
    except Exception as error:
        return fail(name, f"the check itself failed ({one_line(error)})", "report this line")
