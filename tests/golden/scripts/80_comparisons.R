# Golden values for gap tests and group comparisons.
# From the project's root: Rscript tests/golden/scripts/80_comparisons.R
# Debian packages: r-base-core r-cran-survey r-cran-car r-cran-coin r-cran-rstatix r-cran-jsonlite
suppressMessages({library(survey); library(car); library(coin); library(rstatix); library(jsonlite)})
versions <- c(list(R = as.character(getRversion())),
              sapply(c("survey", "car", "coin", "rstatix"), function(p) as.character(packageVersion(p)), simplify = FALSE))
out <- function(name, call, result)
  write_json(list(name = name, call = call, versions = versions, result = result),
             file.path("tests/golden", paste0(name, ".json")), digits = I(15), auto_unbox = TRUE, pretty = TRUE, na = "null")

# Paired differences: continuous (exact), tied with zeros, large.
i <- seq_len(206)
expected <- c(5, 6, 6, 7, 7)[1 + (i * i) %% 5] - (i %% 11 == 0)
perceived <- pmin(7, pmax(1, expected - c(-1, 0, 0, 1, 2, 3)[1 + (i^3 + i) %% 6] + (i %% 7 == 0)))
cases <- list(
  exact = list(p = c(5.12, 3.31, 6.02, 4.47, 5.58, 2.93, 4.21, 6.61, 5.04, 3.79, 4.89, 5.97),
               e = c(5.9, 5.05, 6.17, 6.63, 5.36, 5.47, 4.24, 6.99, 6.55, 6.1, 4.73, 6.38)),
  tied = list(p = perceived[1:30], e = expected[1:30]),
  long = list(p = 4 + sin(i[1:60] * 1.7) + i[1:60] / 1000, e = 4.3 + cos(i[1:60] * 2.3) / 2),
  many = list(p = perceived, e = expected))
J <- function(df) exp(lgamma(df / 2) - lgamma((df - 1) / 2) - log(sqrt(df / 2)))
ncp_of <- function(t, df, p) uniroot(function(d) pt(t, df, d) - p, c(t - 12 - abs(t), t + 12 + abs(t)), tol = 1e-13)$root
median_limits <- function(x, conf = .95) {
  x <- sort(x); n <- length(x); k <- qbinom((1 - conf) / 2, n, .5)
  if (2 * pbinom(k - 1, n, .5) > 1 - conf) k <- k - 1   # k: largest with 2 P(B <= k - 1) <= 1 - conf
  if (k < 1) c(NA, NA) else c(x[k], x[n + 1 - k])
}
paired <- function(case, margin = .4) {
  d <- case$p - case$e; n <- length(d); t <- t.test(d)
  w <- suppressWarnings(list(auto = wilcox.test(d), normal = wilcox.test(d, exact = FALSE, correct = FALSE),
                             corrected = wilcox.test(d, exact = FALSE, correct = TRUE)))
  s <- binom.test(sum(d > 0), sum(d != 0)); m <- median_limits(d)
  ncp <- c(ncp_of(t$statistic, n - 1, .975), ncp_of(t$statistic, n - 1, .025)); j <- J(n - 1)
  av <- sqrt((var(case$p) + var(case$e)) / 2); se <- sd(d) / sqrt(n)
  exact <- if (n <= 60) pvalue(wilcoxsign_test(case$p ~ case$e, distribution = "exact", zero.method = "Wilcoxon")) else NA
  low <- t.test(d, mu = -margin, alternative = "greater")$p.value; high <- t.test(d, mu = margin, alternative = "less")$p.value
  c(case, list(t = unname(t$statistic), df = unname(t$parameter), t_p = t$p.value, conf = as.numeric(t$conf.int), v = unname(w$auto$statistic),
       p_auto = w$auto$p.value, p_normal = w$normal$p.value, p_corrected = w$corrected$p.value, p_exact = as.numeric(exact),
       sign_p = s$p.value, positive = unname(s$statistic), median = median(d), median_low = m[1], median_high = m[2],
       g_z = j * mean(d) / sd(d), g_z_conf = j * ncp / sqrt(n), g_av = j * mean(d) / av, g_av_conf = j * ncp * se / av,
       margin = margin, p_low = low, p_high = high))
}
out("gap_tests", "t.test, wilcox.test, binom.test, coin::wilcoxsign_test, pt with ncp (Algina and Keselman, 2003), two one-sided t.test",
    lapply(cases, paired))
p <- c(.011, .048, NA, .0004, .0302, .62, .0302)
out("p_adjust", "p.adjust(p, 'holm'), p.adjust(p, 'BH')", list(p = p, holm = p.adjust(p, "holm"), bh = p.adjust(p, "BH")))

