"""Python, packages, libraries, processor, memory, disk and display: working, and every problem."""

import os
from collections import namedtuple

import psutil
import pytest

from reactface_node.config import Config
from reactface_node.files.resources import version
from reactface_node.tools.doctor import check_system
from reactface_node.tools.doctor.check_system import (
    check_disk,
    check_display,
    check_libraries,
    check_memory,
    check_packages,
    check_processor,
    check_python,
)

ALL = {
    **check_system.PACKAGES,
    **check_system.TORCH,
    **check_system.TRANSFORMERS,
}
OTHERS = (
    "numpy 1.2.3, opencv-contrib-python 1.2.3, av 1.2.3, soxr 1.2.3, "
    "skia-python 1.2.3, ai-edge-litert 1.2.3, safetensors 1.2.3, rosbags 1.2.3, onnxruntime 1.2.3"
)


@pytest.fixture
def installed(monkeypatch):
    """Versions of the packages that are there, by the name of their import; change it."""
    versions = dict.fromkeys(ALL, "1.2.3")

    def find(name):
        return versions.get(name)

    def version(package):
        (name,) = (name for name, its in ALL.items() if its == package)
        return versions[name]

    monkeypatch.setattr(check_system, "find_spec", find)
    monkeypatch.setattr(check_system, "version", version)
    return versions


def test_python():
    assert check_python((3, 12, 4)).line() == f"ok    python: 3.12.4, reactface_node {version()}"
    assert check_python((3, 9, 0)).line() == (
        f"fail  python: 3.9.0, reactface_node {version()} -> use Python 3.11 or 3.12"
    )


def test_packages_of_the_profile(installed, tmp_path):
    for config in (Config.load(), Config.load().replace(weights=str(tmp_path))):
        assert check_packages(config).line() == f"ok    packages: {OTHERS}"
    gpu = Config.load().replace(device="cuda")
    assert check_packages(gpu).line() == f"ok    packages: {OTHERS}, torch 1.2.3"
    paper = Config.load("paper")
    said = f"ok    packages: {OTHERS}, torch 1.2.3, transformers 1.2.3"
    assert check_packages(paper).line() == said


def test_packages_that_are_missing(installed):
    del installed["cv2"], installed["ai_edge_litert"]
    assert check_packages(Config()).line() == (
        "fail  packages: opencv-contrib-python, ai-edge-litert not installed -> "
        "pip install 'opencv-contrib-python<5' ai-edge-litert"
    )


def test_torch_is_missed_where_it_is_needed_alone(installed):
    del installed["torch"]
    assert check_packages(Config.load()).level == "ok"
    paper = check_packages(Config.load("paper"))
    assert paper.line() == "fail  packages: torch not installed -> pip install torch"


def test_opencv_5_breaks_cv_bridge(installed):
    installed["cv2"] = "5.0.1"
    finding = check_packages(Config())
    assert (finding.level, finding.cure) == ("warn", "pip install 'opencv-contrib-python<5'")
    assert finding.fact.startswith("OpenCV 5 breaks cv_bridge (numpy 1.2.3, ")


def test_system_libraries():
    assert check_libraries({"libc.so.6": "libc6"}).line() == "ok    system libraries: libc.so.6"
    missing = {"libc.so.6": "libc6", "libGLX9.so.1": "libgl9", "libEGL9.so.1": "libegl9"}
    assert check_libraries(missing).line() == (
        "fail  system libraries: libGLX9.so.1, libEGL9.so.1 cannot be loaded -> "
        "sudo apt install libgl9 libegl9"
    )


@pytest.fixture
def processor(monkeypatch):
    monkeypatch.setattr(check_system.resources, "processor", lambda: "Quick 9")
    monkeypatch.setattr(check_system.platform, "machine", lambda: "x86_64")

    def cores(number):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(number)), raising=False)

    return cores


def test_processor(processor, tmp_path):
    processor(4)
    assert check_processor(tmp_path).line() == "ok    processor: Quick 9 (x86_64), 4 cores"
    processor(1)
    assert check_processor(tmp_path).line() == (
        "warn  processor: Quick 9 (x86_64), 1 core -> give this process 2 cores or more"
    )


@pytest.mark.parametrize(
    ("governor", "driver", "line"),
    [
        ("performance", "acpi-cpufreq", "ok    processor: {}, governor performance"),
        ("powersave", "intel_pstate", "ok    processor: {}, governor powersave"),
        ("powersave", "amd-pstate-epp", "ok    processor: {}, governor powersave"),
        (
            "powersave",
            "cpufreq-dt",
            "warn  processor: {}, governor powersave -> sudo cpupower frequency-set -g performance",
        ),
    ],
)
def test_governor(processor, tmp_path, governor, driver, line):
    processor(4)
    (tmp_path / "scaling_governor").write_text(f"{governor}\n")
    (tmp_path / "scaling_driver").write_text(f"{driver}\n")
    assert check_processor(tmp_path).line() == line.format("Quick 9 (x86_64), 4 cores")


def test_memory(monkeypatch):
    memory = namedtuple("Memory", "available total")

    def free(megabytes):
        monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(megabytes << 20, 4000 << 20))

    free(800)
    assert check_memory(Config()).line() == "ok    memory: 800 MB of 4000 MB free"
    free(799)
    assert check_memory(Config()).line() == (
        "warn  memory: 799 MB of 4000 MB free -> end other programs: a session wants 800 MB"
    )
    free(1999)
    assert check_memory(Config.load("paper")).line() == (
        "warn  memory: 1999 MB of 4000 MB free -> end other programs: a session wants 2000 MB"
    )


def test_disk(monkeypatch, tmp_path):
    usage = namedtuple("Usage", "free")
    monkeypatch.setattr(check_system.shutil, "disk_usage", lambda _: usage(5000 << 20))
    assert check_disk(tmp_path).line() == f"ok    disk: 5000 MB free in {tmp_path}"
    monkeypatch.setattr(check_system.shutil, "disk_usage", lambda _: usage(1999 << 20))
    assert check_disk(tmp_path).line() == (
        f"warn  disk: 1999 MB free in {tmp_path} -> free some space, or record on another disk "
        "(-o FOLDER)"
    )


USE = "only `reactface view` and `live --show` need one"


def test_display(monkeypatch, tmp_path):
    monkeypatch.setattr(check_system, "find_spec", lambda _: "there")
    wayland, x11 = {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, {"DISPLAY": ":1"}
    assert check_display(wayland, tmp_path).line() == "ok    display: WAYLAND_DISPLAY=wayland-0"
    assert check_display(x11, tmp_path).line() == "ok    display: DISPLAY=:1"
    assert check_display({"DISPLAY": ""}, tmp_path).line() == (
        f"warn  display: none; {USE} -> run on the desktop, or `export DISPLAY=:0` over ssh"
    )
    card = tmp_path / "card0"
    card.touch()
    assert check_display({}, tmp_path).line() == f"ok    display: {card}, without a desktop"
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert check_display({}, tmp_path).line() == (
        f"warn  display: no permission to open {card}; {USE} -> sudo usermod -aG video $USER, then "
        "log in again"
    )
    monkeypatch.setattr(check_system, "find_spec", lambda _: None)
    assert check_display(x11, tmp_path).line() == (
        f"warn  display: pygame is not installed; {USE} -> pip install pygame-ce"
    )
