# Rotations and principal axes run until nothing moves, where R's defaults stop early.
# Usage, from tests/golden: GOLDEN_ROOT=. Rscript scripts/40_converged.R  (writes ref/)
source(file.path(Sys.getenv("GOLDEN_ROOT", ".."), "scripts/common.R"))
num <- function(x) unname(as.matrix(unclass(x)))
tight <- list(eps = 1e-7, maxit = 5000)
turn <- function(L, name) {
  k <- nrow(L); m <- ncol(L)
  f <- switch(name,
    oblimin = function() oblimin(L, eps = tight$eps, maxit = tight$maxit),
    quartimin = function() quartimin(L, eps = tight$eps, maxit = tight$maxit),
    geominQ = function() geominQ(L, eps = tight$eps, maxit = tight$maxit),
    bentlerQ = function() bentlerQ(L, eps = tight$eps, maxit = tight$maxit),
    geominT = function() geominT(L, eps = tight$eps, maxit = tight$maxit),
    bentlerT = function() bentlerT(L, eps = tight$eps, maxit = tight$maxit),
    quartimax = function() quartimax(L, eps = tight$eps, maxit = tight$maxit),
    equamax = function() cfT(L, kappa = m / (2 * k), eps = tight$eps, maxit = tight$maxit),
    targetT = function() targetT(L, Target = goal(L), eps = tight$eps, maxit = tight$maxit),
    targetQ = function() targetQ(L, Target = goal(L), eps = tight$eps, maxit = tight$maxit),
    varimax = function() list(loadings = stats::varimax(L, normalize = TRUE, eps = 1e-15)$loadings, Phi = NULL),
    promax = function() {
      h <- sqrt(rowSums(L^2)); B <- num(stats::varimax(L / h, normalize = TRUE, eps = 1e-15)$loadings)
      U <- solve(crossprod(B), crossprod(B, B * abs(B)^3)); U <- U %*% diag(sqrt(diag(solve(crossprod(U)))))
      list(loadings = (B %*% U) * h, Phi = solve(crossprod(U)))
    })
  f()
}
# a target made by rule from the unrotated loadings: item i aims at 0.6 on factor ((i - 1) mod m) + 1, 0 elsewhere
goal <- function(L) { G <- matrix(0, nrow(L), ncol(L)); G[cbind(seq_len(nrow(L)), (seq_len(nrow(L)) - 1) %/% ceiling(nrow(L) / ncol(L)) + 1)] <- 0.6; G }
out <- list()
for (s in list(list("bfi", "bfi25_cc.csv", NULL, 5), list("hs1939", "hs1939.csv", paste0("x", 1:9), 3))) {
  d <- rd(s[[2]]); if (!is.null(s[[3]])) d <- d[s[[3]]]
  f <- suppressMessages(psych::fa(d, nfactors = s[[4]], fm = "minres", rotate = "none")); A <- num(f$loadings)
  runs <- list()
  for (name in c("oblimin","quartimin","geominQ","bentlerQ","geominT","bentlerT","quartimax","equamax","targetT","targetQ","varimax","promax")) {
    r <- turn(A, name); tab <- r$Table
    runs[[name]] <- list(loadings = num(r$loadings), phi = if (is.null(r$Phi)) NULL else num(r$Phi),
      value = if (is.null(tab)) NULL else unname(tab[nrow(tab), 2]), steep = if (is.null(tab)) NULL else 10^unname(tab[nrow(tab), 3]), steps = if (is.null(tab)) NULL else nrow(tab))
  }
  dump(paste0("rotations_converged_", s[[1]]), s[[1]], s[[2]], "GPArotation criteria with eps=1e-7, maxit=5000; stats::varimax eps=1e-15; see scripts/40_converged.R", list(unrotated = A, rotations = runs))
  p <- psych::fa(d, nfactors = s[[4]], fm = "pa", rotate = "none", min.err = 1e-13, max.iter = 50000)
  dump(paste0("paf_converged_", s[[1]]), s[[1]], s[[2]], "psych::fa(d, nfactors, fm='pa', rotate='none', min.err=1e-13, max.iter=50000)", list(loadings = num(p$loadings), communality = unname(p$communality)))
}