# Under weights: the design-based t test, and Hedges' g by the linearized ratio.
d <- cases$many$p - cases$many$e; w <- 0.4 + (i %% 5) / 2
frame <- data.frame(d, e = cases$many$e, p = cases$many$p, w); n <- nrow(frame)
design <- svydesign(ids = ~1, weights = ~w, data = frame)
st <- svyttest(d ~ 0, design); one <- svyglm(d ~ 1, design); f <- n / (n - 1); j <- J(n - 1)
m <- svymean(~ d + I(d^2) + e + I(e^2) + p + I(p^2), design); names(m) <- c("d", "d2", "e", "e2", "p", "p2")
attr(m, "var") <- structure(vcov(m), dimnames = list(names(m), names(m)))
gz <- svycontrast(m, substitute(j * d / sqrt(f * (d2 - d^2)), list(j = j, f = f)))
gav <- svycontrast(m, substitute(j * d / sqrt(f * (e2 - e^2 + p2 - p^2) / 2), list(j = j, f = f)))
out("gap_tests_weighted", "survey::svyttest(d ~ 0, design), summary(svyglm(d ~ 1, design)); svycontrast(svymean(...), Hedges' g)",
    list(p = frame$p, e = frame$e, w = w, estimate = unname(coef(svymean(~d, design))), se = as.numeric(SE(svymean(~d, design))),
         t = unname(st$statistic), df = one$df.residual,  # degf(design); svyttest(d ~ 0) of survey 4.1.1 takes one less
         t_p = coef(summary(one))[1, 4], g_z = unname(coef(gz)), g_z_se = as.numeric(SE(gz)),
         g_av = unname(coef(gav)), g_av_se = as.numeric(SE(gav))))

# Groups: uneven, tied, unlike variances; three dimensions for the multivariate tests.
k <- seq_len(97)
g <- c("east", "north", "north", "south", "west", "west", "west")[1 + (k * k + k %/% 9) %% 7]
shift <- c(east = 0, north = .5, south = -.8, west = .2)[g]; wide <- c(east = .5, north = 1, south = 1.6, west = .8)[g]
answer <- function(a, b) round(4 + shift + wide * (sin(k * a) + cos(k * b)), 1)
data <- data.frame(group = g, a = answer(1.3, .7), b = round(answer(2.1, 1.9) + shift / 2, 1), c = answer(.9, 2.7), w = .5 + (k %% 4) / 2)
omega <- function(f, df1, n) df1 * (f - 1) / (df1 * (f - 1) + n)
univariate <- function(y) {
  x <- data[[y]]; wt <- oneway.test(x ~ g); an <- anova(lm(x ~ g)); kw <- kruskal.test(x, factor(g)); bf <- leveneTest(x, factor(g), center = median)
  r <- resid(lm(x ~ g)); n <- length(r); z <- (r - mean(r)) / sqrt(mean((r - mean(r))^2)); g1 <- mean(z^3); g2 <- mean(z^4) - 3
  gh <- games_howell_test(data.frame(x, g), x ~ g); dn <- dunn_test(data.frame(x, g), x ~ g, p.adjust.method = "holm")
  groups <- split(x, g); pairs <- t(combn(names(groups), 2))
  tukey <- apply(pairs, 1, function(q) {
    u <- groups[[q[1]]]; v <- groups[[q[2]]]; s <- c(var(u) / length(u), var(v) / length(v)); df <- sum(s)^2 / (s[1]^2 / (length(u) - 1) + s[2]^2 / (length(v) - 1))
    diff <- mean(u) - mean(v); se <- sqrt(sum(s)); half <- qtukey(.95, length(groups), df) * se / sqrt(2); N <- length(u) + length(v)
    pooled <- sqrt(((length(u) - 1) * var(u) + (length(v) - 1) * var(v)) / (N - 2)); tt <- t.test(u, v, var.equal = TRUE)$statistic
    scale <- sqrt(1 / length(u) + 1 / length(v)); ncp <- c(ncp_of(tt, N - 2, .975), ncp_of(tt, N - 2, .025))
    c(diff = diff, se = se, df = df, t = diff / se, p = ptukey(abs(diff / se) * sqrt(2), length(groups), df, lower.tail = FALSE), low = diff - half, high = diff + half,
      g = J(N - 2) * diff / pooled, g_low = J(N - 2) * ncp[1] * scale, g_high = J(N - 2) * ncp[2] * scale)
  })
  list(f = unname(wt$statistic), df1 = unname(wt$parameter[1]), df2 = unname(wt$parameter[2]), p = wt$p.value, omega = omega(unname(wt$statistic), 3, n),
       anova_f = an[1, "F value"], anova_p = an[1, "Pr(>F)"], anova_omega = (an[1, 2] - an[1, 1] * an[2, 3]) / (sum(an[, 2]) + an[2, 3]),
       h = unname(kw$statistic), h_p = kw$p.value, epsilon = unname(kw$statistic) / (n - 1), bf = bf[1, "F value"], bf_p = bf[1, "Pr(>F)"],
       skewness = g1 * sqrt(n * (n - 1)) / (n - 2), kurtosis = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6),
       pairs = as.data.frame(t(tukey)), rstatix_p = gh$p.adj, rstatix_low = -gh$conf.high, dunn_z = -dn$statistic, dunn_p = dn$p, dunn_holm = dn$p.adj)
}
out("groups", "oneway.test, kruskal.test, car::leveneTest, ptukey, rstatix::dunn_test, rstatix::games_howell_test",
    list(data = data, a = univariate("a"), b = univariate("b"), c = univariate("c")))
