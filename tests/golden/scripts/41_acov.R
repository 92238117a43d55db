# Whole asymptotic covariance matrices of lavaan: thresholds and polychorics, and covariances.
# Usage, from tests/golden: GOLDEN_ROOT=. Rscript scripts/41_acov.R  (writes ref/)
source(file.path(Sys.getenv("GOLDEN_ROOT", ".."), "scripts/common.R"))
plain <- function(m) unname(as.matrix(unclass(m)))
d <- rd("bfi25_cc.csv")[, c("A1", "A2", "A3", "C1")]
d$C1 <- pmax(d$C1, 3)   # unequal numbers of categories
f <- lavCor(d, ordered = names(d), se = "standard", output = "fit")
dump("acov_polychoric_bfi4", "bfi complete cases, A1 A2 A3 C1, C1 raised to at least 3", "bfi25_cc.csv", "lavInspect(lavaan::lavCor(d, ordered=names(d), se='standard', output='fit'), 'gamma')",
  list(gamma = plain(lavInspect(f, "gamma")), order = rownames(lavInspect(f, "gamma")), rho = plain(lavInspect(f, "cor.ov"))))
h <- rd("hs1939.csv")[, paste0("x", 1:4)]
g <- cfa("v =~ x1 + x2 + x3 + x4", h, estimator = "WLS", meanstructure = FALSE)
dump("acov_covariance_hs4", "HolzingerSwineford1939 x1-x4", "hs1939.csv", "lavInspect(lavaan::cfa('v =~ x1 + x2 + x3 + x4', h, estimator='WLS'), 'gamma')", list(gamma = plain(lavInspect(g, "gamma")), order = rownames(lavInspect(g, "gamma"))))
