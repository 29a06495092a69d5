"""Sections of the Config for the model and its training; ``config.py`` has the others."""

from dataclasses import dataclass

from reactface_node.config.settings import setting


@dataclass(frozen=True)
class ModelConfig:
    behaviour: str = setting(
        "causal",
        "what the paper's equations say, strictly causal, or what the released code computes",
        choices=("causal", "official"),
    )
    official_past: str = setting(
        "window",
        "official: the current window alone goes in, or all of the last 800 frames",
        choices=("window", "history"),
    )
    mean_face: str = setting(
        "", "official: FaceVerse's mean_face.npy, which is added to what the model gives"
    )
    face_encoder: str = setting(
        "coefficients", "what F-Enc reads", choices=("coefficients", "pixels")
    )
    speech_encoder: str = setting("log_mel", "what A-Enc reads", choices=("log_mel", "wav2vec2"))
    window: int = setting(8, "w: frames a window", 1, 64)
    width: int = setting(128, "D: features a token", 16, 1024)
    heads: int = setting(8, "attention heads", 1, 16)
    period: int = setting(8, "p: frames that share one alignment bias (Eq. 17)", 1, 64)
    face_layers: int = setting(2, "transformer layers of F-Enc", 1, 12)
    cie_layers: int = setting(3, "transformer layers of CIE", 1, 12)
    dropout: float = setting(0.0, "dropout in training", 0.0, 0.9)
    momentum: float = setting(
        0.9, "a of Eq. 10: how much of the last window's latent stays", 0.0, 1.0, live=True
    )
    temperature: float = setting(
        1.0,
        "scales sigma of Eq. 7: 0 = always the likeliest reaction, 1 = as various as in training",
        0.0,
        3.0,
        live=True,
    )
    gain: float = setting(
        1.0, "scales how far reactions go from the mean face; training has 1", 0.0, 3.0
    )
    disposition: int = setting(
        0,
        "S: numbers that say who the listener is, drawn once a session; 0 as in the paper",
        0,
        256,
    )
    nods: bool = setting(False, "nods are drawn as events; the paper has none")
    continuity: bool = setting(
        False, "a window starts where the motion of the one before leads; the paper's may jump"
    )
    lrd: str = setting(
        "latent_memory",
        "Eq. 12 as printed (queries Z), the released code's roles (memory Z), or those with the "
        "frame's own latent in the query",
        choices=("latent_memory", "latent_query", "latent_frame"),
    )
    use_face: bool = setting(True, "the speaker's face is looked at (Table 3)")
    use_speech: bool = setting(True, "the speaker's speech is heard (Table 3)")
    visual: bool = setting(True, "VIM, Eq. 14 (Table 4)")
    modality: str = setting(
        "history",
        "MIM, Eq. 15, on the history, or point to point as in FaceFormer, or none (Tables 4, 5)",
        choices=("history", "point", "none"),
    )
    history_s: float = setting(30.0, "seconds of speaker and reaction that are kept", 0.64, 120.0)
    sync_history_s: float = setting(
        30.0, "seconds of speaker that VIM and MIM see; 0 = the window alone", 0.0, 120.0
    )
    wav2vec2: str = setting(
        "facebook/wav2vec2-base-960h", "folder in transformers' layout, or a hub name"
    )
    wav2vec2_context_s: float = setting(1.0, "C: audio that wav2vec 2.0 sees", 0.32, 30.0)


