"""The Gaussian that the encoder gives for every latent element."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Posterior:
    """Diagonal Gaussian q(z | x); log_variance is clamped to [-30, 20] where it is used."""

    mean: Float[Tensor, "b k f h w"]
    log_variance: Float[Tensor, "b k f h w"]

    def sample(self, noise: Float[Tensor, "b k f h w"]) -> Float[Tensor, "b k f h w"]:
        """Reparameterised draw mean + std * noise (Kingma & Welling 2013, arXiv:1312.6114, sec. 2.4)."""
        return self.mean + (0.5 * self.log_variance.clamp(-30, 20)).exp() * noise

    def kl(self) -> Float[Tensor, "b"]:
        """KL(q || N(0, 1)) in nats, mean per latent element (arXiv:1312.6114, app. B)."""
        log_variance = self.log_variance.clamp(-30, 20)
        return 0.5 * (self.mean.square() + log_variance.exp() - 1 - log_variance).flatten(1).mean(1)
