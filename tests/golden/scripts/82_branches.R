# Golden values for agreement within branches, the league table of branches and the funnel plot.
# From the project's root: Rscript tests/golden/scripts/82_branches.R
# Debian packages: r-base-core r-cran-multilevel r-cran-lme4 r-cran-metafor r-cran-survey r-cran-emmeans r-cran-jsonlite
suppressMessages({library(multilevel); library(lme4); library(metafor); library(survey); library(emmeans); library(jsonlite)})
versions <- c(list(R = as.character(getRversion())),
              sapply(c("multilevel", "lme4", "metafor", "survey", "emmeans"), function(p) as.character(packageVersion(p)), simplify = FALSE))
out <- function(name, call, result)
  write_json(list(name = name, dataset = "branches drawn in the script", data_file = "data/sim_branches.csv", call = call, versions = versions, result = result),
             file.path("tests/golden", paste0(name, ".json")), digits = I(15), auto_unbox = TRUE, pretty = TRUE, na = "null")

# Nine branches of uneven size, one respondent alone; two dimensions of three and two items, 1 to 7.
set.seed(82)
size <- c(A = 3, B = 8, C = 12, D = 15, E = 21, F = 30, G = 34, H = 47, S = 1)
branch <- rep(names(size), size); n <- length(branch)
age <- round(runif(n, 20, 65)); level <- c(-.9, .5, .1, -.3, .6, 0, -.5, .3, .2)[match(branch, names(size))]
person <- rnorm(n, sd = .8) + .02 * (age - 42)
item <- function(shift) pmin(7, pmax(1, round(4.8 + shift + level + person + rnorm(n))))
data <- data.frame(branch, age, weight = round(runif(n, .5, 3), 2), a1 = item(0), a2 = item(.3), a3 = item(-.4), b1 = item(.1), b2 = item(-.2))
write.csv(data, "tests/golden/data/sim_branches.csv", row.names = FALSE)
d <- subset(data, branch != "S"); g <- d$branch  # agreement needs two respondents of a group
d$a <- rowMeans(d[, c("a1", "a2", "a3")]); d$b <- rowMeans(d[, c("b1", "b2")]); d$y <- rowMeans(d[, c("a1", "a2", "a3", "b1", "b2")])

# Agreement: a uniform null on 7 points has variance 4, the slightly skewed one 2.90 (LeBreton and Senter, 2008).
icc <- function(y) {
  m <- aov(y ~ factor(g)); t <- summary(m)[[1]]; MSB <- t[1, 3]; MSW <- t[2, 3]; F <- t[1, 4]; df <- t[, 1]; n <- as.numeric(table(g))
  k <- mean(n); k0 <- (sum(n) - sum(n^2) / sum(n)) / (length(n) - 1)
  low <- F / qf(.975, df[1], df[2]); high <- F / qf(.025, df[1], df[2])  # McGraw and Wong (1996)
  list(icc1 = ICC1(m), icc2 = ICC2(m), F = F, df = df[1], df_residual = df[2], p = t[1, 5], icc1_anova = (MSB - MSW) / (MSB + (k0 - 1) * MSW),
       low = (low - 1) / (low + k - 1), high = (high - 1) / (high + k - 1))
}
out("agreement_branches", "multilevel::rwg(), multilevel::rwg.j(), multilevel::ICC1(aov(y ~ g)), multilevel::ICC2(aov(y ~ g))",
    list(groups = names(size)[1:8], rwg_a1 = rwg(d$a1, g, 4)$rwg, rwgj_a = rwg.j(d[, c("a1", "a2", "a3")], g, 4)$rwg.j,
         rwgj_b = rwg.j(d[, c("b1", "b2")], g, 4)$rwg.j, rwgj_a_skew = rwg.j(d[, c("a1", "a2", "a3")], g, 2.9)$rwg.j,
         a1 = icc(d$a1), a = icc(d$a), b = icc(d$b), y = icc(d$y)))

# League table: a random intercept for each branch, plain and with age held at its mean.
plain <- lmer(y ~ 1 + (1 | branch), d, control = lmerControl(optCtrl = list(ftol_abs = 1e-14, xtol_abs = 1e-14)))
d$age0 <- d$age - mean(d$age)
aged <- lmer(y ~ age0 + (1 | branch), d, control = lmerControl(optCtrl = list(ftol_abs = 1e-14, xtol_abs = 1e-14)))
describe <- function(m) { v <- as.data.frame(VarCorr(m)); r <- ranef(m, condVar = TRUE)$branch
  list(beta = unname(fixef(m)), se = unname(sqrt(diag(as.matrix(vcov(m))))), between = v$vcov[1], within = v$vcov[2], shrunken = unname(fixef(m)[1]) + r[[1]],
       cond_sd = sqrt(as.numeric(attr(r, "postVar")))) }
