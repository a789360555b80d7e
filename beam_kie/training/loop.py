"""The training loop: examples in, a model folder out; after an interruption it resumes from its
checkpoint."""

from __future__ import annotations

import copy
import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from beam_kie.evaluation.measure import evaluate
from beam_kie.evaluation.pairs import pairs_from_lines
from beam_kie.layoutxlm.checkpoints import ModelError, load_network
from beam_kie.layoutxlm.config import ConfigError
from beam_kie.layoutxlm.devices import resolve_device, resolve_dtype
from beam_kie.layoutxlm.inputs.batches import Batch, Window, plan_batches
from beam_kie.layoutxlm.inputs.tokenizer import TokenizerError, load_tokenizer
from beam_kie.layoutxlm.model import KieModel
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.training.augmentation.pages import augment
from beam_kie.training.data.embeddings import text_embeddings
from beam_kie.training.data.examples import Example, ExampleMaker, batch_line_features, collate_examples
from beam_kie.training.data.pages import PageSource, read_text
from beam_kie.training.losses import grouping_loss, masked_loss, relation_loss, tag_loss
from beam_kie.training.settings import Settings, SettingsError
from beam_kie.training.teacher import Teacher, read_examples, teaching_losses

POOL_PAGES = 32
CHECKPOINT = "checkpoint.pt"


