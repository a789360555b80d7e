"""The training loop: examples in, a model folder out; after an interruption it resumes from its
checkpoint."""

from __future__ import annotations

import copy
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from beam_kie.layoutxlm.config import ConfigError
from beam_kie.layoutxlm.devices import resolve_device, resolve_dtype
from beam_kie.layoutxlm.folders import WEIGHTS_FILE, ModelError
from beam_kie.layoutxlm.inputs.batches import Batch, Window, plan_batches
from beam_kie.layoutxlm.inputs.tokenizer import PageTokenizer
from beam_kie.layoutxlm.model import KieModel
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.training.augmentation.pages import augment
from beam_kie.training.data.embeddings import text_embeddings
from beam_kie.training.data.examples import (
    Example,
    ExampleMaker,
    collate_examples,
    text_part,
    with_pictures_of,
)
from beam_kie.training.data.pages import PageSource
from beam_kie.training.data.vocabulary import read_text, save_tokenizer
from beam_kie.training.line_vectors.learning import LineVectorHead
from beam_kie.training.losses import grouping_loss, masked_loss, relation_loss, tag_loss
from beam_kie.training.planning.plan import Plan
from beam_kie.training.planning.values import SettingsError
from beam_kie.training.reports.measuring import mean_score, measured
from beam_kie.training.reports.progress import Progress, say
from beam_kie.training.reports.provenance import of_run
from beam_kie.training.teacher import Teacher, read_examples, teaching_losses
from beam_kie.training.weights.optimising import create_optimizer, learning_rate
from beam_kie.training.weights.starting import start_from

POOL_PAGES = 32
CHECKPOINT = "checkpoint.pt"


