# Golden values for linear and quantile regression: errors, clusters, weights, hierarchical steps, influence,
# simple slopes, Johnson-Neyman regions. From the project's root: Rscript tests/golden/scripts/82_regression.R
# Debian packages: r-base-core r-cran-sandwich r-cran-lmtest r-cran-car r-cran-survey r-cran-quantreg r-cran-jsonlite
suppressMessages({library(survey); library(sandwich); library(lmtest); library(car); library(quantreg); library(jsonlite)})
packages <- c("survey", "sandwich", "lmtest", "car", "quantreg")
versions <- c(list(R = as.character(getRversion())),
              setNames(lapply(packages, function(p) as.character(packageVersion(p))), packages))
out <- function(name, call, result) {
  write_json(list(name = name, data_file = "data/sim_service.csv", call = call, versions = versions, result = result),
             file.path("tests/golden", paste0(name, ".json")), digits = 15, auto_unbox = TRUE, pretty = TRUE, na = "null")
}
se <- function(V) unname(sqrt(diag(V)))

# 240 visits in 12 branches; staff and speed overlap, the slope of staff falls with waiting; answers missing.
set.seed(20261124)
n <- 240; branch <- rep(sprintf("b%02d", 1:12), times = c(8, 12, 15, 18, 20, 20, 20, 22, 24, 26, 27, 28))
shock <- rnorm(12, sd = .4)[as.integer(factor(branch))]
staff <- round(pmin(7, pmax(1, 4.8 + rnorm(n))), 2); speed <- round(.6 * staff + 2 + rnorm(n, sd = .8), 2)
wait <- round(rexp(n, 1 / 8), 1); channel <- sample(c("app", "desk", "phone"), n, TRUE, c(.3, .5, .2))
quality <- 1 + .5 * staff + .2 * speed + .02 * wait - .02 * staff * wait + .3 * (channel == "desk") + shock + rnorm(n, sd = .5 + .06 * wait)
data <- data.frame(quality = round(quality, 3), staff, speed, wait, channel, branch, w = round(runif(n, .3, 3), 2))
data$speed[c(7, 90, 201)] <- NA; data$wait[c(33, 150)] <- NA
write.csv(data, "tests/golden/data/sim_service.csv", row.names = FALSE, quote = FALSE)
data <- read.csv("tests/golden/data/sim_service.csv"); used <- na.omit(data)

model <- quality ~ staff + speed + wait + channel
fit <- lm(model, used); k <- length(coef(fit)) - 1
waldF <- function(fit, V) { b <- coef(fit)[-1]; drop(t(b) %*% solve(V[-1, -1], b)) / length(b) }
kinds <- paste0("HC", 0:4)
CL <- vcovCL(fit, cluster = used$branch)
gv <- car::vif(fit)
out("regression_errors", "lm(quality ~ staff + speed + wait + channel); sandwich::vcovHC; sandwich::vcovCL(cluster = branch); car::vif",
    list(terms = names(coef(fit)), estimate = unname(coef(fit)), classical = se(vcov(fit)),
         robust = setNames(lapply(kinds, function(kind) se(vcovHC(fit, kind))), kinds),
         clustered = se(CL), clustered_p = unname(2 * pt(-abs(coef(fit) / sqrt(diag(CL))), 11)), clustered_f = waldF(fit, CL),
         gvif = unname(gv[, "GVIF"]), gvif_df = unname(gv[, "Df"]), r2 = summary(fit)$r.squared))

wfit <- lm(model, used, weights = w); wgv <- car::vif(wfit)
design <- svydesign(ids = ~1, weights = ~w, data = used); cdesign <- svydesign(ids = ~branch, weights = ~w, data = used)
out("regression_weighted", "lm(..., weights = w); sandwich::vcovHC; sandwich::vcovCL; survey::svyglm over rows and over branches",
    list(estimate = unname(coef(wfit)), hc3 = se(vcovHC(wfit, "HC3")), hc0 = se(vcovHC(wfit, "HC0")),
         clustered = se(vcovCL(wfit, cluster = used$branch)), gvif = unname(wgv[, "GVIF"]),
         svyglm = se(vcov(svyglm(model, design))), svyglm_branch = se(vcov(svyglm(model, cdesign))),
         r2 = summary(wfit)$r.squared))

# standardized before multiplied
z <- function(x) as.numeric(scale(x)); s <- used; dummy <- model.matrix(~ channel, used)[, -1]
zfit <- lm(z(quality) ~ z(staff) * z(wait) + z(dummy[, 1]) + z(dummy[, 2]), s)
out("regression_standardized", "lm(scale(quality) ~ scale(staff) * scale(wait) + dummies scaled)",
    list(staff = unname(coef(zfit)[2]), wait = unname(coef(zfit)[3]), desk = unname(coef(zfit)[4]),
         phone = unname(coef(zfit)[5]), product = unname(coef(zfit)[6])))

# hierarchical steps on the rows of the largest model
steps <- list(lm(quality ~ wait + channel, used), lm(quality ~ wait + channel + staff + speed, used),
              lm(quality ~ staff * wait + channel + speed, used))
