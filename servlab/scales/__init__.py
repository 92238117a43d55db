"""From a survey to scores: dimension scores, gaps, weighted scores, zone of tolerance."""
