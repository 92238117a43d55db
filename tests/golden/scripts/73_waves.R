# Golden values for waves compared: Welch, design-based changes, standardization, raking, limits.
# From the project's root: Rscript tests/golden/scripts/73_waves.R
# Debian packages: r-base-core r-cran-survey r-cran-sandwich r-cran-emmeans r-cran-metafor r-cran-jsonlite
suppressMessages({library(survey); library(sandwich); library(emmeans); library(metafor); library(jsonlite)})
versions <- c(list(R = as.character(getRversion())),
              sapply(c("survey", "sandwich", "emmeans", "metafor"), function(p) as.character(packageVersion(p)), simplify = FALSE))
out <- function(name, call, result)
  write_json(list(name = name, call = call, versions = versions, result = result),
             file.path("tests/golden", paste0(name, ".json")), digits = I(15), auto_unbox = TRUE, pretty = TRUE, na = "null")

# Three waves of unequal size and mix; integer arithmetic, so that no generator is needed.
n <- c(70, 110, 90); i <- seq_len(sum(n)); wave <- rep(c("w1", "w2", "w3"), n)
k <- (i * i) %% 13 + (7 * i) %% 5
area <- c("north", "south", "harbour")[1 + (k + (i %% (2 + (wave == "w3")))) %% 3]
sex <- ifelse((i^3) %% 7 + k %% 3 < 5, "f", "m"); age <- 18 + (i * 17) %% 53
y <- 1 + (k + 2 * (area == "north") + (wave == "w3") * (1 + (sex == "f")) + (age > 50) + (i * 11) %% 4) %% 7
y[i %% 19 == 0] <- NA
d <- data.frame(wave, area, sex, age, y, weight = 0.4 + (i %% 6) / 3)
full <- d[!is.na(d$y), ]

tt <- function(a, b) { x <- full$y[full$wave == a]; z <- full$y[full$wave == b]; t <- t.test(z, x)
  m <- length(x) + length(z) - 2; s <- sqrt(((length(x) - 1) * var(x) + (length(z) - 1) * var(z)) / m)
  list(estimate = unname(t$estimate[1] - t$estimate[2]), std_error = t$stderr, statistic = unname(t$statistic), df = unname(t$parameter),
       p_value = t$p.value, conf_low = t$conf.int[1], conf_high = t$conf.int[2], effect_size = (1 - 3 / (4 * m - 1)) * unname(t$estimate[1] - t$estimate[2]) / s) }
welch <- list(w2 = tt("w1", "w2"), w3 = tt("w1", "w3"))

# Under weights: waves are strata; svyglm and svycontrast give the same change and error.
design <- svydesign(ids = ~1, strata = ~wave, weights = ~weight, data = full)
means <- svyby(~y, ~wave, design, svymean, covmat = TRUE)
change <- function(w) { s <- svycontrast(means, setNames(c(-1, 1), c("w1", w))); list(estimate = coef(s)[[1]], std_error = SE(s)[[1]]) }
g <- summary(svyglm(y ~ wave, design))$coefficients
trend <- svycontrast(means, c(w1 = -.5, w2 = 0, w3 = .5)); uneven <- c(1, 2, 5); cc <- (uneven - mean(uneven)) / sum((uneven - mean(uneven))^2)
trend2 <- svycontrast(means, setNames(cc, c("w1", "w2", "w3")))
out("waves_change", "t.test(); survey::svyglm(y ~ wave, svydesign(ids = ~1, strata = ~wave, weights = ~weight)); survey::svycontrast(svyby(...))",
    list(data = d, welch = welch, holm = p.adjust(c(welch$w2$p_value, welch$w3$p_value), "holm"), bh = p.adjust(c(welch$w2$p_value, welch$w3$p_value), "BH"),
         weighted = list(w2 = change("w2"), w3 = change("w3")),
         svyglm = list(w2 = list(estimate = g["wavew2", 1], std_error = g["wavew2", 2]), w3 = list(estimate = g["wavew3", 1], std_error = g["wavew3", 2])),
         trend = list(estimate = coef(trend)[[1]], std_error = SE(trend)[[1]]), trend_uneven = list(estimate = coef(trend2)[[1]], std_error = SE(trend2)[[1]])))

