"""The layers: each an immutable record of parameters with ``forward``, ``backward`` and ``step``."""

from . import layer_norm as layer_norm  # the cells that GRU and LSTM run with layer normalisation
