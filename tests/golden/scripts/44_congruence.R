# Tucker's congruence of the factors of two halves of the rows, by psych.
# Usage, from tests/golden: GOLDEN_ROOT=. Rscript scripts/44_congruence.R  (writes ref/)
source(file.path(Sys.getenv("GOLDEN_ROOT", ".."), "scripts/common.R"))
d <- rd("hs1939.csv")[paste0("x", 1:9)]
odd <- seq(1, nrow(d), by = 2)
a <- psych::fa(d[odd, ], nfactors = 3, fm = "minres", rotate = "oblimin")
b <- psych::fa(d[-odd, ], nfactors = 2, fm = "minres", rotate = "oblimin")
out <- list(first = mat(a$loadings), second = mat(b$loadings),
  congruence = mat(psych::factor.congruence(a, b, digits = 15)))
dump("congruence_hs1939", "HolzingerSwineford1939 x1-x9, odd and even rows", "hs1939.csv", "psych::factor.congruence(a, b, digits=15); a, b <- psych::fa of odd rows (3 factors) and even rows (2), minres, oblimin", out)