# Standardization: lm with every interaction by wave, predictions averaged over all respondents with
# an answer to the covariates (with or without y), vcovHC of type HC3.
fit <- lm(y ~ wave * (area + sex + age), full)
average <- function(w, data, fit, wt) { data$wave <- w; X <- model.matrix(delete.response(terms(fit)), data, xlev = list(wave = c("w1", "w2", "w3"), area = c("harbour", "north", "south"), sex = c("f", "m")))
  colSums(X * wt) / sum(wt) }
std <- function(w, reference, wt = rep(1, nrow(reference))) { L <- average(w, reference, fit, wt) - average("w1", reference, fit, wt)
  list(estimate = sum(L * coef(fit)), std_error = sqrt(drop(t(L) %*% vcovHC(fit, "HC3") %*% L))) }
em <- as.data.frame(contrast(emmeans(lm(y ~ wave * area, full), "wave", weights = "proportional", vcov. = function(x, ...) vcovHC(x, "HC3")), list(d = c(-1, 0, 1))))
# Under weights: one svyglm a wave, predictions at the weighted mean of the covariates.
one <- function(w) { s <- svydesign(ids = ~1, weights = ~weight, data = full[full$wave == w, ]); f <- svyglm(y ~ area + sex + age, s)
  X <- model.matrix(~ area + sex + age, d); a <- colSums(X * d$weight) / sum(d$weight); list(e = sum(a * coef(f)), v = drop(t(a) %*% vcov(f) %*% a)) }
diff2 <- function(a, b) list(estimate = b$e - a$e, std_error = sqrt(a$v + b$v))
out("waves_standardization", "lm(y ~ wave * (area + sex + age)), sandwich::vcovHC(type = 'HC3'); emmeans::emmeans(weights = 'proportional'); survey::svyglm by wave",
    list(pooled = list(w2 = std("w2", d), w3 = std("w3", d)), first = list(w2 = std("w2", d[d$wave == "w1", ]), w3 = std("w3", d[d$wave == "w1", ])),
         emmeans_area = list(estimate = em$estimate, std_error = em$SE),
         weighted = list(w2 = diff2(one("w1"), one("w2")), w3 = diff2(one("w1"), one("w3")))))

# Raking each wave to the margins of all waves together; calibrate() with calfun "raking" has the
# standard error of a calibrated mean.
shares <- function(x, wt) tapply(wt, x, sum) / sum(wt)
raked <- function(w, base) { part <- full[full$wave == w, ]; wt <- if (base) d$weight else rep(1, nrow(d)); part$b <- if (base) part$weight else 1
  a <- shares(d$area, wt); s <- shares(d$sex, wt); N <- sum(part$b)
  des <- svydesign(ids = ~1, weights = ~b, data = part)
  cal <- calibrate(des, ~ area + sex, c(`(Intercept)` = N, areanorth = N * a[["north"]], areasouth = N * a[["south"]], sexm = N * s[["m"]]),
                   calfun = "raking", epsilon = 1e-13, maxit = 500)
  m <- svymean(~y, cal); list(e = coef(m)[[1]], v = SE(m)[[1]]^2) }
both <- function(base) list(w2 = diff2(raked("w1", base), raked("w2", base)), w3 = diff2(raked("w1", base), raked("w3", base)))
out("waves_raking", "survey::svymean(~y, survey::calibrate(svydesign(ids = ~1, weights = ~b), ~area + sex, totals, calfun = 'raking'))",
    list(equal = both(FALSE), weighted = both(TRUE)))

# Control limits: DerSimonian and Laird over the waves before, as metafor has it.
m <- c(4.02, 3.91, 4.10, 4.33, 3.70, 4.05, 4.21); s <- c(.05, .08, .06, .04, .11, .07, .05)
limits <- lapply(3:7, function(t) { r <- rma(yi = m[1:(t - 1)], sei = s[1:(t - 1)], method = "DL")
  list(centre = coef(r)[[1]], between = r$tau2, sd = sqrt(r$tau2 + r$se^2 + s[t]^2)) })
out("waves_limits", "metafor::rma(yi, sei, method = 'DL') over the waves before each", list(means = m, std_errors = s, limits = limits))