tukey <- TukeyHSD(aov(y ~ factor(branch), d))[[1]]
pairs_aged <- as.data.frame(pairs(emmeans(lm(y ~ factor(branch) + age0, d), "branch"), adjust = "tukey"))
means_aged <- as.data.frame(emmeans(lm(y ~ factor(branch) + age0, d), "branch"))
out("league_branches", "lme4::lmer(y ~ 1 + (1 | branch)); lme4::lmer(y ~ age + (1 | branch)); TukeyHSD(aov(y ~ branch)); emmeans::pairs(adjust = 'tukey')",
    list(groups = names(size)[1:8], plain = describe(plain), aged = describe(aged), pairs = rownames(tukey), p = unname(tukey[, 4]),
         difference = unname(tukey[, 1]), low = unname(tukey[, 2]), high = unname(tukey[, 3]), pairs_aged = as.character(pairs_aged$contrast), p_aged = pairs_aged$p.value,
         difference_aged = pairs_aged$estimate, mean_aged = means_aged$emmean))

# Weighted: means of branches by the design, then the area-level model by REML.
by <- svyby(~y, ~branch, svydesign(~1, weights = ~weight, data = d), svymean)
# each branch is its own sample: n / (n - 1) of the branch, not of the whole design
se <- sapply(split(d, g), function(p) { w <- p$weight / sum(p$weight); k <- nrow(p); e <- w * (p$y - sum(w * p$y)); sqrt(k / (k - 1) * sum(e^2)) })
fit <- rma(yi = by$y, vi = se^2, method = "REML", control = list(threshold = 1e-13, maxiter = 10000)); b <- blup(fit)
out("league_area", "survey::svyby(~y, ~branch, svymean); metafor::rma(yi, vi, method = 'REML'); metafor::blup()",
    list(groups = by$branch, mean = by$y, se = unname(se), tau2 = fit$tau2, mu = as.numeric(fit$beta), mu_se = fit$se, blup = b$pred, blup_se = b$se))

# Funnel (Spiegelhalter, 2005, section 3 and appendix A.1): z scores, winsorized tenths, phi, tau2, limits.
z_wins <- function(z, share = .1) { k <- floor(length(z) * share); s <- sort(z); if (k) { s[1:k] <- s[k + 1]; s[(length(s) - k + 1):length(s)] <- s[length(s) - k] }; s }
phi_tau <- function(z, s, share) { I <- length(z); phi <- sum(z_wins(z, share)^2) / I; w <- 1 / s^2
  list(phi = phi, tau2 = max(0, (I * phi - (I - 1)) / (sum(w) - sum(w^2) / sum(w)))) }
n_b <- as.numeric(table(g)); m_b <- as.numeric(tapply(d$y, g, mean)); sd_w <- sqrt(sum((d$y - ave(d$y, g))^2) / (nrow(d) - 8))
s_b <- sd_w / sqrt(n_b); target <- mean(d$y); z_b <- (m_b - target) / s_b; o <- phi_tau(z_b, s_b, .125)
means <- c(list(n = n_b, mean = m_b, target = target, sd = sd_w, z = z_b), o, list(
  plain_998 = cbind(target - qnorm(.999) * s_b, target + qnorm(.999) * s_b), phi_95 = cbind(target - qnorm(.975) * s_b * sqrt(max(1, o$phi)), target + qnorm(.975) * s_b * sqrt(max(1, o$phi))),
  tau_998 = cbind(target - qnorm(.999) * sqrt(s_b^2 + o$tau2), target + qnorm(.999) * sqrt(s_b^2 + o$tau2))))
totals <- c(12, 30, 45, 80, 120, 200, 310, 450, 600, 900, 1500, 2400); events <- c(0, 3, 9, 8, 20, 21, 40, 30, 88, 81, 160, 330)
theta <- sum(events) / sum(totals); s_p <- sqrt(theta * (1 - theta) / totals); z_p <- (events / totals - theta) / s_p; op <- phi_tau(z_p, s_p, .1)
exact <- function(p, n) { r <- qbinom(p, n, theta); a <- (pbinom(r, n, theta) - p) / dbinom(r, n, theta); (r - a) / n }  # r: the least with P(R <= r) over p
counts <- c(list(totals = totals, events = events, target = theta, z = z_p), op, list(
  exact_95 = cbind(exact(.025, totals), exact(.975, totals)), exact_998 = cbind(exact(.001, totals), exact(.999, totals)),
  tau_998 = cbind(theta - qnorm(.999) * sqrt(s_p^2 + op$tau2), theta + qnorm(.999) * sqrt(s_p^2 + op$tau2))))
out("funnel_limits", "z = (y - target) / s; phi = sum(winsorized z^2) / I; tau2 = (I phi - (I - 1)) / (sum(w) - sum(w^2) / sum(w)); qbinom() with interpolation",
    list(means = means, counts = counts))
