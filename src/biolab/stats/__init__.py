"""Mathematics without biology: penalties, resampling, pooling of estimates."""

from .penalties import Ridge as Ridge
