"""Checks of Python, packages, system libraries, processor, memory, disk and display."""

import ctypes
import os
import platform
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import psutil

from reactface_node.config import Config
from reactface_node.engine.engine import graphs_of
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.tools.doctor.finding import Finding, fail, ok, warn

OLDEST_PYTHON = (3, 10)
PACKAGES = {
    "numpy": "numpy",
    "cv2": "opencv-contrib-python",
    "av": "av",
    "soxr": "soxr",
    "skia": "skia-python",
    "ai_edge_litert": "ai-edge-litert",
    "safetensors": "safetensors",
    "rosbags": "rosbags",
    "onnxruntime": "onnxruntime",
}
"""Packages that every profile needs: import name and package name."""
TORCH = {"torch": "torch"}
TRANSFORMERS = {"transformers": "transformers"}
LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libglib-2.0.so.0": "libglib2.0-0",
}
"""System libraries that the wheels of OpenCV and skia load, and their Debian
packages."""
APT = "sudo apt install"
FEWEST_CORES = 2
MEMORY_MB, LARGE_MEMORY_MB = 800, 2000
"""Memory that should be free: a session of the default profile takes 470 MB, one with wav2vec 2.0
takes 1,200 MB and its face tracker more."""
DISK_MB = 2000
CPUFREQ = Path("/sys/devices/system/cpu/cpu0/cpufreq")
DRM = Path("/dev/dri")


def check_python(running: tuple[int, ...]) -> Finding:
    """running: the version of Python, (major, minor, ...)."""
    fact = f"{'.'.join(map(str, running[:3]))}, reactface_node {resources.version()}"
    if running[:2] < OLDEST_PYTHON:
        return fail("python", fact, "use Python 3.11 or 3.12")
    return ok("python", fact)


def check_packages(config: Config) -> Finding:
    """The packages that the config needs, and their versions."""
    wanted = {**PACKAGES, **(TORCH if _needs_torch(config) else {})}
    if config.model.speech_encoder == "wav2vec2":
        wanted |= TRANSFORMERS
    missing = [package for name, package in wanted.items() if not _is_installed(name)]
    if missing:
        cure = install(*missing)
        return fail("packages", f"{', '.join(missing)} not installed", cure)
    found = [f"{package} {_version(package)}" for package in wanted.values()]
    if int(_version("opencv-contrib-python").partition(".")[0] or 0) >= 5:
        return warn(
            "packages",
            f"OpenCV 5 breaks cv_bridge ({', '.join(found)})",
            install("opencv-contrib-python"),
        )
    return ok("packages", ", ".join(found))


def install(*packages: str) -> str:
    """The command that installs versions which this package works with."""
    limits = {"opencv-contrib-python": "<5"}
    named = (f"'{name}{limits[name]}'" if name in limits else name for name in packages)
    return f"pip install {' '.join(named)}"


def _needs_torch(config: Config) -> bool:
    try:
        return graphs_of(config) is None
    except UserError:  # Missing weights are another check's.
        return False


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ImportError:
        return False


def _version(package: str) -> str:
    """'' if a package was installed without its metadata."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def check_libraries(libraries: Mapping[str, str] = LIBRARIES) -> Finding:
    """libraries: file names and the Debian packages that have them."""
    missing = []
    for name in libraries:
        try:
            ctypes.CDLL(name)
        except OSError:
            missing.append(name)
    if missing:
        packages = " ".join(libraries[name] for name in missing)
        return fail(
            "system libraries", f"{', '.join(missing)} cannot be loaded", f"{APT} {packages}"
        )
    return ok("system libraries", ", ".join(libraries))


def check_processor(cpufreq: Path = CPUFREQ) -> Finding:
    """cpufreq: the folder of the kernel's frequency control."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    governor, driver = _read(cpufreq / "scaling_governor"), _read(cpufreq / "scaling_driver")
    fact = f"{resources.processor() or 'unknown'} ({platform.machine()}), {_count(cores, 'core')}"
    fact += f", governor {governor}" if governor else ""
    if cores < FEWEST_CORES:
        return warn("processor", fact, f"give this process {FEWEST_CORES} cores or more")
    # The drivers of Intel and AMD raise the frequency under "powersave" too.
    if governor == "powersave" and not driver.startswith(("intel_pstate", "amd-pstate")):
        return warn("processor", fact, "sudo cpupower frequency-set -g performance")
    return ok("processor", fact)


def check_memory(config: Config) -> Finding:
    """Whether a session of the config fits into the memory that is free."""
    wanted_mb = LARGE_MEMORY_MB if config.model.speech_encoder == "wav2vec2" else MEMORY_MB
    memory = psutil.virtual_memory()
    free_mb, total_mb = memory.available >> 20, memory.total >> 20
    fact = f"{free_mb} MB of {total_mb} MB free"
    if free_mb < wanted_mb:
        return warn("memory", fact, f"end other programs: a session wants {wanted_mb} MB")
    return ok("memory", fact)


def check_disk(folder: Path) -> Finding:
    """folder: where recordings are written."""
    free_mb = shutil.disk_usage(folder).free >> 20
    fact = f"{free_mb} MB free in {folder}"
    if free_mb < DISK_MB:
        return warn("disk", fact, "free some space, or record on another disk (-o FOLDER)")
    return ok("disk", fact)


def check_display(environment: Mapping[str, str], drm: Path = DRM) -> Finding:
    """drm: the folder of the kernel's display devices, which work without a desktop."""
    name, use = "display", "only `reactface view` and `live --show` need one"
    if not _is_installed("pygame"):
        return warn(name, f"pygame is not installed; {use}", "pip install pygame-ce")
    for variable in ("WAYLAND_DISPLAY", "DISPLAY"):
        if environment.get(variable):
            return ok(name, f"{variable}={environment[variable]}")
    cards = sorted(drm.glob("card*"))
    if not cards:
        return warn(name, f"none; {use}", "run on the desktop, or `export DISPLAY=:0` over ssh")
    if not os.access(cards[0], os.R_OK | os.W_OK):
        return warn(name, f"no permission to open {cards[0]}; {use}", joining("video"))
    return ok(name, f"{cards[0]}, without a desktop")


def joining(group: str) -> str:
    """The cure if a device belongs to a group that the user is not in."""
    return f"sudo usermod -aG {group} $USER, then log in again"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError:
        return ""
