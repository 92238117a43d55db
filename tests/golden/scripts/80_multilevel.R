# Golden values for multilevel models: lme4 and lmerTest on visits to branches, made here with a fixed seed.
# From the project's root: Rscript tests/golden/scripts/80_multilevel.R
# Debian packages: r-base-core r-cran-lme4 r-cran-lmertest r-cran-jsonlite
suppressMessages({library(lme4); library(jsonlite)})
versions <- c(list(R = as.character(getRversion())),
              sapply(c("lme4", "lmerTest"), function(p) as.character(packageVersion(p)), simplify = FALSE))
out <- function(name, call, result)
  write_json(list(name = name, data_file = "data/sim_visits.csv", call = call, versions = versions, result = result),
             file.path("tests/golden", paste0(name, ".json")), digits = I(15), auto_unbox = TRUE, pretty = TRUE, na = "null")

# 30 branches of 3 to 21 visits; `rater` crosses them; `flat` differs between branches less than by chance.
set.seed(6); G <- 30; size <- 3 + (7 * seq_len(G)) %% 19; branch <- rep(seq_len(G), size); n <- length(branch)
climate <- round(rnorm(G), 2)[branch]; staff <- round(rnorm(n) + 0.4 * rnorm(G)[branch], 2); wait <- round(rexp(n, 1 / 8), 1)
u <- cbind(rnorm(G, 0, .7), rnorm(G, 0, .35), rnorm(G, 0, .03)); u[, 2] <- u[, 2] - .2 * u[, 1]
rater <- sample(12, n, TRUE)
overall <- round(5 + u[branch, 1] + (.6 + u[branch, 2]) * staff - (.05 - u[branch, 3]) * wait + .3 * climate + rnorm(12, 0, .4)[rater] + rnorm(n, 0, .8), 3)
noise <- rnorm(n); flat <- round(noise - .97 * ave(noise, branch) + .4 * staff, 3)
visits <- data.frame(branch = sprintf("b%02d", branch), rater = sprintf("r%02d", rater), staff, wait, climate, overall, flat)
write.csv(visits, "tests/golden/data/sim_visits.csv", row.names = FALSE)

tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = .2, rhoend = 1e-9, maxfun = 1e5), check.conv.singular = "ignore", calc.derivs = FALSE)
fit <- function(f, reml) lmer(f, visits, REML = reml, control = tight)
intercepts <- function(f, reml) {
  m <- fit(f, reml); r <- ranef(m, condVar = TRUE)$branch; v <- as.data.frame(VarCorr(m))
  list(beta = unname(fixef(m)), cov_beta = as.matrix(vcov(m)), between = v$vcov[1], within = v$vcov[2], loglik = as.numeric(logLik(m)),
       effects = r[[1]], effects_sd = sqrt(attr(r, "postVar")[1, 1, ]), boundary = v$vcov[1] == 0)
}
out("multilevel_intercepts", "lme4::lmer(overall ~ staff + climate + (1 | branch)) and flat, REML and ML, bobyqa to 1e-9",
    list(overall_reml = intercepts(overall ~ staff + climate + (1 | branch), TRUE), overall_ml = intercepts(overall ~ staff + climate + (1 | branch), FALSE),
         flat_reml = intercepts(flat ~ staff + (1 | branch), TRUE), flat_ml = intercepts(flat ~ staff + (1 | branch), FALSE)))

