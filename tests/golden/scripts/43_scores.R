# Factor score weights of psych, for the unrotated-to-oblimin solution psych itself finds.
# Usage, from tests/golden: GOLDEN_ROOT=. Rscript scripts/43_scores.R  (writes ref/)
source(file.path(Sys.getenv("GOLDEN_ROOT", ".."), "scripts/common.R"))
d <- rd("hs1939.csv")[paste0("x", 1:9)]
f <- psych::fa(d, nfactors = 3, fm = "minres", rotate = "oblimin")
out <- list(loadings = mat(f$loadings), phi = mat(f$Phi))
for (m in c("Thurstone", "Bartlett", "tenBerge")) out[[m]] <- mat(psych::factor.scores(d, f, method = m)$weights)
dump("scores_hs1939", "HolzingerSwineford1939 x1-x9", "hs1939.csv", "psych::factor.scores(d, f, method=)$weights for f <- psych::fa(d, nfactors=3, fm='minres', rotate='oblimin')", out)