class Trainer:
    """One run. ``log`` receives a dict for every line of ``log.jsonl``.

    Args:
        plan: of the run.
        source: draws the pages.
        device: as of ``resolve_device``.

    Raises:
        SettingsError: the network to begin from, the teacher or the precision cannot be used.
    """

    def __init__(self, plan: Plan, source: PageSource, device: str = "auto"):
        self.settings, self.source, self.tokenizer = plan.settings, source, plan.tokenizer
        self.provenance = of_run(plan)
        settings = plan.settings
        self.device = resolve_device(device)
        self.dtype = precision_on(self.device, settings.precision)
        self.teacher = _find_teacher(plan, self.device)
        torch.manual_seed(settings.seed)
        self.network = LayoutXLM(plan.config)
        self.output = Path(settings.output)
        if settings.start_from:
            start_from(self.network, settings.start_from)
        elif settings.text_embeddings and not (self.output / CHECKPOINT).is_file():
            self._start_with_embeddings()
        self.network.to(self.device)
        if settings.activation_checkpointing:
            self.network.recompute_activations()
        self.lines = None  # learns what text encoders say of lines
        if plan.line_vectors:
            self.lines = LineVectorHead(plan.line_vectors, plan.config.architecture.hidden_size).to(
                self.device
            )
        self.average = copy.deepcopy(self.network).eval() if settings.average_decay else self.network
        self.optimizer = create_optimizer(self.network, settings)
        if self.lines:
            self.optimizer.add_param_group({"params": list(self.lines.parameters()), "lr": 1.0})
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: learning_rate(settings, step)
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)
        self.make = ExampleMaker(
            plan.tokenizer,
            plan.config,
            settings.max_page_tokens or plan.config.tokenising.text_tokens,
            settings.mask_rate,
            settings.line_mask_rate,
            settings.tag_weights,
            plan.line_vectors.by_text() if plan.line_vectors else {},
        )
        self.step = 0
        self.best, self.worse = 0.0, 0  # the best measurement, and how many came after it
        self.pool = self.place = 0  # which pool of pages, how many of its batches are done

    def run(self) -> dict:
        """Trains to the end, from the last checkpoint if there is one; returns the last measurement."""
        self.output.mkdir(parents=True, exist_ok=True)
        self._resume()
        saved, started, report = time.monotonic(), time.monotonic(), {}
        sums: dict[str, float] = {}
        last = self.step
        batches = self._batches()
        progress = Progress(self.step, self.settings.steps)
        while self.step < self.settings.steps and not self._exhausted():
            losses = self._train([next(batches) for _ in range(self.settings.accumulate)])
            self.step += 1
            progress.done(self.step, losses["loss"])
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value
            if self.step % 50 == 0:
                means = {name: round(value / (self.step - last), 4) for name, value in sums.items()}
                last = self.step
                self._log({"step": self.step, "seconds": round(time.monotonic() - started), **means})
                sums = {}
            if self.step % self.settings.measure_every == 0 or self.step == self.settings.steps:
                report = self.measure()
                self._log({"step": self.step, **report})
                self._keep(mean_score(report))
            if time.monotonic() - saved > 60 * self.settings.checkpoint_minutes:
                self._save_checkpoint()
                saved = time.monotonic()
        progress.close()
        self._save_checkpoint()
        if self._exhausted():
            print(f"stopped: the last {self.worse} measurements were no better", file=sys.stderr)
        return report

    def _exhausted(self) -> bool:
        return 0 < self.settings.patience <= self.worse

    def _keep(self, score: float) -> None:
        """Writes the model folder; with ``patience`` only where no earlier measurement was better."""
        better = score > self.best or not (self.output / "model" / WEIGHTS_FILE).is_file()
        self.best, self.worse = max(score, self.best), 0 if better else self.worse + 1
        if better or not self.settings.patience:
            kind = getattr(torch, self.settings.saved_type)
            export(self.average, self.tokenizer, self.output / "model", kind)
            self.provenance.write(self.output / "model")

    def measure(self) -> dict:
        """SER, RE and pair F1 of the averaged weights on the pages held out, by source.

        ``pairs_read``: pairs on the lines that an OCR engine read, where the source has them.
        """
        model = KieModel(copy.deepcopy(self.average), self.tokenizer, dtype=self.dtype, device=self.device)
        return {
            name: measured(model, pages, self.source.held_out_read[name])
            for name, pages in self.source.held_out.items()
        }

    def _train(self, batches: list[list[Example]]) -> dict[str, float]:
        """One step: the mean of the gradients of the batches. Returns the means of the parts of the loss."""
        self.network.train()
        sums: dict[str, float] = {}
        for examples in batches:
            batch, targets = collate_examples(examples, self.network.config)
            batch = batch.to(self.device)
            targets = {name: value.to(self.device) for name, value in targets.items()}
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                loss, parts = self._losses(examples, batch, targets)
            if loss.requires_grad:  # pages without anything to learn have no gradient
                self.scaler.scale(loss / len(batches)).backward()
            for name, value in {"loss": loss, **parts}.items():
                sums[name] = sums.get(name, 0.0) + value.item() / len(batches)
        self._update()
        return sums

    def _update(self) -> None:
        if self.settings.clip_norm:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.scheduler.step()
        self._average_weights()

    def _losses(
        self, examples: list[Example], batch: Batch, targets: dict[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and its parts for the log."""
        settings, config = self.settings, self.network.config
        batch = with_pictures_of(self.network, batch, examples)
        hidden = self.network.encode(batch)
        found = read_examples(self.network, hidden, batch, examples)
        nothing = torch.zeros((), device=self.device)
        smoothing = settings.label_smoothing
        parts = {
            "tags": nothing if found.tags is None else tag_loss(found.tags, targets, smoothing),
            "relations": relation_loss(found.relations, examples, config),
            "groups": grouping_loss(found.groups, examples),
        }
        loss = self._weighed(**parts)
        if self.teacher:
            taught = self.teacher(batch, targets["masked"], examples)
            parts["teacher"] = self._weighed(*teaching_losses(found, taught, targets["weights"]))
            loss = loss.lerp(parts["teacher"], settings.teacher_weight)
        text = text_part(hidden, config)
        if self.lines:
            parts["lines"] = self.lines.loss(text, examples)
            loss = loss + settings.line_vector_weight * parts["lines"]
        if settings.masked_weight:
            parts["masked"] = masked_loss(self.network, text, targets["masked"])
            loss = loss + settings.masked_weight * parts["masked"]
        return loss, parts

    def _weighed(self, tags: Tensor, relations: Tensor, groups: Tensor) -> Tensor:
        settings = self.settings
        return tags + settings.relation_weight * relations + settings.grouping_weight * groups

    @torch.no_grad()
    def _average_weights(self) -> None:
        if self.average is self.network:
            return
        # The ramp lets the average forget the first, random weights soon.
        decay = min(self.settings.average_decay, (1 + self.step) / (10 + self.step))
        means: list[Tensor] = [*self.average.parameters()]
        values: list[Tensor] = [*self.network.parameters()]
        get_ema_multi_avg_fn(decay)(means, values, self.step)
        # Statistics of batches are averaged already; their mean would begin with the initial values.
        for mean, value in zip(self.average.buffers(), self.network.buffers(), strict=True):
            mean.copy_(value)

    def _batches(self) -> Iterator[list[Example]]:
        while True:
            for group in self._pool_batches()[self.place :]:
                self.place += 1
                yield group
            self.pool, self.place = self.pool + 1, 0

    def _pool_batches(self) -> list[list[Example]]:
        # A pool depends on its number alone, so that a resumed run sees the pages of an undisturbed one.
        rng = random.Random(f"{self.settings.seed}-{self.pool}")
        examples: list[Example] = []
        while len(examples) < POOL_PAGES:
            page, supervised = self.source.draw(rng)
            example = self.make(augment(page, rng, self.settings.augmentation), rng, supervised)
            if example:
                examples.append(example)
        windows = [Window(index, 0, len(example.tokens)) for index, example in enumerate(examples)]
        groups = plan_batches(windows, self.settings.batch_tokens)
        rng.shuffle(groups)
        return [[examples[window.page] for window in group] for group in groups]

    def _start_with_embeddings(self) -> None:
        """Tokens that the texts do not have keep their random vectors."""
        assert isinstance(self.tokenizer, Tokenizer), "the plan refuses others"
        words = self.network.embeddings.word_embeddings.weight.data
        texts = (read_text(path) for path in self.settings.texts)
        found = torch.from_numpy(text_embeddings(self.tokenizer, texts, words.shape[1])).to(words)
        known = found.abs().sum(1) > 0
        words[known] = found[known]

    def _save_checkpoint(self) -> None:
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "scaler": self.scaler.state_dict(),
            "pool": (self.pool, self.place),
            "best": (self.best, self.worse),
            "torch_random": torch.get_rng_state(),
        }
        if self.average is not self.network:
            state["average"] = self.average.state_dict()
        if self.lines:
            state["lines"] = self.lines.state_dict()
        if self.device.type == "cuda":
            state["cuda_random"] = torch.cuda.get_rng_state(self.device)
        temporary = self.output / f"{CHECKPOINT}.part"
        torch.save(state, temporary)
        temporary.replace(self.output / CHECKPOINT)

    def _resume(self) -> None:
        path = self.output / CHECKPOINT
        if not path.is_file():
            return
        # On the CPU first: the optimiser copies what it needs to the parameters' place.
        state = torch.load(path, weights_only=True, map_location="cpu")
        try:
            self.network.load_state_dict(state["network"])
            if self.average is not self.network:
                self.average.load_state_dict(state["average"])
            if self.lines:
                self.lines.load_state_dict(state["lines"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise SettingsError(
                f"output: {self.output} holds a run of another network or with other rates; name another "
                f"folder, or remove {CHECKPOINT} from it to begin again"
            ) from error
        self.step = state["step"]
        self.scheduler.load_state_dict(state["scheduler"])
        self.scaler.load_state_dict(state["scaler"])
        self.pool, self.place = state["pool"]
        self.best, self.worse = state["best"]
        torch.set_rng_state(state["torch_random"])
        if "cuda_random" in state and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda_random"], self.device)

    def _log(self, record: dict) -> None:
        line = json.dumps(record)
        say(line)
        with open(self.output / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(line + "\n")


def export(
    network: LayoutXLM, tokenizer: PageTokenizer, folder: Path, dtype: torch.dtype = torch.float16
) -> None:
    """Writes a model folder.

    Args:
        network: what is saved, with its configuration.
        tokenizer: its vocabulary.
        folder: made if it is not there; files of an earlier export are replaced.
        dtype: of the weights; as float16 they take half the space, at no measurable loss.
    """
    folder.mkdir(parents=True, exist_ok=True)
    network.config.save(folder / "config.json")
    weights = {
        name: value.detach().cpu().to(dtype).contiguous() for name, value in network.state_dict().items()
    }
    save_file(weights, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    save_tokenizer(tokenizer, folder)


def precision_on(device: torch.device, name: str) -> torch.dtype:
    """The type of the large products; float16 is for GPUs that do not multiply bfloat16.

    Args:
        device: that the run is to use.
        name: the setting ``precision``.

    Raises:
        SettingsError: the device cannot train with it.
    """
    if name == "float16":
        if device.type != "cuda":
            raise SettingsError('precision "float16" needs a GPU; use "auto", "bfloat16" or "float32"')
        return torch.float16
    return resolve_dtype(name, device)


def _find_teacher(plan: Plan, device: torch.device) -> Teacher | None:
    try:
        return Teacher(plan.settings.teacher, device) if plan.settings.teacher else None
    except (ConfigError, ModelError) as error:
        raise SettingsError(f"teacher: {error}") from error
