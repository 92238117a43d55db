# Golden values for ordinal and logistic regression, Brant's test, marginal effects and mediation.
# From the project's root: Rscript tests/golden/scripts/80_choice_models.R
# Debian packages: r-base-core r-cran-mass r-cran-ordinal r-cran-survey r-cran-sandwich r-cran-lavaan r-cran-jsonlite
suppressMessages({library(MASS); library(ordinal); library(survey); library(sandwich); library(lavaan); library(numDeriv); library(boot); library(jsonlite)})
packages <- c("MASS", "ordinal", "survey", "sandwich", "lavaan", "numDeriv", "boot")
versions <- c(list(R = as.character(getRversion())), sapply(packages, function(p) as.character(packageVersion(p)), simplify = FALSE))
out <- function(name, dataset, call, result)
  write_json(list(name = name, dataset = dataset, data_file = paste0("data/", dataset), call = call, versions = versions, result = result),
             file.path("tests/golden", paste0(name, ".json")), digits = I(15), auto_unbox = TRUE, pretty = TRUE, na = "null")
plain <- function(x) unname(as.numeric(x))

d <- read.csv("tests/golden/data/bfi25_gender_cc.csv")[1:400, ]; i <- seq_len(nrow(d))
d$sex <- factor(ifelse(d$gender == 1, "man", "woman")); d$w <- 0.5 + i %% 4; d$branch <- (i * i) %% 23
d$N <- factor(d$N1); model <- N ~ A1 + E1 * C1 + sex; tight <- list(gradTol = 1e-12, maxIter = 200)

# Proportional odds, logit and probit: slopes first, thresholds after them, as polr has them.
clm_of <- function(link) {
  fit <- clm(model, data = d, link = link, control = tight); k <- length(fit$alpha); o <- c((k + 1):(k + length(fit$beta)), 1:k)
  null <- clm(N ~ 1, data = d, link = link); n <- nrow(d)
  list(estimate = plain(coef(fit))[o], se = plain(sqrt(diag(vcov(fit))))[o], loglik = as.numeric(logLik(fit)), aic = AIC(fit), bic = BIC(fit),
       mcfadden = 1 - as.numeric(logLik(fit)) / as.numeric(logLik(null)),
       nagelkerke = (1 - exp(2 / n * (as.numeric(logLik(null)) - as.numeric(logLik(fit))))) / (1 - exp(2 / n * as.numeric(logLik(null)))),
       lr = 2 * (as.numeric(logLik(fit)) - as.numeric(logLik(null))),
       lr_p = anova(null, fit)$`Pr(>Chisq)`[2])
}
out("ordinal_logit_bfi", "bfi25_gender_cc.csv", "ordinal::clm(N1 ~ A1 + E1 * C1 + sex, data = bfi[1:400, ])", clm_of("logit"))
out("ordinal_probit_bfi", "bfi25_gender_cc.csv", "ordinal::clm(N1 ~ A1 + E1 * C1 + sex, data = bfi[1:400, ], link = 'probit')", clm_of("probit"))
p <- polr(model, d, Hess = TRUE, control = list(reltol = 1e-16, maxit = 2000))
# polr's own Hessian is numerical (five digits); the bread is clm's, which is analytic.
exact <- clm(model, data = d, control = tight); k <- length(exact$alpha); o <- c((k + 1):(k + length(exact$beta)), 1:k); bread <- nrow(d) * vcov(exact)[o, o]
out("ordinal_polr_bfi", "bfi25_gender_cc.csv", "MASS::polr(N1 ~ A1 + E1 * C1 + sex, data = bfi[1:400, ], Hess = TRUE); sandwich::sandwich(p, bread. = n ordinal::vcov(clm)); sandwich::meatCL",
    list(estimate = c(plain(coef(p)), plain(p$zeta)), se = plain(sqrt(diag(vcov(p)))), robust = plain(sqrt(diag(sandwich(p, bread. = bread)))),
         cluster = plain(sqrt(diag(sandwich(p, bread. = bread, meat. = meatCL(p, cluster = d$branch, type = "HC0", cadjust = TRUE)))))))
design <- svydesign(ids = ~1, weights = ~w, data = d)
s <- svyolr(model, design, control = list(reltol = 1e-16, maxit = 2000))
branches <- svydesign(ids = ~branch, weights = ~w, data = d)
sb <- svyolr(model, branches, control = list(reltol = 1e-16, maxit = 2000))
out("ordinal_weighted_bfi", "bfi25_gender_cc.csv", "survey::svyolr(N1 ~ A1 + E1 * C1 + sex, svydesign(ids = ~1 or ~branch, weights = ~w))",
    list(estimate = c(plain(s$coefficients), plain(s$zeta)), se = plain(SE(s)), cluster = plain(SE(sb))))