@dataclass(frozen=True)
class TrainingConfig:
    data: str = setting(
        "", "folder of a converted data set; '' = synthetic dyads, made at the start"
    )
    neighbour_distance: float = setting(
        1.1,
        "speakers this near share reactions where a data set has no labels; 0 = none",
        0.0,
        10.0,
    )
    clips: int = setting(2000, "synthetic training clips", 2, 1_000_000)
    validation_clips: int = setting(24, "synthetic validation clips", 2, 100_000)
    test_clips: int = setting(48, "synthetic test clips", 2, 100_000)
    clip_s: float = setting(30.0, "length of a synthetic clip", 4.0, 600.0)
    listeners: int = setting(6, "appropriate listeners of a synthetic training clip", 1, 100)
    test_listeners: int = setting(
        10, "the same for validation and test, whose casts have no more", 1, 60
    )
    network: str = setting(
        "reactface", "what is trained", choices=("reactface", "trans_ae", "lfi", "ng", "zhou")
    )
    objective: str = setting(
        "posterior",
        "learn from M samples alone, as Algorithm 1, or from a real listener's posterior too",
        choices=("samples", "posterior"),
    )
    loss_form: str = setting(
        "standardised",
        "Eqs 20-23 in standardised units, as printed in the paper, or as in the released code",
        choices=("standardised", "paper", "released"),
    )
    own_past_steps: int = setting(
        1000,
        "of the steps the last, in which samples go on from their own past and the energy score "
        "judges them; posterior only",
        0,
        10_000_000,
    )
    lead_frames: int = setting(
        48, "first frames of a crop that the energy score of own_past_steps leaves out", 0, 4096
    )
    crop_frames: int = setting(160, "frames of a training crop, a multiple of w", 8, 4096)
    batch: int = setting(8, "crops a step, over all processes", 1, 4096)
    steps: int = setting(1600, "optimiser steps", 1, 10_000_000)
    samples: int = setting(3, "M in training (Algorithm 1)", 2, 16)
    learning_rate: float = setting(2e-3, "peak of AdamW's schedule", 1e-7, 1.0)
    schedule: str = setting(
        "cosine", "of the learning rate, after a warm-up", choices=("cosine", "constant")
    )
    beta2: float = setting(0.98, "AdamW's second beta", 0.5, 0.99999)
    weight_decay: float = setting(0.01, "AdamW", 0.0, 1.0)
    clip_norm: float = setting(1.0, "largest gradient norm", 0.01, 1000.0)
    average: float = setting(0.998, "decay of the weights' moving average; 0 = none", 0.0, 0.99999)
    precision: str = setting("float32", "of the forward pass", choices=("float32", "bfloat16"))
    validate_every: int = setting(200, "steps between validations and checkpoints", 1, 10_000_000)
    appropriate_weight: float = setting(1.0, "weight of Eq. 20, samples only", 0.0, 1000.0)
    kl_weight: float = setting(1e-3, "lambda_kl of Eq. 18", 0.0, 1000.0)
    smooth_weight: float = setting(4.0, "lambda_smo of Eq. 18", 0.0, 1000.0)
    diversity_weight: float = setting(0.02, "lambda_div of Eq. 18", 0.0, 1000.0)
    diversity_scale: float = setting(0.5, "sigma_d of Eq. 21", 1e-6, 1e6)
    neighbour_temperature: float = setting(
        0.05, "soft minimum over appropriate reactions; 0 = the minimum of Eq. 20", 0.0, 100.0
    )
    speaker_weight: float = setting(0.2, "weight of Eq. 19", 0.0, 1000.0)
    prior_share: float = setting(
        0.3, "weight of what CIE predicts, against what the posterior knows", 0.0, 1.0
    )
    posterior_weight: float = setting(0.03, "KL from posterior to CIE's distribution", 0.0, 1000.0)
    disposition_weight: float = setting(0.002, "KL of the dispositions", 0.0, 1000.0)
    nod_weight: float = setting(0.2, "likelihood of nods", 0.0, 1000.0)
    past_noise: float = setting(0.15, "disturbs the real past, in deviations", 0.0, 10.0)
    past_dropout: float = setting(0.8, "chance that the real past is hidden", 0.0, 1.0)
    channel_dropout: float = setting(
        0.15, "chance that a crop loses its face, its voice or channels", 0.0, 0.9
    )
    seed: int = setting(0, "seed of data, initialisation and noise", 0, 2**31 - 1)
