# Golden values for weighted means, HC3 regression, VIF, Welch's test and Meng's z.
# From the project's root: Rscript tests/golden/scripts/50_scores_regression.R
# Debian packages: r-base-core r-cran-survey r-cran-sandwich r-cran-car r-cran-jsonlite
suppressMessages({library(survey); library(sandwich); library(car); library(jsonlite)})
out <- function(name, call, result) {
  versions <- list(R = as.character(getRversion()), survey = as.character(packageVersion("survey")),
                   sandwich = as.character(packageVersion("sandwich")), car = as.character(packageVersion("car")))
  write_json(list(name = name, call = call, versions = versions, result = result),
             file.path("tests/golden", paste0(name, ".json")), digits = 15, auto_unbox = TRUE, pretty = TRUE)
}

x <- c(3, 5, 2, 7, 6, 4, 1, 5, 6, 2); w <- c(1.2, .4, 2, .9, 1, 1.7, .3, .8, 1.1, .6)
m <- svymean(~x, svydesign(ids = ~1, weights = ~w, data = data.frame(x, w)))
out("scales_weighted_mean", "svymean(~x, svydesign(ids = ~1, weights = ~w))",
    list(x = x, w = w, mean = coef(m)[[1]], se = SE(m)[[1]]))

hs <- read.csv("tests/golden/data/hs1939.csv")
regression <- function(fit) {
  V <- vcovHC(fit, "HC3"); b <- coef(fit); k <- length(b) - 1
  W <- t(b[-1]) %*% solve(V[-1, -1]) %*% b[-1] / k
  list(terms = names(b), estimate = unname(b), classical_se = unname(sqrt(diag(vcov(fit)))),
       hc3_se = unname(sqrt(diag(V))), vif = unname(vif(fit)), r2 = summary(fit)$r.squared,
       adj_r2 = summary(fit)$adj.r.squared, f_classical = unname(summary(fit)$fstatistic[1]),
       f_hc3 = W[1, 1], df = fit$df.residual)
}
out("lm_hs1939", "lm(x1 ~ x2 + x3 + x4 + x5 + x6); vcovHC(fit, 'HC3'); car::vif(fit)",
    regression(lm(x1 ~ x2 + x3 + x4 + x5 + x6, hs)))
wt <- rep(c(1, 2, .5), length.out = nrow(hs))
fit <- lm(x1 ~ x2 + x3, hs, weights = wt)
out("lm_hs1939_weighted", "lm(x1 ~ x2 + x3, weights = rep(c(1, 2, .5), length.out = n)); vcovHC(fit, 'HC3')",
    list(estimate = unname(coef(fit)), hc3_se = unname(sqrt(diag(vcovHC(fit, "HC3")))), r2 = summary(fit)$r.squared))

groups <- list(a = c(4.1, 5.2, 3.9, 6.1, 5.5), b = c(3.2, 2.9, 4.4, 3.8), c = c(5.9, 6.6, 4.8, 7.0, 6.1, 5.0))
long <- stack(groups); t <- oneway.test(values ~ ind, long, var.equal = FALSE)
out("welch", "oneway.test(values ~ ind, var.equal = FALSE)",
    list(groups = groups, f = unname(t$statistic), df1 = unname(t$parameter[1]), df2 = unname(t$parameter[2]), p = t$p.value))

# Meng, Rosenthal and Rubin (1992), written from the paper's formulas; no Debian package has the test.
meng <- function(r1, r2, rx, n) {
  q <- (r1^2 + r2^2) / 2; f <- min(1, (1 - rx) / (2 * (1 - q))); h <- (1 - f * q) / (1 - q)
  z <- (atanh(r1) - atanh(r2)) * sqrt((n - 3) / (2 * (1 - rx) * h)); list(r1 = r1, r2 = r2, rx = rx, n = n, z = z, p = 2 * pnorm(-abs(z)))
}
out("meng", "formulas 1 to 3 of Meng, Rosenthal and Rubin (1992) in base R",
    list(meng(.517, .454, .746, 207), meng(.63, .47, .6, 15), meng(-.2, .3, .1, 50), meng(.9, .1, .2, 12)))