# Brant (1990): J - 1 logits of y above each cut point, their joint covariance, Wald tests of equal slopes.
X <- model.matrix(~ A1 + E1 * C1 + sex, d); y <- as.integer(d$N); J <- max(y)
fits <- lapply(1:(J - 1), function(k) glm.fit(X, as.numeric(y > k), family = binomial(), control = list(epsilon = 1e-14, maxit = 100)))
P <- sapply(fits, function(f) f$fitted.values); B <- sapply(fits, function(f) f$coefficients)[-1, ]; K <- nrow(B)
inv <- lapply(1:(J - 1), function(m) solve(t(X) %*% (X * (P[, m] * (1 - P[, m])))))
V <- matrix(0, K * (J - 1), K * (J - 1))
for (m in 1:(J - 1)) for (l in m:(J - 1)) {
  W <- P[, l] - P[, m] * P[, l]  # y above l implies y above m
  C <- (inv[[m]] %*% (t(X) %*% (X * W)) %*% inv[[l]])[-1, -1]
  V[(m - 1) * K + 1:K, (l - 1) * K + 1:K] <- C; V[(l - 1) * K + 1:K, (m - 1) * K + 1:K] <- t(C)
}
wald <- function(rows) {
  D <- do.call(rbind, lapply(2:(J - 1), function(k) { R <- matrix(0, K, K * (J - 1)); R[, 1:K] <- diag(K); R[, (k - 1) * K + 1:K] <- -diag(K); R[rows, , drop = FALSE] }))
  b <- D %*% as.vector(B); as.numeric(t(b) %*% solve(D %*% V %*% t(D), b))
}
each <- sapply(1:K, wald); whole <- wald(1:K)
out("brant_bfi", "bfi25_gender_cc.csv", "Brant (1990) over stats::glm.fit(X, y > k, binomial()); N1 ~ A1 + E1 * C1 + sex",
    list(chi2 = whole, df = K * (J - 2), p = pchisq(whole, K * (J - 2), lower.tail = FALSE), chi2_each = each, df_each = J - 2,
         p_each = pchisq(each, J - 2, lower.tail = FALSE), slopes = B))

# Average marginal effects: central differences of predicted probabilities; delta method by numDeriv::jacobian.
fit <- clm(model, data = d, control = tight); k <- length(fit$alpha)
effects <- function(par) {
  prob <- function(data) {
    eta <- model.matrix(~ A1 + E1 * C1 + sex, data)[, -1] %*% par[-(1:k)]
    F <- cbind(0, plogis(outer(-as.vector(eta), par[1:k], "+")), 1); F[, -1] - F[, -(k + 2)]
  }
  slope <- function(v) { up <- down <- d; h <- 1e-3
    e <- function(h) { up[[v]] <- d[[v]] + h; down[[v]] <- d[[v]] - h; colMeans(prob(up) - prob(down)) / (2 * h) }
    (4 * e(h / 2) - e(h)) / 3 }
  one <- two <- d; one$sex <- factor("man", levels(d$sex)); two$sex <- factor("woman", levels(d$sex))
  c(slope("A1"), slope("E1"), slope("C1"), colMeans(prob(two) - prob(one)))
}
G <- jacobian(effects, coef(fit))
out("marginal_ordinal_bfi", "bfi25_gender_cc.csv", "ordinal::clm, derivatives by differences, numDeriv::jacobian; terms A1, E1, C1, sex by category",
    list(estimate = plain(effects(coef(fit))), se = plain(sqrt(diag(G %*% vcov(fit) %*% t(G))))))

# Top-box: logistic regression.
d$top <- as.numeric(d$N1 >= 5)
g <- glm(top ~ A1 + E1 * C1 + sex, binomial(), d, control = list(epsilon = 1e-15, maxit = 100)); p <- fitted(g)
auc <- (mean(outer(p[d$top == 1], p[d$top == 0], ">")) + mean(outer(p[d$top == 1], p[d$top == 0], "==")) / 2)
cut10 <- cut(p, quantile(p, 0:10 / 10), include.lowest = TRUE)
o <- tapply(d$top, cut10, sum); e <- tapply(p, cut10, sum); m <- tapply(p, cut10, length); hl <- sum((o - e)^2 / (e * (1 - e / m)))
null <- glm(top ~ 1, binomial(), d); n <- nrow(d); ll <- as.numeric(logLik(g)); ll0 <- as.numeric(logLik(null))
design <- update(design, top = as.numeric(N1 >= 5)); branches <- update(branches, top = as.numeric(N1 >= 5))
gd <- svyglm(top ~ A1 + E1 * C1 + sex, design, family = quasibinomial(), control = list(epsilon = 1e-15, maxit = 100))
gb <- svyglm(top ~ A1 + E1 * C1 + sex, branches, family = quasibinomial(), control = list(epsilon = 1e-15, maxit = 100))
margins <- function(b) {
  prob <- function(data) plogis(as.vector(model.matrix(~ A1 + E1 * C1 + sex, data) %*% b))
  slope <- function(v) { e <- function(h) { up <- down <- d; up[[v]] <- d[[v]] + h; down[[v]] <- d[[v]] - h; mean(prob(up) - prob(down)) / (2 * h) }; (4 * e(5e-4) - e(1e-3)) / 3 }
  one <- two <- d; one$sex <- factor("man", levels(d$sex)); two$sex <- factor("woman", levels(d$sex))
  c(slope("A1"), slope("E1"), slope("C1"), mean(prob(two) - prob(one)))
}
Gm <- jacobian(margins, coef(g))
out("logistic_bfi", "bfi25_gender_cc.csv", "stats::glm(N1 >= 5 ~ A1 + E1 * C1 + sex, binomial()); sandwich::vcovHC; sandwich::vcovCL",
    list(estimate = plain(coef(g)), se = plain(sqrt(diag(vcov(g)))), hc0 = plain(sqrt(diag(vcovHC(g, "HC0")))), hc3 = plain(sqrt(diag(vcovHC(g, "HC3")))),
         cluster = plain(sqrt(diag(vcovCL(g, cluster = d$branch, type = "HC0", cadjust = TRUE)))), loglik = ll, aic = AIC(g), bic = BIC(g),
         mcfadden = 1 - ll / ll0, nagelkerke = (1 - exp(2 / n * (ll0 - ll))) / (1 - exp(2 / n * ll0)), lr = 2 * (ll - ll0),
         tjur = mean(p[d$top == 1]) - mean(p[d$top == 0]), auc = auc, hosmer = hl, hosmer_p = pchisq(hl, 8, lower.tail = FALSE),
         ame = plain(margins(coef(g))), ame_se = plain(sqrt(diag(Gm %*% vcov(g) %*% t(Gm))))))
