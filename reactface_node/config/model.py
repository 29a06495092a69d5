"""Config sections of the model and its training; equations and tables are those of the paper."""

from dataclasses import dataclass

from reactface_node.config.settings import setting


@dataclass(frozen=True)
class ModelConfig:
    """The architecture of the model, and how reactions are sampled from it."""

    behaviour: str = setting(
        "causal",
        "causal: the paper's equations, strictly causal; official: what the released code computes",
        choices=("causal", "official"),
    )
    official_past: str = setting(
        "window",
        "frames that the official model reads: the current window, or history = the last 800",
        choices=("window", "history"),
    )
    mean_face: str = setting(
        "",
        "FaceVerse's mean_face.npy, which is added to the output of the official model; '' = none",
    )
    face_encoder: str = setting(
        "coefficients",
        "input of the face encoder (F-Enc): tracked coefficients, or pixels of 224x224 images",
        choices=("coefficients", "pixels"),
    )
    speech_encoder: str = setting(
        "log_mel",
        "speech encoder (A-Enc): log-mel features with causal convolutions, or wav2vec 2.0",
        choices=("log_mel", "wav2vec2"),
    )
    window: int = setting(8, "w: frames (40 ms each) per window", 1, 64)
    width: int = setting(128, "D: features per token", 16, 1024)
    heads: int = setting(8, "number of attention heads", 1, 16)
    period: int = setting(8, "p: frames that share one alignment bias (Eq. 17)", 1, 64)
    face_layers: int = setting(2, "transformer layers of the face encoder (F-Enc)", 1, 12)
    cie_layers: int = setting(
        3, "transformer layers of the conditional interaction encoder (CIE)", 1, 12
    )
    dropout: float = setting(0.0, "dropout rate in training", 0.0, 0.9)
    momentum: float = setting(
        0.9, "a of Eq. 10: share of the previous window's latent that is kept", 0.0, 1.0, live=True
    )
    temperature: float = setting(
        1.0,
        "factor of sigma of Eq. 7: 0 = always the most likely reaction, 1 = varied as in training",
        0.0,
        3.0,
        live=True,
    )
    gain: float = setting(
        1.0, "factor of the reaction's difference from the mean face; 1 in training", 0.0, 3.0
    )
    pitch_gain: float = setting(
        1.0,
        "further factor of the head's pitch without its nods; 1 in training",
        0.0,
        3.0,
    )
    disposition: int = setting(
        0,
        "S: size of the random vector that describes the listener, drawn once per session; 0 = "
        "none, as in the paper",
        0,
        256,
    )
    nods: bool = setting(False, "draw nods as separate events; not in the paper")
    continuity: bool = setting(
        False,
        "start a window where the motion of the previous one leads; the paper's windows may jump",
    )
    lrd: str = setting(
        "latent_memory",
        "attention of the listener reaction decoder: latent_query = Eq. 12 as printed (queries Z), "
        "latent_memory = as in the released code (memory Z), latent_frame = that with the frame's "
        "own latent in the query",
        choices=("latent_memory", "latent_query", "latent_frame"),
    )
    use_face: bool = setting(True, "use the speaker's face (Table 3)")
    use_speech: bool = setting(True, "use the speaker's speech (Table 3)")
    visual: bool = setting(True, "use VIM, the alignment with the speaker's face, Eq. 14 (Table 4)")
    modality: str = setting(
        "history",
        "MIM, the alignment with the speaker's speech, Eq. 15: on the history, point to point as "
        "in FaceFormer, or none (Tables 4, 5)",
        choices=("history", "point", "none"),
    )
    history_s: float = setting(
        30.0, "seconds of speaker and reaction that the model remembers", 0.64, 120.0
    )
    sync_history_s: float = setting(
        30.0, "seconds of the speaker that VIM and MIM use; 0 = the current window", 0.0, 120.0
    )
    wav2vec2: str = setting(
        "facebook/wav2vec2-base-960h",
        "wav2vec 2.0 model: a folder in the format of transformers, or a name on its hub",
    )
    wav2vec2_context_s: float = setting(
        1.0, "C: seconds of audio that wav2vec 2.0 reads for each window", 0.32, 30.0
    )


@dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained, and on which data."""

    data: str = setting(
        "",
        "folder of a converted data set; '' or synthetic = synthetic conversations, generated at "
        "the start; several with weights, in training: FOLDER:2,synthetic:1",
    )
    neighbour_distance: float = setting(
        1.1,
        "for data without labels: speakers closer than this distance share reactions; 0 = none",
        0.0,
        10.0,
    )
    clips: int = setting(1500, "number of synthetic training clips", 2, 1_000_000)
    validation_clips: int = setting(24, "number of synthetic validation clips", 2, 100_000)
    test_clips: int = setting(48, "number of synthetic test clips", 2, 100_000)
    clip_s: float = setting(30.0, "seconds of a synthetic clip", 4.0, 600.0)
    listeners: int = setting(6, "listeners per synthetic training clip, all appropriate", 1, 100)
    test_listeners: int = setting(10, "listeners per synthetic validation or test clip", 1, 60)
    network: str = setting(
        "reactface",
        "network to train: ReactFace, or one of the baselines: trans_ae to zhou are the paper's",
        choices=(
            "reactface",
            "trans_ae",
            "lfi",
            "ng",
            "zhou",
            "fsq",
            "trans_vae",
            "reactdiff",
        ),
    )
    objective: str = setting(
        "posterior",
        "samples: learn from M drawn samples, as Algorithm 1; posterior: also from the posterior "
        "of a real listener",
        choices=("samples", "posterior"),
    )
    loss_form: str = setting(
        "standardised",
        "losses of Eqs 20-23: in standardised units, as printed in the paper, or as in the "
        "released code",
        choices=("standardised", "paper", "released"),
    )
    own_past_steps: int = setting(
        1400,
        "number of last steps in which samples continue from their own past and the energy score "
        "is added; objective posterior only",
        0,
        10_000_000,
    )
    lead_frames: int = setting(
        48,
        "first frames of a crop that the loss of reactions ignores, unless the crop begins a clip",
        0,
        4096,
    )
    begins_share: float = setting(
        0.25,
        "share of the steps whose crops begin with a clip, as a session does: with nothing seen "
        "before, and the loss from the first frame on",
        0.0,
        1.0,
    )
    parts_share: float = setting(
        0.0,
        "share of the energy score of own_past_steps that compares smile, brows, mouth, eyes and "
        "head each for itself; the whole face has the rest",
        0.0,
        1.0,
    )
    crop_frames: int = setting(160, "frames per training crop, a multiple of w", 8, 4096)
    batch: int = setting(8, "crops per step, over all processes", 1, 4096)
    steps: int = setting(2600, "number of optimiser steps", 1, 10_000_000)
    samples: int = setting(3, "M: samples drawn per speaker in training (Algorithm 1)", 2, 16)
    learning_rate: float = setting(2e-3, "largest learning rate of AdamW", 1e-7, 1.0)
    schedule: str = setting(
        "cosine", "schedule of the learning rate after a warm-up", choices=("cosine", "constant")
    )
    beta2: float = setting(0.98, "second beta of AdamW", 0.5, 0.99999)
    weight_decay: float = setting(0.01, "weight decay of AdamW", 0.0, 1.0)
    clip_norm: float = setting(
        1.0, "gradient norm above which gradients are scaled down", 0.01, 1000.0
    )
    average: float = setting(
        0.998, "decay of the moving average of the weights; 0 = none", 0.0, 0.99999
    )
    precision: str = setting(
        "float32", "number format of the forward pass", choices=("float32", "bfloat16")
    )
    validate_every: int = setting(
        200, "number of steps between validations, each with a checkpoint", 1, 10_000_000
    )
    appropriate_weight: float = setting(
        1.0, "weight of Eq. 20; objective samples only", 0.0, 1000.0
    )
    kl_weight: float = setting(1e-3, "lambda_kl of Eq. 18: weight of the KL loss", 0.0, 1000.0)
    smooth_weight: float = setting(
        4.0, "lambda_smo of Eq. 18: weight of the smoothness loss", 0.0, 1000.0
    )
    diversity_weight: float = setting(
        0.02, "lambda_div of Eq. 18: weight of the diversity loss", 0.0, 1000.0
    )
    diversity_scale: float = setting(
        0.5, "sigma_d of Eq. 21: scale of the diversity loss", 1e-6, 1e6
    )
    neighbour_temperature: float = setting(
        0.05,
        "temperature of the soft minimum over appropriate reactions; 0 = the minimum of Eq. 20",
        0.0,
        100.0,
    )
    speaker_weight: float = setting(
        0.2, "weight of Eq. 19: the speaker's reconstruction", 0.0, 1000.0
    )
    prior_share: float = setting(
        0.3,
        "weight of samples of CIE's distribution; the posterior's samples have the rest",
        0.0,
        1.0,
    )
    posterior_weight: float = setting(
        0.03, "weight of the KL from the posterior to CIE's distribution", 0.0, 1000.0
    )
    disposition_weight: float = setting(
        0.002, "weight of the KL of the listener vectors (dispositions)", 0.0, 1000.0
    )
    event_steps: int = setting(
        1500, "last steps, of the heads of nods and laughs alone; 0 = none", 0, 10_000_000
    )
    proportion_steps: int = setting(
        80,
        "last steps in which made speakers who hold a weak smile are answered in proportion; 0 = "
        "none",
        0,
        10_000_000,
    )
    nod_weight: float = setting(0.2, "weight of the negative log-likelihood of nods", 0.0, 1000.0)
    past_noise: float = setting(
        0.15, "noise on the real past reactions, in standard deviations", 0.0, 10.0
    )
    past_dropout: float = setting(
        0.8, "probability that the real past reactions are hidden", 0.0, 1.0
    )
    channel_dropout: float = setting(
        0.2, "probability that a crop loses its face, its voice or channels", 0.0, 0.9
    )
    threads: int = setting(0, "CPU threads of training, 0 = all", 0, 256)
    seed: int = setting(0, "random seed of data, initialisation and noise", 0, 2**31 - 1)
