# Every extraction and rotation that servlab has, run in R until nothing moves, on three data sets.
# R's defaults stop early: GPArotation at a gradient of 1e-5, stats::varimax at a change of 1e-5, psych's principal axis at
# 1e-3, optim at a factor of 1e7. Here GPArotation's own criteria (vgQ.*) are followed by GPForth / GPFoblq from the identity
# (its gradient stalls near 1e-8, where the criterion's rounding hides the way down) and the last steps are Newton's, on the
# projected gradient alone, until it is under 1e-13.
# Usage, from tests/golden: GOLDEN_ROOT=. Rscript scripts/45_converged.R  (writes ref/)
source(file.path(Sys.getenv("GOLDEN_ROOT", ".."), "scripts/common.R"))
num <- function(x) unname(as.matrix(unclass(x)))
goal <- function(L) { G <- matrix(0, nrow(L), ncol(L)); G[cbind(seq_len(nrow(L)), (seq_len(nrow(L)) - 1) %/% ceiling(nrow(L) / ncol(L)) + 1)] <- 0.6; G }
# rotation -> method of GPArotation, its arguments, oblique or not
ways <- function(L) { k <- nrow(L); m <- ncol(L); list(
  varimax = list("cf", list(kappa = 1 / k), FALSE), quartimax = list("quartimax", NULL, FALSE), equamax = list("cf", list(kappa = m / (2 * k)), FALSE),
  geominT = list("geomin", list(delta = .01), FALSE), bentlerT = list("bentler", NULL, FALSE), targetT = list("target", list(Target = goal(L)), FALSE),
  oblimin = list("oblimin", list(gam = 0), TRUE), quartimin = list("quartimin", NULL, TRUE), geominQ = list("geomin", list(delta = .01), TRUE),
  bentlerQ = list("bentler", NULL, TRUE), targetQ = list("target", list(Target = goal(L)), TRUE)) }
criterion <- function(way, L) do.call(getFromNamespace(paste0("vgQ.", way[[1]]), "GPArotation"), c(list(L), way[[2]]))
onto <- function(X, oblique) if (oblique) sweep(X, 2, sqrt(colSums(X^2)), "/") else { s <- svd(X); s$u %*% t(s$v) }
pattern <- function(A, X, oblique) if (oblique) A %*% t(solve(X)) else A %*% X
slope <- function(A, X, way) { oblique <- way[[3]]; X <- onto(X, oblique); L <- pattern(A, X, oblique); g <- criterion(way, L)$Gq
  if (oblique) { G <- -t(t(L) %*% g %*% solve(X)); G - X %*% diag(colSums(X * G)) }
  else { G <- t(A) %*% g; M <- crossprod(X, G); G - X %*% ((M + t(M)) / 2) } }
polish <- function(A, X, way) { oblique <- way[[3]]; m <- ncol(A)
  for (i in 1:30) { F <- as.vector(slope(A, X, way)); if (sqrt(sum(F^2)) < 1e-13) break
    J <- sapply(seq_len(m * m), function(j) { D <- matrix(0, m, m); D[j] <- 1e-5; as.vector(slope(A, X + D, way) - slope(A, X - D, way)) / 2e-5 })
    s <- svd(J); keep <- seq_len(if (oblique) m * m - m else m * (m - 1) / 2)   # the other directions leave the rotation as it is
    X <- onto(X - matrix(s$v[, keep] %*% ((t(s$u[, keep]) %*% F) / s$d[keep]), m, m), oblique) }
  X }
turn <- function(A, name) { way <- ways(A)[[name]]; oblique <- way[[3]]; h <- if (name == "varimax") sqrt(rowSums(A^2)) else rep(1, nrow(A)); B <- A / h
  f <- suppressWarnings((if (oblique) GPFoblq else GPForth)(B, method = way[[1]], methodArgs = way[[2]], eps = 1e-8, maxit = 20000))
  X <- polish(B, f$Th, way); if (criterion(way, pattern(B, X, oblique))$f > f$Table[nrow(f$Table), 2] + 1e-9) stop(name, " left its minimum")
  list(loadings = pattern(B, X, oblique) * h, phi = if (oblique) crossprod(X), value = criterion(way, pattern(B, X, oblique))$f, steep = sqrt(sum(slope(B, X, way)^2)), steps = nrow(f$Table)) }
promaxed <- function(A) { h <- sqrt(rowSums(A^2)); B <- turn(A / h, "varimax")$loadings; U <- solve(crossprod(B), crossprod(B, B * abs(B)^3))
  U <- U %*% diag(sqrt(diag(solve(crossprod(U))))); list(loadings = (B %*% U) * h, phi = solve(crossprod(U))) }
# minres: the principal axis at rest is its solution (no Heywood case here); ml: factanal's likelihood by optim's finest stop and Newton
minres <- function(R, m) { h <- 1 - 1 / diag(solve(R)); for (i in 1:100000) { S <- R; diag(S) <- h; e <- eigen(S, symmetric = TRUE); L <- e$vectors[, 1:m, drop = FALSE] %*% diag(sqrt(e$values[1:m]), m); n <- rowSums(L^2); if (max(abs(n - h)) < 1e-15) break; h <- n }; L }
ml <- function(R, m) { k <- nrow(R)
  load <- function(p) { e <- eigen(R / sqrt(p %o% p), symmetric = TRUE); sqrt(p) * (e$vectors[, 1:m, drop = FALSE] %*% diag(sqrt(pmax(e$values[1:m] - 1, 0)), m)) }
  gradient <- function(p) { L <- load(p); (rowSums(L^2) + p - diag(R)) / p^2 }
  p <- factanal(covmat = R, factors = m, rotation = "none", control = list(nstart = 5, opt = list(factr = 10, maxit = 10000)))$uniquenesses
  for (i in 1:20) { F <- gradient(p); if (max(abs(F)) < 1e-13) break; J <- sapply(seq_len(k), function(j) { d <- replace(numeric(k), j, 1e-6); (gradient(p + d) - gradient(p - d)) / 2e-6 }); p <- p - solve(J, F) }
  load(p) }
sets <- list(list("bfi", "bfi25_cc.csv", 5), list("hs1939", "hs1939.csv", 3), list("ability", "ability_cc.csv", 2))
for (s in sets) { d <- rd(s[[2]]); if (s[[1]] == "hs1939") d <- d[paste0("x", 1:9)]; R <- cor(d)
  for (how in c("minres", "ml")) { A <- get(how)(R, s[[3]]); A <- A %*% diag(sign(colSums(A))); runs <- list()
    for (name in names(ways(A))) { r <- turn(A, name); runs[[name]] <- r; cat(s[[1]], how, name, r$steps, r$steep, "\n") }
    runs$promax <- promaxed(A)
    dump(paste("converged", s[[1]], how, sep = "_"), s[[1]], s[[2]], "GPArotation::GPForth, GPFoblq and Newton; see scripts/45_converged.R", list(unrotated = A, rotations = runs)) } }