class Trainer:
    """One run. ``log`` receives a dict for every line of ``log.jsonl``.

    Args:
        settings: of the run.
        source: draws the pages.
        tokenizer: of the network.
        device: as of ``resolve_device``.
    """

    def __init__(self, settings: Settings, source: PageSource, tokenizer: Tokenizer, device: str = "auto"):
        self.settings, self.source, self.tokenizer = settings, source, tokenizer
        self.output = Path(settings.output)
        self.output.mkdir(parents=True, exist_ok=True)
        self.device = resolve_device(device)
        self.dtype = resolve_dtype("auto", self.device)
        torch.manual_seed(settings.seed)
        config = settings.network_config(tokenizer.get_vocab_size())
        self.network = LayoutXLM(config).to(self.device)
        if settings.start_from:
            self._start_from(Path(settings.start_from))
        elif settings.text_embeddings and not (self.output / CHECKPOINT).is_file():
            self._start_with_embeddings()
        self.teacher = self._find_teacher()
        self.average = copy.deepcopy(self.network).eval()
        self.optimizer = torch.optim.AdamW(
            _groups(self.network, settings.weight_decay, settings.strip_rate), lr=1.0, fused=True
        )
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._rate)
        self.make = ExampleMaker(
            tokenizer, config, settings.max_page_tokens, settings.mask_rate, settings.line_mask_rate
        )
        self.step = 0
        self.pool = self.place = 0  # which pool of pages, how many of its batches are done

    def run(self) -> dict:
        """Trains to the end, from the last checkpoint if there is one; returns the last measurement."""
        self._resume()
        saved, started, report = time.monotonic(), time.monotonic(), {}
        sums: dict[str, float] = {}
        last = self.step
        batches = self._batches()
        while self.step < self.settings.steps:
            losses = self._train(next(batches))
            self.step += 1
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value
            if self.step % 50 == 0:
                means = {name: round(value / (self.step - last), 4) for name, value in sums.items()}
                last = self.step
                self._log({"step": self.step, "seconds": round(time.monotonic() - started), **means})
                sums = {}
            if self.step % self.settings.evaluate_every == 0 or self.step == self.settings.steps:
                report = self.measure()
                self._log({"step": self.step, **report})
                export(self.average, self.tokenizer, self.output / "model")
            if time.monotonic() - saved > 60 * self.settings.checkpoint_minutes:
                self._save_checkpoint()
                saved = time.monotonic()
        self._save_checkpoint()
        return report

    def measure(self) -> dict:
        """SER, RE and pair F1 of the averaged weights on the pages held out, by source.

        ``pairs_read``: pairs on the lines that an OCR engine read, where the source has them.
        """
        model = KieModel(copy.deepcopy(self.average), self.tokenizer, dtype=self.dtype, device=self.device)
        report = {}
        for name, pages in self.source.held_out.items():
            found = evaluate(model, pages)
            report[name] = {
                "ser": round(found.ser.f1, 4),
                "re": round(found.re.f1, 4),
                "pairs": round(found.pairs_gold_lines.f1, 4),
            }
            read = self.source.held_out_read[name]
            if read:
                report[name]["pairs_read"] = round(pairs_from_lines(model, read).f1, 4)
        return report

    def _train(self, examples: list[Example]) -> dict[str, float]:
        self.network.train()
        batch, targets = collate_examples(examples, self.network.config)
        batch = batch.to(self.device)
        targets = {name: value.to(self.device) for name, value in targets.items()}
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            loss, parts = self._losses(examples, batch, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.scheduler.step()
        self._average_weights()
        return {name: value.item() for name, value in parts.items()}

    def _losses(
        self, examples: list[Example], batch: Batch, targets: dict[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and its parts for the log."""
        settings = self.settings
        batch = replace(batch, line_features=batch_line_features(self.network, examples, batch.ids.shape[1]))
        hidden = self.network.encode(batch)
        found = read_examples(self.network, hidden, batch, examples)
        parts = {
            "tags": tag_loss(found.tags, targets, settings.label_smoothing),
            "relations": relation_loss(found.relations, examples, self.network.config),
            "groups": grouping_loss(found.groups, examples),
        }
        loss = self._weighed(**parts)
        if self.teacher:
            taught = self.teacher(batch, targets["masked"], examples)
            parts["teacher"] = self._weighed(*teaching_losses(found, taught, targets["weights"]))
            loss = loss.lerp(parts["teacher"], settings.teacher_weight)
        parts["masked"] = masked_loss(self.network, hidden, targets["masked"])
        return loss + settings.masked_weight * parts["masked"], parts

    def _weighed(self, tags: Tensor, relations: Tensor, groups: Tensor) -> Tensor:
        settings = self.settings
        return tags + settings.relation_weight * relations + settings.grouping_weight * groups

    @torch.no_grad()
    def _average_weights(self) -> None:
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

    def _rate(self, step: int) -> float:
        settings = self.settings
        if step < settings.warmup_steps:
            return settings.learning_rate * (step + 1) / settings.warmup_steps
        done = (step - settings.warmup_steps) / max(settings.steps - settings.warmup_steps, 1)
        return settings.learning_rate * (0.5 + 0.5 * math.cos(math.pi * min(done, 1)))

    def _start_from(self, folder: Path) -> None:
        weights = load_network(folder).state_dict()
        own = self.network.state_dict()
        fitting = {k: v for k, v in weights.items() if k in own and own[k].shape == v.shape}
        if 2 * len(fitting) < len(own):
            raise SettingsError(
                f"start_from: of {len(own)} weights only {len(fitting)} fit those of {folder}; "
                "the networks may differ in size"
            )
        self.network.load_state_dict({**own, **fitting})

    def _find_teacher(self) -> Teacher | None:
        folder = self.settings.teacher
        if folder is None:
            return None
        try:
            teacher, words = Teacher(folder, self.device), load_tokenizer(Path(folder))
        except (ConfigError, ModelError, TokenizerError) as error:
            raise SettingsError(f"teacher: {error}") from error
        same = isinstance(words, Tokenizer) and words.get_vocab() == self.tokenizer.get_vocab()
        if not same or not teacher.fits(self.network.config):
            raise SettingsError(
                f"teacher: {folder} has other labels, heads or another vocabulary than the network to train"
            )
        return teacher

    def _start_with_embeddings(self) -> None:
        """Tokens that the texts do not have keep their random vectors."""
        words = self.network.embeddings.word_embeddings.weight.data
        texts = (read_text(path) for path in self.settings.texts)
        found = torch.from_numpy(text_embeddings(self.tokenizer, texts, words.shape[1])).to(words)
        known = found.abs().sum(1) > 0
        words[known] = found[known]

    def _save_checkpoint(self) -> None:
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "pool": (self.pool, self.place),
            "torch_random": torch.get_rng_state(),
        }
        temporary = self.output / f"{CHECKPOINT}.part"
        torch.save(state, temporary)
        temporary.replace(self.output / CHECKPOINT)

    def _resume(self) -> None:
        path = self.output / CHECKPOINT
        if not path.is_file():
            return
        state = torch.load(path, weights_only=True, map_location=self.device)
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.pool, self.place = state["pool"]
        torch.set_rng_state(state["torch_random"].cpu())

    def _log(self, record: dict) -> None:
        line = json.dumps(record)
        print(line, flush=True)
        with open(self.output / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(line + "\n")


def export(network: LayoutXLM, tokenizer: Tokenizer, folder: Path) -> None:
    """Writes a model folder; weights as float16, half the size at no measurable loss.

    Args:
        network: what is saved, with its configuration.
        tokenizer: its vocabulary.
        folder: made if it is not there; files of an earlier export are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    network.config.save(folder / "config.json")
    weights = {name: value.detach().cpu().half().contiguous() for name, value in network.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer.save(str(folder / "tokenizer.json"))


def _groups(network: LayoutXLM, weight_decay: float, strip_rate: float) -> list[dict]:
    """Parameters by their weight decay and, relative to the learning rate, how fast they learn."""
    reader = set(network.strips.parameters()) if network.strips is not None else set()
    groups = []
    for rate, parts in ((1.0, set(network.parameters()) - reader), (strip_rate, reader)):
        own = [p for p in network.parameters() if p in parts]
        groups.append({"params": [p for p in own if p.ndim > 1], "weight_decay": weight_decay, "lr": rate})
        groups.append({"params": [p for p in own if p.ndim <= 1], "weight_decay": 0.0, "lr": rate})
    return [group for group in groups if group["params"]]
