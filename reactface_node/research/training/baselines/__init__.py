"""The baselines of Table 2 (section 5.2.2 of the paper), and later ones of the field."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from reactface_node.config import ModelConfig
from reactface_node.errors import UserError
from reactface_node.research.training.baselines.common import Baseline
from reactface_node.research.training.baselines.fsq import ScalarListener
from reactface_node.research.training.baselines.lfi import LetsFaceIt
from reactface_node.research.training.baselines.nearest import NearestNeighbour
from reactface_node.research.training.baselines.ng import LearningToListen
from reactface_node.research.training.baselines.reactdiff import ReactDiff
from reactface_node.research.training.baselines.simple import Mirror, Random
from reactface_node.research.training.baselines.trans_ae import TransAE
from reactface_node.research.training.baselines.trans_vae import TransVAE
from reactface_node.research.training.baselines.zhou import ResponsiveLSTM

__all__ = ["BASELINES", "TITLES", "Mirror", "NearestNeighbour", "Random", "build"]

BASELINES: Mapping[str, Callable[[ModelConfig], Baseline]] = MappingProxyType(
    {
        "trans_ae": TransAE,
        "lfi": LetsFaceIt,
        "ng": LearningToListen,
        "zhou": ResponsiveLSTM,
        "fsq": ScalarListener,
        "trans_vae": TransVAE,
        "reactdiff": ReactDiff,
    }
)
TITLES: Mapping[str, str] = MappingProxyType(
    {
        "mirror": "Mirror",
        "random": "Random",
        "nn_motion": "NN motion",
        "nn_audio": "NN audio",
        "trans_ae": "Trans-AE",
        "lfi": "LFI [20]",
        "ng": "Ng et al. [1]",
        "zhou": "Zhou et al. [2]",
        "fsq": "Dam et al. (FSQ)",
        "trans_vae": "Trans-VAE (REACT)",
        "reactdiff": "ReactDiff",
    }
)


def build(name: str, config: ModelConfig) -> Baseline:
    """The baseline of that name with new weights: a ``Learner``.

    UserError for an unknown name, or if the config does not suit the baseline.
    """
    if name not in BASELINES:
        raise UserError(f"unknown baseline '{name}'; there are: {', '.join(BASELINES)}")
    return BASELINES[name](config)