# Random slopes; errors, Satterthwaite's degrees of freedom and F from lmerTest. Scaled predictors let lme4 converge.
whole <- function(f, reml, extra = NULL) {
  m <- lmerTest::lmer(f, visits, REML = reml, control = tight); V <- VarCorr(m)[[1]]; r <- ranef(m, condVar = TRUE)[[1]]
  k <- coef(summary(m)); X <- model.matrix(m); Z <- X[, rownames(V), drop = FALSE]
  fixed <- var(as.vector(X %*% fixef(m))); random <- mean(rowSums((Z %*% V) * Z)); s2 <- sigma(m)^2
  contrast <- if (is.null(extra)) NULL else { t <- lmerTest::contest1D(m, extra); list(estimate = t$Estimate, se = t[["Std. Error"]], df = t$df, p = t[["Pr(>|t|)"]]) }
  c(list(beta = unname(fixef(m)), se = unname(k[, "Std. Error"]), df = unname(k[, "df"]), p = unname(k[, "Pr(>|t|)"]), random_cov = matrix(as.numeric(V), nrow(V)), within = s2,
       loglik = as.numeric(logLik(m)), aic = AIC(m), bic = BIC(m), singular = isSingular(m, tol = 1e-5),
       effects = as.matrix(r), effects_sd = t(sqrt(apply(attr(r, "postVar"), 3, diag))),
       r2_marginal = fixed / (fixed + random + s2), r2_conditional = (fixed + random) / (fixed + random + s2), icc = random / (random + s2)), list(contrast = contrast))
}
one <- overall ~ staff + wait + climate + (1 + staff | branch); two <- overall ~ staff + wait + climate + (1 + staff + wait | branch)
null <- function(f, reml) { m <- lm(f, visits); as.numeric(logLik(m, REML = reml)) }
out("multilevel_slopes", "lmerTest::lmer(), lme4::ranef(condVar = TRUE); R squared of Nakagawa and Schielzeth (2013) and Johnson (2014) by formula",
    list(intercept_reml = whole(overall ~ staff + climate + (1 | branch), TRUE), intercept_ml = whole(overall ~ staff + climate + (1 | branch), FALSE),
         one_reml = whole(one, TRUE), one_ml = whole(one, FALSE), two_reml = whole(two, TRUE), two_ml = whole(two, FALSE),
         flat_reml = whole(flat ~ staff + (1 | branch), TRUE), flat_slope_reml = whole(flat ~ staff + (1 + staff | branch), TRUE),
         linear_reml = null(overall ~ staff + climate, TRUE), linear_ml = null(overall ~ staff + climate, FALSE)))

# Contextual effects: the slope of branch means less that within branches.
visits$staff_between <- ave(visits$staff, visits$branch); visits$staff_within <- visits$staff - visits$staff_between
out("multilevel_contextual", "lmerTest::contest1D(lmer(overall ~ within + between + (1 | branch)), c(0, -1, 1))",
    list(within = visits$staff_within, between = visits$staff_between, fit = whole(overall ~ staff_within + staff_between + (1 | branch), TRUE, c(0, -1, 1))))

# Profile likelihood limits by the deviance of lme4 itself, its root found to 1e-10.
m <- lmer(overall ~ staff + climate + (1 | branch), visits, REML = FALSE, control = tight)
p <- confint(m, method = "profile", parm = c("sd_(Intercept)|branch", "sigma"), oldNames = FALSE, devtol = 1e-9, quiet = TRUE)
ratio <- function(reml) {
  dev <- lmer(overall ~ staff + climate + (1 | branch), visits, REML = reml, devFunOnly = TRUE); best <- optimize(dev, c(.01, 5), tol = 1e-12)
  f <- function(t) dev(t) - best$objective - qchisq(.95, 1); t <- c(uniroot(f, c(1e-6, best$minimum), tol = 1e-12)$root, uniroot(f, c(best$minimum, 20), tol = 1e-12)$root); t^2 / (1 + t^2)
}
out("multilevel_profile", "confint(lme4::lmer(REML = FALSE), method = 'profile'); limits of theta^2 / (1 + theta^2) from lmer(devFunOnly = TRUE)",
    list(between_sd = p[1, ], within_sd = p[2, ], icc_ml = ratio(FALSE), icc_reml = ratio(TRUE)))

# InstEval (Bates et al., 2015, of R's lme4): results only.
e <- as.data.frame(lme4::InstEval); e$service <- as.numeric(as.character(e$service))
big <- function(m) { v <- as.data.frame(VarCorr(m)); list(beta = unname(fixef(m)), se = unname(sqrt(diag(vcov(m)))), vcov = v$vcov, loglik = as.numeric(logLik(m))) }
m <- lmer(y ~ 1 + (1 | d), e, control = tight); r <- ranef(m)$d
out("multilevel_insteval", "lme4::lmer(y ~ 1 + (1 | d)) and (service | d), InstEval",
    list(lecturers = c(big(m), list(first = r[[1]][1:20], names = rownames(r)[1:20])), slopes = big(lmer(y ~ service + (1 + service | d), e, control = tight))))