out("logistic_weighted_bfi", "bfi25_gender_cc.csv", "survey::svyglm(N1 >= 5 ~ A1 + E1 * C1 + sex, svydesign(ids = ~1 or ~branch, weights = ~w), quasibinomial())",
    list(estimate = plain(coef(gd)), se = plain(SE(gd)), cluster = plain(SE(gb))))

# Mediation: x1 -> x4, x7 -> x9 with ageyr held constant; ordinary bootstrap, 20,000 draws.
h <- read.csv("tests/golden/data/hs1939.csv")
paths <- function(h) {
  a1 <- coef(lm(x4 ~ x1 + ageyr, h))["x1"]; a2 <- coef(lm(x7 ~ x1 + ageyr, h))["x1"]; b <- coef(lm(x9 ~ x1 + x4 + x7 + ageyr, h))
  total <- coef(lm(x9 ~ x1 + ageyr, h))["x1"]
  plain(c(a1, a2, b["x4"], b["x7"], a1 * b["x4"], a2 * b["x7"], a1 * b["x4"] + a2 * b["x7"], a1 * b["x4"] - a2 * b["x7"], b["x1"], total))
}
point <- paths(h); se <- function(f, t) coef(summary(f))[t, "Std. Error"]
s1 <- se(lm(x4 ~ x1 + ageyr, h), "x1"); s2 <- se(lm(x7 ~ x1 + ageyr, h), "x1"); fy <- lm(x9 ~ x1 + x4 + x7 + ageyr, h)
sobel <- c(sqrt(point[1]^2 * se(fy, "x4")^2 + point[3]^2 * s1^2), sqrt(point[2]^2 * se(fy, "x7")^2 + point[4]^2 * s2^2))
sem_fit <- sem("x4 ~ a1 * x1 + ageyr\nx7 ~ a2 * x1 + ageyr\nx9 ~ b1 * x4 + b2 * x7 + c * x1 + ageyr\nx4 ~~ x7\ni1 := a1 * b1\ni2 := a2 * b2\nt := i1 + i2\ntotal := c + t", h, control = list(rel.tol = 1e-14))
e <- parameterEstimates(sem_fit); lav <- e$est[match(c("i1", "i2", "t", "total"), e$lhs)]
set.seed(1); kernel <- function(h, i) {
  h <- h[i, ]; X <- cbind(1, h$x1, h$ageyr); A <- .lm.fit(X, cbind(h$x4, h$x7))$coefficients; b <- .lm.fit(cbind(X, h$x4, h$x7), h$x9)$coefficients
  c(A[2, 1] * b[4], A[2, 2] * b[5], A[2, 1] * b[4] + A[2, 2] * b[5], A[2, 1] * b[4] - A[2, 2] * b[5], b[2], b[2] + A[2, 1] * b[4] + A[2, 2] * b[5])
}
draws <- boot(h, kernel, 20000)
ci <- sapply(1:6, function(k) { c <- boot.ci(draws, type = c("perc", "bca"), index = k); c(c$percent[4:5], c$bca[4:5]) })
# Serial: x1 -> x4 -> x7 -> x9.
serial <- c(coef(lm(x4 ~ x1, h))["x1"], coef(lm(x7 ~ x1 + x4, h))[c("x1", "x4")], coef(lm(x9 ~ x1 + x4 + x7, h))[c("x1", "x4", "x7")])
out("mediation_hs", "hs1939.csv", "lm() and lavaan::sem(); boot::boot(h, kernel, 20000); boot::boot.ci(type = c('perc', 'bca'))",
    list(point = point, sobel_se = plain(sobel), lavaan = lav, boot_se = plain(apply(draws$t, 2, sd)), percentile_low = ci[1, ], percentile_high = ci[2, ],
         bca_low = ci[3, ], bca_high = ci[4, ], serial = plain(serial)))
