"""ament_python package; also installable with plain pip where there is no ROS."""

from glob import glob
from pathlib import Path
from xml.etree import ElementTree

from setuptools import find_packages, setup

NAME = "reactface_node"
# package.xml is the only place of data that ROS tools read too: version, description, maintainer,
# URLs.
MANIFEST = ElementTree.parse("package.xml").getroot()
CONFIG = [folder.rstrip("/") for folder in glob("config/*/")]
URLS = {url.get("type"): url.text for url in MANIFEST.findall("url")}
# mediapipe up to 0.10.21 has FaceMesh's models in its wheel; it ends at Python 3.12, and
# its arm64 wheels end earlier.
# Versions before 0.10.15 need numpy 1 but do not declare it: pip would install numpy 2.
FACEMESH = [
    "mediapipe>=0.10.15,<=0.10.21; python_version < '3.13' and platform_machine == 'x86_64'",
    "mediapipe>=0.10.15,<=0.10.18; python_version < '3.13' and platform_machine == 'aarch64'",
]
TORCH, SCIPY = "torch>=2.1", "scipy>=1.8"

setup(
    name=NAME,
    version=MANIFEST.findtext("version"),
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    # Web files in all folders; such a folder is not a package.
    package_data={"": ["*.html", "*.js", "*.css", "*.json", "page/*.*", "page/*/*.*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml", "LICENSE", "NOTICE"]),
        *[(f"share/{NAME}/{folder}", glob(f"{folder}/*.*")) for folder in ("config", *CONFIG)],
        # The .msg files are the only definition; without ROS they are read from here.
        (f"share/{NAME}/msg", glob("ros2_ws/src/reactface_msgs/msg/*.msg")),
        (f"share/{NAME}/srv", glob("ros2_ws/src/reactface_msgs/srv/*.srv")),
        (f"share/{NAME}/launch", glob("launch/*.py")),
        (f"share/{NAME}/weights", glob("weights/*.safetensors") + glob("weights/*.md")),
        (f"share/{NAME}/weights/graphs", glob("weights/graphs/*")),
    ],
    python_requires=">=3.10",
    install_requires=[
        "setuptools",
        "numpy>=1.24",
        "PyYAML>=6",
        "safetensors>=0.4",
        "soxr>=0.3.7",
        "skia-python>=87.6",
        "opencv-contrib-python>=4.8,<5",
        "pillow>=9.1",
        "av>=15",
        "rosbags>=0.11.9",
        # rosbags brings these; damaged bags are read with them alone.
        "apsw>=3.40",
        "backports.zstd>=1; python_version < '3.14'",
        "lz4>=4",
        "tqdm>=4.65",
        "psutil>=5.9",
        "python-osc>=1.8",
        "aiohttp>=3.9",
        # Runs the model of the default profile, and silero-vad.
        "onnxruntime>=1.17",
        # Runs the networks of the face tracker, which are downloaded: docs/tracking.md. The wheels
        # of 2.0 hold 380 MB.
        "ai-edge-litert>=1.2,!=2.0.*",
    ],
    extras_require={
        "test": ["pytest>=7", "pytest-timeout>=2", "pytest-xdist>=3", "hypothesis>=6.100"],
        "dds": ["cyclonedds>=0.10.5; platform_machine == 'x86_64'"],
        "display": ["pygame-ce>=2.4"],
        # A face tracker that needs no download, with hands; it brings jax.
        "facemesh": FACEMESH,
        # GPUs, portraits, and models of another architecture than the shipped one's.
        "torch": [TORCH],
        "paper": [TORCH, "transformers>=4.40", SCIPY],
        "export": [TORCH, "onnx>=1.16", "onnxscript>=0.2"],
        # For training and evaluation; a robot does not need these.
        "train": [
            TORCH,
            SCIPY,
            "tensorboard>=2.12",
            "matplotlib>=3.6",
            "dtaidistance>=2.3",
            "threadpoolctl>=3",
        ],
        # Conversion on the machines of a cluster.
        "cluster": ["distributed>=2024.1"],
        # Natural voices of synthetic speakers. Its model's graph is read: only this version.
        "voices": ["hibari-tts==0.2.1"],
        "check": [
            "ruff>=0.6",
            "mypy>=1.10",
            "types-PyYAML",
            "types-tqdm",
            "types-psutil",
            "pre-commit>=3",
            "pre-commit-hooks>=4.5",
        ],
    },
    # The page is served from the package's folder.
    zip_safe=False,
    maintainer=MANIFEST.findtext("maintainer"),
    maintainer_email=MANIFEST.find("maintainer").get("email"),
    description=MANIFEST.findtext("description"),
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    url=URLS["website"],
    project_urls={"Source": URLS["repository"], "Issues": URLS["bugtracker"]},
    classifiers=[
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
    entry_points={
        "console_scripts": [
            "reactface = reactface_node.cli.main:main",
            # `ros2 run reactface_node reactface_node`: `reactface node`, under the package's name.
            "reactface_node = reactface_node.cli.main:node",
        ]
    },
)
