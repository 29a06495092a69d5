"""The training objectives of ReactFace: samples (Algorithm 1), or a posterior of real
reactions."""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.config import Config
from reactface_node.model.reactface import PITCH, ReactFace
from reactface_node.model.records import ModelState, Output, SpeakerInput
from reactface_node.model.sampling import draw_latent
from reactface_node.research.training import losses
from reactface_node.research.training.corpus import SMALLEST_STD, Batch
from reactface_node.research.training.noise import CropNoise
from reactface_node.research.training.posterior import Gaussian, Posterior, divergence

PAST_KNOT_FRAMES = 8  # how slowly the noise on past reactions changes


class ReactFaceLearner(nn.Module):
    """The model with the parts for training; ``losses`` follows ``training.objective``."""

    def __init__(self, config: Config, wav2vec2: nn.Module | None = None):
        super().__init__()
        self.settings = config.training
        # Training learns the distribution itself, at temperature 1 and gain 1.
        self.model = ReactFace(
            replace(config.model, temperature=1.0, gain=1.0, pitch_gain=1.0), wav2vec2
        )
        if config.training.objective == "posterior":
            self.posterior = Posterior(config.model)

    def react(self, speaker: SpeakerInput, samples: int, generator: torch.Generator) -> Tensor:
        """As ``ReactFace.react``."""
        return self.model.react(speaker, samples, generator)

    def losses(self, batch: Batch, generator: torch.Generator, step: int = 0) -> dict[str, Tensor]:
        """Weighted terms by name. step: number of the training step. In the last ``own_past_steps``
        samples continue from their own past, to reduce a drift that teacher forcing never shows."""
        settings, noise = self.settings, CropNoise(generator, batch.position)
        taught = step < settings.steps - settings.own_past_steps
        if settings.objective == "posterior" and taught:
            return self._posterior_losses(batch, noise)
        return self._sample_losses(batch, noise)

    def _sample_losses(self, batch: Batch, noise: CropNoise) -> dict[str, Tensor]:
        """Algorithm 1: M samples that continue from their own past; Eqs 18-23, or the energy score
        instead of Eqs 20 and 21."""
        model, settings = self.model, self.settings
        windows, samples = batch.truth.shape[1] // model.config.window, settings.samples
        who = noise.normal(samples, model.config.disposition)
        state = self._state(batch, who, noise)
        output, _ = model(batch.speaker, noise.normal(samples, windows, model.noise_width), state)
        calm = output.listener - output.events
        target = self._without_nods(batch.listeners, batch.nod_pitch)
        if settings.objective == "posterior":
            counted = (self._counted(self._compared(part, batch), batch) for part in (calm, target))
            terms = self._energy_terms(*counted)
        else:
            # The paper's and the released code's losses are in raw units.
            units = self._standard if settings.loss_form == "standardised" else nn.Identity()
            calm, target = (units(part) * self._known(batch) for part in (calm, target))
            terms = losses.reaction_terms(calm, target, settings, self._active())
        terms["speaker"] = settings.speaker_weight * self._speaker_term(output.speaker, batch)
        terms["kl"] = settings.kl_weight * losses.kl_loss(output.mean, output.log_variance)
        if model.nods is not None and output.nods is not None:
            # Samples have no own listener: the available ones are used in turn.
            turn = torch.arange(samples) % batch.nods.shape[1]
            may_nod = self.judged(batch.may_nod[:, turn], batch)
            nods = model.nods.loss(
                output.nods, batch.nods[:, turn], may_nod, batch.nod_age[:, turn]
            )
            terms["nods"] = settings.nod_weight * nods
        return terms | self._laugh_terms(output, batch)

    def _energy_terms(self, listener: Tensor, real: Tensor) -> dict[str, Tensor]:
        """(B, M, T, 58) samples against (B, L, T, 58), by windows, which compares motion, and as a
        whole, which compares character."""
        settings, spans = self.settings, (self.model.config.window, listener.shape[2])
        score = torch.stack([losses.energy_loss(listener, real, span) for span in spans]).mean()
        share = settings.parts_share
        if share:
            parts = [losses.energy_loss_of_parts(listener, real, span) for span in spans]
            score = (1.0 - share) * score + share * torch.stack(parts).mean()
        return {
            "appropriate": score,
            "smooth": settings.smooth_weight * losses.smooth_loss(listener),
        }

    def _counted(self, reactions: Tensor, batch: Batch) -> Tensor:
        """The frames (B, M, T', 58) of (B, M, T, 58) that losses compare: all of crops with which
        a session begins; of others, without the first frames, which depend on what came before."""
        return reactions[:, :, self._lead(batch) :]

    def judged(self, possible: Tensor, batch: Batch) -> Tensor:
        """(..., T) bool: where an event may start, in the frames that losses compare. In others,
        one may follow from what was before the crop."""
        place = torch.arange(possible.shape[-1], device=possible.device)
        return possible & (place >= self._lead(batch))

    def _lead(self, batch: Batch) -> int:
        """The number of first frames that losses do not compare, in whole windows."""
        window, frames = self.model.config.window, batch.truth.shape[1]
        lead = 0 if batch.begins else min(self.settings.lead_frames, frames - window)
        return lead // window * window

    def _posterior_losses(self, batch: Batch, noise: CropNoise) -> dict[str, Tensor]:
        """One real listener per crop, decoded once from its own posterior and M times from the
        distribution that CIE predicts, with real past reactions in every window. This is a
        conditional variational autoencoder whose prior samples are trained too (Sohn et al. 2015),
        by a proper score."""
        model, settings = self.model, self.settings
        listener = self._one_of(batch, noise)
        target = self._compared(self._without_nods(listener.listeners, listener.nod_pitch), batch)
        features = self.posterior.encode(target)
        who = self.posterior.disposition(target, features)
        windows = target.shape[2] // model.config.window
        fresh = noise.normal(1 + settings.samples, windows, model.config.width)
        nats: list[Tensor] = []

        def draw(mean: Tensor, log_variance: Tensor) -> Tensor:
            known = self.posterior.latents(features, Gaussian(mean, log_variance))
            nats.append(divergence(known, Gaussian(mean, log_variance)).mean())
            free = draw_latent(mean, log_variance, fresh[:, 1:])
            return torch.cat([known.draw(fresh[:, :1]), free], dim=1)

        state = self._state(batch, who.draw(noise.normal(*who.mean.shape[1:])), noise)
        if state.edge is not None:  # The posterior's sample and those of the prior begin alike.
            state = replace(state, edge=state.edge.expand(-1, 1 + settings.samples, -1, -1))
        output = model.teach(batch.speaker, self._past(listener.listeners, noise), draw, state)
        known, free = self._counted(self._compared(output.listener, batch), batch).tensor_split(
            [1], 1
        )
        target = self._counted(target, batch)
        share = settings.prior_share
        terms = {
            "appropriate": share * losses.energy_loss(free, target, model.config.window),
            "reconstruction": (1.0 - share) * F.smooth_l1_loss(known, target),
            "smooth": settings.smooth_weight * losses.smooth_loss(free),
            "diversity": settings.diversity_weight
            * losses.diversity_loss(free, settings.diversity_scale, self._active()),
            "speaker": settings.speaker_weight * self._speaker_term(output.speaker, batch),
            "kl": settings.kl_weight * losses.kl_loss(output.mean, output.log_variance),
            "posterior": settings.posterior_weight * nats[0],
        }
        if who.mean.shape[-1]:
            of_who = losses.kl_loss(who.mean, who.log_variance)
            terms["disposition"] = settings.disposition_weight * of_who
        if model.nods is not None and output.nods is not None:
            may_nod = self.judged(listener.may_nod, batch)
            nods = model.nods.loss(output.nods, listener.nods, may_nod, listener.nod_age)
            terms["nods"] = settings.nod_weight * nods
        return terms | self._laugh_terms(output, batch)

    def _laugh_terms(self, output: Output, batch: Batch) -> dict[str, Tensor]:
        if output.laughs is None:
            return {}
        return {"laughs": self.settings.nod_weight * self.laugh_loss(output.laughs, batch)}

    def laugh_loss(self, predicted: Tensor, batch: Batch) -> Tensor:
        """Of the listeners' laughs; predicted (B, 2, T)."""
        assert self.model.laughs is not None
        may_laugh = self.judged(batch.may_laugh, batch)
        return self.model.laughs.loss(predicted[:, 0], batch.laughs, may_laugh)

    def _one_of(self, batch: Batch, noise: CropNoise) -> Batch:
        """The batch with one of every crop's listeners, (B, 1, ...)."""
        chosen = noise.integers(batch.listeners.shape[1])
        names = ("listeners", "nods", "nod_pitch", "may_nod", "nod_age")
        crops = torch.arange(len(chosen), device=chosen.device)
        return replace(batch, **{n: getattr(batch, n)[crops, chosen][:, None] for n in names})

    def _past(self, real: Tensor, noise: CropNoise) -> Tensor:
        """The past reactions as CIE's input: with noise like that of the model's own past,
        sometimes left out."""
        settings, (samples, frames) = self.settings, real.shape[1:3]
        knots = noise.normal(samples * real.shape[3], frames // PAST_KNOT_FRAMES + 1)
        slow = F.interpolate(knots, frames, mode="linear", align_corners=True)
        slow = slow.unflatten(1, (samples, -1)).transpose(2, 3)
        strength = settings.past_noise * noise.uniform(samples, 1, 1)
        blank = noise.uniform(samples, 1, 1) < settings.past_dropout
        disturbed = real + strength * slow * self.model.listener_std
        return torch.where(blank, self.model.listener_mean, disturbed)

    def _state(self, batch: Batch, who: Tensor, noise: CropNoise) -> ModelState:
        """The state before the crops, for listeners ``who`` (B, M, S): that of a new session, or of
        one that began some time ago, at a random position of the history's cycle, so that minute 60
        is like minute 1. Its earlier frames are unknown, and the first window does not continue
        them."""
        state = self.model.initial_state(len(who), who.shape[1], who)
        position = noise.integers(self.model.decoder.cycle)
        return state if batch.begins else replace(state, edge=None, frame=position)

    def _speaker_term(self, predicted: Tensor, batch: Batch) -> Tensor:
        scale = self.model.speaker_std
        known = batch.known[:, None]
        return losses.speaker_loss(predicted / scale * known, batch.truth / scale * known)

    def _compared(self, listener: Tensor, batch: Batch) -> Tensor:
        """(B, M, T, 58) standardised, 0 in channels that a crop's data set does not have."""
        return self._standard(listener) * self._known(batch)

    def _known(self, batch: Batch) -> Tensor:
        return batch.known[:, None, None]

    def leave_out(self, channels: Tensor) -> None:
        """Keep the listener's mean in these channels, (58,) bool. No loss compares them, but
        through a listener's own past one would reach their weights."""
        last = self.model.head[-1]
        assert isinstance(last, nn.Linear)
        for weights in (last.weight, last.bias):
            with torch.no_grad():
                weights[channels] = 0.0
            if channels.any():
                weights.register_hook(partial(_without, channels.to(weights.device)))

    def _standard(self, listener: Tensor) -> Tensor:
        return (listener - self.model.listener_mean) / self.model.listener_std

    def _without_nods(self, listener: Tensor, pitch: Tensor) -> Tensor:
        """(B, L, T, 58) real listeners without the nods that the model draws."""
        if self.model.nods is None:
            return listener
        calm = listener.clone()
        calm[..., PITCH] -= pitch
        return calm

    def _active(self) -> Tensor:
        """(58,) bool: the channels that real listeners move by more than the smallest spread."""
        smallest = torch.from_numpy(SMALLEST_STD).to(self.model.listener_std)
        return self.model.listener_std > 1.01 * smallest


def _without(channels: Tensor, gradient: Tensor) -> Tensor:
    """The gradient of a layer's weights, 0 in these outputs."""
    left = gradient.clone()
    left[channels] = 0.0
    return left
