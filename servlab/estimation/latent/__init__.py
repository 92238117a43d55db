"""Latent variable models: confirmatory factor analysis and structural equations."""