a <- anova(steps[[1]], steps[[2]]); b <- anova(steps[[2]], steps[[3]])
r <- lapply(2:3, function(i) waldtest(steps[[i - 1]], steps[[i]], vcov = function(x) vcovHC(x, "HC3")))
cl <- lapply(2:3, function(i) waldtest(steps[[i - 1]], steps[[i]], vcov = function(x) vcovCL(x, cluster = used$branch)))
out("regression_hierarchical", "anova(lm, lm); lmtest::waldtest(lm, lm, vcov = vcovHC(., 'HC3')), and with vcovCL",
    list(r2 = sapply(steps, function(f) summary(f)$r.squared), adj_r2 = sapply(steps, function(f) summary(f)$adj.r.squared),
         f = c(a$F[2], b$F[2]), p = c(a$`Pr(>F)`[2], b$`Pr(>F)`[2]), df = c(a$Df[2], b$Df[2]),
         df_residual = c(a$Res.Df[2], b$Res.Df[2]), robust_f = sapply(r, function(t) t$F[2]),
         robust_p = sapply(r, function(t) t$`Pr(>F)`[2]), clustered_f = sapply(cl, function(t) t$F[2])))

diagnostics <- function(f) list(leverage = unname(hatvalues(f)), studentized = unname(rstudent(f)),
  cooks = unname(cooks.distance(f)), dffits = unname(dffits(f)), dfbetas_staff = unname(dfbetas(f)[, "staff"]))
white <- bptest(fit, ~ staff + speed + wait + channel + I(staff^2) + I(speed^2) + I(wait^2) + staff:speed + staff:wait +
                  speed:wait + staff:channel + speed:channel + wait:channel, data = used)
bp <- bptest(fit); rs <- resettest(fit, power = 2:3, type = "fitted"); sw <- shapiro.test(resid(fit))
out("regression_influence", "hatvalues, rstudent, cooks.distance, dffits, dfbetas; lmtest::bptest, White's form of it, lmtest::resettest(power = 2:3); shapiro.test(resid)",
    list(plain = diagnostics(fit), weighted = diagnostics(wfit),
         bp = list(unname(bp$statistic), unname(bp$parameter), unname(bp$p.value)),
         white = list(unname(white$statistic), unname(white$parameter), unname(white$p.value)),
         reset = list(unname(rs$statistic), unname(rs$parameter[1]), unname(rs$parameter[2]), unname(rs$p.value)),
         shapiro = list(unname(sw$statistic), sw$p.value)))

# Simple slopes and Johnson-Neyman bounds, from Bauer and Curran (2005): slope(m) = b1 + b3 m,
# var = V11 + 2 m V13 + m^2 V33; bounds are roots of slope^2 = t^2 var.
m <- lm(quality ~ staff * wait + channel + speed, used); b <- coef(m)
slopes <- function(V, at) { s <- b["staff"] + b["staff:wait"] * at
  list(estimate = unname(s), std_error = sqrt(V["staff", "staff"] + 2 * at * V["staff", "staff:wait"] + at^2 * V["staff:wait", "staff:wait"])) }
bounds <- function(V, crit) {
  A <- b["staff:wait"]^2 - crit^2 * V["staff:wait", "staff:wait"]
  B <- 2 * (b["staff"] * b["staff:wait"] - crit^2 * V["staff", "staff:wait"]); C <- b["staff"]^2 - crit^2 * V["staff", "staff"]
  unname(sort((-B + c(-1, 1) * sqrt(B^2 - 4 * A * C)) / (2 * A))) }
at <- mean(used$wait) + c(-1, 0, 1) * sd(used$wait); crit <- qt(.975, m$df.residual)
# Esarey and Sumner (2018): Benjamini-Hochberg over the slopes at the distinct values observed
fdr <- function(V) { v <- sort(unique(used$wait)); s <- slopes(V, v)
  p <- sort(2 * pt(-abs(s$estimate / s$std_error), m$df.residual)); k <- max(which(p <= .05 * seq_along(p) / length(p)))
  qt(1 - .05 * k / length(p) / 2, m$df.residual) }
H <- vcovHC(m, "HC3"); V <- vcov(m)
by <- lm(quality ~ staff * channel + speed, used); Hb <- vcovHC(by, "HC3"); cb <- coef(by)
L <- rbind(c(0, 1, 0, 0, 0, 0, 0), c(0, 1, 0, 0, 0, 1, 0), c(0, 1, 0, 0, 0, 0, 1))
out("regression_slopes", "Bauer and Curran (2005) on lm(quality ~ staff * wait + channel + speed), classical and vcovHC HC3; staff * channel",
    list(at = at, classical = slopes(V, at), hc3 = slopes(H, at), bounds_classical = bounds(V, crit), bounds_hc3 = bounds(H, crit),
         critical_fdr = fdr(H), bounds_fdr = bounds(H, fdr(H)),
         by_channel = list(estimate = drop(L %*% cb), std_error = sqrt(diag(L %*% Hb %*% t(L))),
                           f = drop(t(cb[6:7]) %*% solve(Hb[6:7, 6:7], cb[6:7])) / 2, terms = names(cb))))

taus <- c(.1, .25, .5, .75, .9); q <- rq(model, tau = taus, data = used)
nid <- lapply(taus, function(tau) summary(rq(model, tau = tau, data = used), se = "nid")$coefficients)
out("quantile_service", "quantreg::rq(quality ~ staff + speed + wait + channel, tau); summary(se = 'nid')",
    list(tau = taus, estimate = lapply(nid, function(t) unname(t[, 1])), std_error = lapply(nid, function(t) unname(t[, 2])),
         p = lapply(nid, function(t) unname(t[, 4])),
         objective = sapply(taus, function(tau) rq(model, tau = tau, data = used)$rho),
         empty = sapply(taus, function(tau) rq(quality ~ 1, tau = tau, data = used)$rho)))
