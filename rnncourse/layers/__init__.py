"""The layers: each an immutable record of parameters with ``forward``, ``backward`` and ``step``."""
