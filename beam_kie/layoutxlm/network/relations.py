"""Relation heads: which value belongs to which key."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.inputs.cells import CellRelation

GEOMETRY_FEATURES = 12
BIAFFINE_THRESHOLD = 0.5


class SoftmaxRelationHead(nn.Module):
    """Every tail (value) chooses one head (key) of its page, or none.

    The score is a scaled dot product of two small networks on (entity vector + label embedding) plus a
    small network on how the two boxes stand to each other. Unlike LayoutXLM's biaffine classifier
    (unilm, layoutxlm/modeling/decoder/re.py), which scores each pair alone, the keys compete, so the
    probabilities of one value sum to 1.

    Args:
        config: of the network.
    """

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        hidden, size = config.architecture.hidden_size, config.architecture.relation_size
        self.label_embeddings = nn.Embedding(len(config.labels), hidden)
        self.head_project = _projection(hidden, size, config.architecture.hidden_dropout_prob)
        self.tail_project = _projection(hidden, size, config.architecture.hidden_dropout_prob)
        self.geometry = nn.Sequential(nn.Linear(GEOMETRY_FEATURES, 64), nn.GELU(), nn.Linear(64, 1))
        self.none = nn.Linear(size, 1)
        self.scale = size**-0.5
        self.first_token_only = False
        self.cells = nn.Embedding(len(CellRelation), 1) if config.architecture.token_layout else None

    def forward(
        self,
        vectors: Tensor,
        labels: Tensor,
        boxes: Tensor,
        heads: Tensor,
        tails: Tensor,
        cell_relations: Tensor | None = None,
    ) -> Tensor:
        """Scores of one page.

        Args:
            vectors: E x H, one of each entity.
            labels: E int64, indices into ``config.labels``.
            boxes: E x 4 int64 on the 0..1000 grid.
            heads: K indices of the entities that may be keys.
            tails: V indices of the values.
            cell_relations: V x K int64, of CellRelation; None: not known.

        Returns:
            V x (K + 1) scores; the last column is "no key".
        """
        vectors = vectors + self.label_embeddings(labels)
        key, value = self.head_project(vectors[heads]), self.tail_project(vectors[tails])
        pairs = pair_geometry(boxes[heads], boxes[tails]).to(vectors.dtype)
        scores = value @ key.T * self.scale + self.geometry(pairs).squeeze(-1)
        if self.cells is not None and cell_relations is not None:
            scores = scores + self.cells(cell_relations).squeeze(-1)
        return torch.cat([scores, self.none(value)], dim=1)

    @staticmethod
    def probabilities(scores: Tensor, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
        """V x K probabilities of the scores that ``forward`` gave, and V x 1 thresholds to exceed.

        Args:
            scores: as of ``forward``.
            temperature: that the scores are divided by, above 0.
        """
        probabilities = (scores.float() / temperature).softmax(-1)
        return probabilities[:, :-1], probabilities[:, -1:]


class BiaffineRelationHead(nn.Module):
    """LayoutXLM's relation head: every pair is scored alone (arXiv 2104.08836, section 3.3).

    An entity is known by the hidden state of its first token and by its label.

    Args:
        config: of the network.
    """

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        hidden, size = config.architecture.hidden_size, config.architecture.relation_size
        self.first_token_only = True
        rows = config.relation_labels or config.labels
        self.label_rows = [rows.index(label) for label in config.labels]
        self.entity_emb = nn.Embedding(len(rows), hidden)
        self.ffnn_head = _two_layers(hidden, size, config.architecture.hidden_dropout_prob)
        self.ffnn_tail = _two_layers(hidden, size, config.architecture.hidden_dropout_prob)
        self.rel_classifier = Biaffine(size)

    def forward(
        self,
        vectors: Tensor,
        labels: Tensor,
        boxes: Tensor,
        heads: Tensor,
        tails: Tensor,
        cell_relations: Tensor | None = None,
    ) -> Tensor:
        """Logits of one page, V x K x 2 ("not linked", "linked").

        Args:
            vectors: E x H, of the entities.
            labels: E int64, of the entities.
            boxes: E x 4 int64 on the 0..1000 grid; not used.
            heads: K indices of entities.
            tails: V indices of entities.
            cell_relations: not used.
        """
        rows = torch.tensor(self.label_rows, device=labels.device)[labels]
        vectors = torch.cat([vectors, self.entity_emb(rows)], dim=-1)
        return self.rel_classifier(self.ffnn_head(vectors[heads]), self.ffnn_tail(vectors[tails]))

    @staticmethod
    def probabilities(scores: Tensor, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
        """V x K probabilities of the scores that ``forward`` gave, and V x 1 thresholds to exceed.

        Args:
            scores: as of ``forward``.
            temperature: that the scores are divided by, above 0.
        """
        probabilities = (scores.float() / temperature).softmax(-1)[..., 1]
        return probabilities, torch.full_like(probabilities[:, :1], BIAFFINE_THRESHOLD)


class Biaffine(nn.Module):
    """A bilinear form and a linear one of all pairs of a head and a tail.

    Args:
        size: of a head's and a tail's vector.
    """

    def __init__(self, size: int):
        super().__init__()
        self.bilinear = nn.Bilinear(size, size, 2, bias=False)
        self.linear = nn.Linear(2 * size, 2)

    def forward(self, heads: Tensor, tails: Tensor) -> Tensor:
        """Logits of all pairs, V x K x 2.

        Args:
            heads: K x size.
            tails: V x size.
        """
        together = torch.einsum("ki,oij,vj->vko", heads, self.bilinear.weight, tails)
        # The linear form of a concatenated pair is one product for the heads and one for the tails.
        of_head, of_tail = self.linear.weight.chunk(2, dim=1)
        return together + (heads @ of_head.T)[None] + (tails @ of_tail.T)[:, None] + self.linear.bias


def allowed_pairs(config: LayoutXLMConfig, heads: Sequence[str], tails: Sequence[str]) -> Tensor:
    """Which keys and values may belong together by their labels, V x K bool.

    Args:
        config: of the network.
        heads: labels of K keys.
        tails: labels of V values.
    """
    pairs = [[config.may_link(head, tail) for head in heads] for tail in tails]
    return torch.tensor(pairs, dtype=torch.bool).reshape(len(tails), len(heads))


def pair_geometry(heads: Tensor, tails: Tensor) -> Tensor:
    """How tails stand to heads: V x K x 12, signed logarithms of distances on the 0..1000 grid.

    Args:
        heads: K x 4 boxes on the 0..1000 grid.
        tails: V x 4 boxes.
    """
    head, tail = heads.float()[None], tails.float()[:, None]
    hx0, hy0, hx1, hy1 = head.unbind(-1)
    tx0, ty0, tx1, ty1 = tail.unbind(-1)
    differences = (
        tx0 - hx0, tx0 - hx1, tx1 - hx1, (tx0 + tx1 - hx0 - hx1) / 2,
        ty0 - hy0, ty0 - hy1, ty1 - hy1, (ty0 + ty1 - hy0 - hy1) / 2,
        torch.minimum(tx1, hx1) - torch.maximum(tx0, hx0),
        torch.minimum(ty1, hy1) - torch.maximum(ty0, hy0),
    )  # fmt: skip
    logs = [difference.sign() * torch.log1p(difference.abs() / 5) / 2 for difference in differences]
    shape = logs[0].shape
    sizes = [torch.log1p((y1 - y0).clamp(min=0) / 5).expand(shape) for y0, y1 in ((hy0, hy1), (ty0, ty1))]
    return torch.stack(logs + sizes, dim=-1)


def _projection(hidden: int, size: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(hidden, size), nn.GELU(), nn.Dropout(dropout), nn.Linear(size, size))


def _two_layers(hidden: int, size: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(2 * hidden, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, size),
        nn.ReLU(),
        nn.Dropout(dropout),
    )