fit <- manova(cbind(a, b, c) ~ group, data)
tests <- lapply(c("Pillai", "Wilks", "Hotelling-Lawley", "Roy"), function(s) as.list(setNames(summary(fit, test = s)$stats[1, 2:6], c("value", "f", "df1", "df2", "p"))))
two <- manova(cbind(a, b, c) ~ group, subset(data, group %in% c("north", "west")))
both <- lapply(c("Pillai", "Wilks", "Hotelling-Lawley", "Roy"), function(s) as.list(setNames(summary(two, test = s)$stats[1, 2:6], c("value", "f", "df1", "df2", "p"))))
bm <- box_m(data[, c("a", "b", "c")], data$group)
out("manova", "summary(manova(cbind(a, b, c) ~ group), test = each); rstatix::box_m",
    list(four = tests, two = both, box = unname(bm$statistic), box_df = unname(bm$parameter), box_p = unname(bm$p.value)))

# Under weights: group means by svyglm, Wald's F, design-based pairs, rank test.
design <- svydesign(ids = ~1, weights = ~w, data = data)
weighted <- lapply(c("a", "b", "c"), function(y) {
  model <- svyglm(as.formula(paste(y, "~ 0 + group")), design); wald <- regTermTest(svyglm(as.formula(paste(y, "~ group")), design), ~group)
  untied <- update(design, u = data[[y]] + k / 1e5)  # svyranktest ranks ties by their order in the file: ours are midranks
  rank <- svyranktest(u ~ group, untied)
  mid <- sapply(data[[y]], function(v) (sum(data$w[data[[y]] < v - 1e-9]) + sum(data$w[abs(data[[y]] - v) < 1e-9]) / 2) / sum(data$w))
  tied <- regTermTest(svyglm(mid ~ group, update(design, mid = mid)), ~group); V <- vcov(model); b <- coef(model); pr <- t(combn(4, 2))
  est <- b[pr[, 1]] - b[pr[, 2]]; se <- sqrt(diag(V)[pr[, 1]] + diag(V)[pr[, 2]] - 2 * V[pr]); p <- 2 * pt(-abs(est / se), model$df.residual)
  list(f = as.numeric(wald$Ftest), df1 = wald$df, df2 = wald$ddf, p = as.numeric(wald$p), rank = as.numeric(rank$parameter), rank_p = as.numeric(rank$p.value),  # 4.1.1 swaps names
       tied = as.numeric(tied$Ftest), tied_p = as.numeric(tied$p),
       est = unname(est), se = unname(se), pair_p = unname(p), holm = unname(p.adjust(p, "holm")))
})
pair <- subset(design, group %in% c("north", "west")); pairdata <- subset(data, group %in% c("north", "west"))
st <- svyttest(a ~ group, svydesign(ids = ~1, weights = ~w, data = pairdata))
out("groups_weighted", "survey::regTermTest(svyglm(y ~ group, design), ~group), svyttest, svyranktest",
    list(a = weighted[[1]], b = weighted[[2]], c = weighted[[3]], t = unname(st$statistic), t_df = unname(st$parameter), t_p = unname(st$p.value)))

grid <- expand.grid(q = c(.5, 2, 3.6, 6), k = c(2, 3, 13, 40), df = c(2.5, 9.7, 40, 1200, 2e4))
grid$p <- with(grid, ptukey(q, k, df, lower.tail = FALSE)); grid$q95 <- with(grid, qtukey(.95, k, df))
nct <- expand.grid(t = c(-20.4, -1.2, 0, 2.5, 9), df = c(1, 2, 7, 59, 4000))
nct <- subset(nct, df >= 7 | abs(t) < 20)  # pt() leaves its series past a noncentrality of 37.6
nct$low <- mapply(ncp_of, nct$t, nct$df, .975)
nct$high <- mapply(ncp_of, nct$t, nct$df, .025)
out("tukey_nct", "ptukey, qtukey, pt with ncp", list(grid = grid, nct = nct))
