# One-factor omegas of semTools, by scale, and the pieces categorical omega is made from.
# Usage, from tests/golden: GOLDEN_ROOT=. Rscript scripts/42_reliability.R  (writes ref/)
source(file.path(Sys.getenv("GOLDEN_ROOT", ".."), "scripts/common.R"))
d <- rd("bfi25_keyed_cc.csv"); out <- list()
for (s in c("A", "C", "E", "N", "O")) {
  it <- paste0(s, 1:5); x <- d[it]; m <- paste("f =~", paste(it, collapse = " + "))
  f <- cfa(m, x); o <- cfa(m, x, ordered = it, estimator = "WLSMV")
  out[[s]] <- list(omega_obsvar = unname(c(compRelSEM(f))), omega_modelvar = unname(c(compRelSEM(f, obs.var = FALSE))),
    categorical = unname(c(compRelSEM(o))), latent = unname(c(compRelSEM(o, ord.scale = FALSE))), categorical_modelvar = unname(c(compRelSEM(o, obs.var = FALSE))),
    loadings = as.numeric(lavInspect(o, "std")$lambda), alpha_latent = unname(c(compRelSEM(o, tau.eq = TRUE, ord.scale = FALSE))))
}
dump("omega_one_factor_bfi", "psychTools::bfi complete cases; negative items recoded", "bfi25_keyed_cc.csv", c("f <- cfa('f =~ ...', x); o <- cfa('f =~ ...', x, ordered=names(x), estimator='WLSMV')", "semTools::compRelSEM(f), (f, obs.var=FALSE), (o), (o, ord.scale=FALSE), (o, tau.eq=TRUE, ord.scale=FALSE)"), out)
