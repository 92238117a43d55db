# Golden values for screening indices, item shape, raking and sample sizes.
# From the project's root: Rscript tests/golden/scripts/60_respondents.R
# Debian packages: r-base-core r-cran-psych r-cran-survey r-cran-pwr r-cran-sandwich r-cran-jsonlite
suppressMessages({library(psych); library(survey); library(pwr); library(jsonlite)})
versions <- c(list(R = as.character(getRversion())),
              sapply(c("psych", "survey", "pwr"), function(p) as.character(packageVersion(p)), simplify = FALSE))
out <- function(name, call, result)
  write_json(list(name = name, call = call, versions = versions, result = result),
             file.path("tests/golden", paste0(name, ".json")), digits = I(15), auto_unbox = TRUE, pretty = TRUE, na = "null")

bfi <- as.matrix(read.csv("tests/golden/data/bfi25_full.csv")[1:300, ])

# Screening: base R (rle, cor, mahalanobis, sd); no Debian package has the careless indices.
longest <- function(x) { r <- rle(x); if (all(is.na(x))) 0 else max(r$lengths[!is.na(r$values)]) }
even_odd <- function(x) {
  halves <- sapply(seq(1, 21, 5), function(first) {
    part <- x[first:(first + 4)]; c(mean(part[c(1, 3, 5)], na.rm = TRUE), mean(part[c(2, 4)], na.rm = TRUE))
  })
  r <- suppressWarnings(cor(halves[1, ], halves[2, ], use = "complete.obs")); max(-1, 2 * r / (1 + r))
}
keyed <- bfi; turned <- c("A1", "C4", "C5", "E1", "E2", "O2", "O5"); keyed[, turned] <- 7 - keyed[, turned]
full <- complete.cases(bfi)
distance <- rep(NA, nrow(bfi)); distance[full] <- mahalanobis(bfi[full, ], colMeans(bfi[full, ]), cov(bfi[full, ]))
out("screening_bfi", "rle(), cor() with 2r / (1 + r) not under -1, mahalanobis(), sd() by row",
    list(longest = apply(bfi, 1, longest), even_odd = apply(keyed, 1, even_odd), distance = distance,
         tail = pchisq(distance, 25, lower.tail = FALSE), spread = apply(bfi, 1, sd, na.rm = TRUE)))

# Item shape: type 2 is that of SPSS and SAS.
d <- describe(bfi, type = 2)
out("describe_bfi_type2", "psych::describe(bfi[1:300, ], type = 2)",
    list(item = rownames(d), n = d$n, mean = d$mean, sd = d$sd, skew = d$skew, kurtosis = d$kurtosis))

# Raking: three margins of an uneven sample, from equal and from unequal base weights.
n <- 240; i <- seq_len(n)
square <- (i * i) %% 11  # shared, so that the margins depend on each other
sample <- data.frame(sex = ifelse(square < 4, "f", "m"), age = c("young", "middle", "middle", "old")[1 + (square + i %% 3) %% 4],
                     region = ifelse((i^3) %% 7 + square < 7, "north", "south"), base = 0.5 + (i %% 4))
margins <- list(data.frame(sex = c("f", "m"), Freq = c(520, 480)),
                data.frame(age = c("young", "middle", "old"), Freq = c(300, 450, 250)),
                data.frame(region = c("north", "south"), Freq = c(560, 440)))
weights_of <- function(w) {
  design <- svydesign(ids = ~1, weights = w, data = sample)
  raked <- rake(design, list(~sex, ~age, ~region), margins, control = list(maxit = 500, epsilon = 1e-10))
  weights(raked)
}
out("rake", "survey::rake(design, list(~sex, ~age, ~region), margins, control = list(maxit = 500, epsilon = 1e-10))",
    list(sample = sample, margins = list(sex = list(f = .52, m = .48), age = list(young = .3, middle = .45, old = .25),
                                         region = list(north = .56, south = .44)),
         equal = weights_of(rep(1, n)), base = weights_of(sample$base)))

# Sample sizes: power of t tests with both tails; precision from the normal quantile (Cochran, 1977).
z <- qnorm(.975); fpc_share <- function(n, N) n / (1 + (n - 1) / N); fpc_mean <- function(n, N) n / (1 + n / N)
out("sample_sizes", "power.t.test(delta, sd, power, type, strict = TRUE), pwr.t2n.test(n1, d, power), (z s / m)^2",
    list(mean = list(sd = 1.3, margin = .1, n = (z * 1.3 / .1)^2, N = 800, n_finite = fpc_mean((z * 1.3 / .1)^2, 800)),
         share = list(p = .5, margin = .05, n = z^2 * .25 / .05^2, N = 1000, n_finite = fpc_share(z^2 * .25 / .05^2, 1000)),
         gap = list(detect = .3, sd = 1.2, n = power.t.test(delta = .3, sd = 1.2, power = .8, type = "paired", strict = TRUE)$n),
         gap90 = list(detect = .5, sd = .9, n = power.t.test(delta = .5, sd = .9, power = .9, sig.level = .01, type = "paired", strict = TRUE)$n),
         difference = list(detect = .4, sd = 1.1, n = power.t.test(delta = .4, sd = 1.1, power = .8, strict = TRUE)$n),
         difference90 = list(detect = 1.5, sd = 1, n = power.t.test(delta = 1.5, sd = 1, power = .9, strict = TRUE)$n),
         uneven = list(detect = .4, sd = 1, n1 = 80, n2 = pwr.t2n.test(n1 = 80, d = .4, power = .8)$n2)))

# Early and late respondents: Welch's t test of the first and the last quarter, Hedges' g with the pooled deviation.
score <- rowMeans(keyed[complete.cases(keyed[, 1:5]), 1:5]); m <- floor(length(score) / 4)
early <- head(score, m); late <- tail(score, m); t <- t.test(late, early)
pooled <- sqrt((var(early) + var(late)) / 2); g <- (mean(late) - mean(early)) / pooled * (1 - 3 / (4 * (2 * m - 2) - 1))
out("early_late_bfi", "t.test(late, early); (mean(late) - mean(early)) / pooled sd * (1 - 3 / (4 df - 1))",
    list(m = m, difference = mean(late) - mean(early), t = unname(t$statistic), df = unname(t$parameter), p = t$p.value,
         low = t$conf.int[1], high = t$conf.int[2], g = g, holm = p.adjust(c(.01, .04, .03), "holm")))

# Modes: an adjusted difference is a coefficient of lm() with HC3 errors.
suppressMessages(library(sandwich))
modes <- data.frame(y = rowMeans(bfi[full, 1:5]), mode = factor(c("online", "mail", "telephone", "online")[1 + seq_len(sum(full)) %% 4],
                    levels = c("online", "mail", "telephone")), sex = c("f", "m", "m")[1 + seq_len(sum(full)) %% 3])
fit <- lm(y ~ mode + sex, modes)
out("mode_bfi", "lm(y ~ mode + sex); sandwich::vcovHC(fit, 'HC3')",
    list(estimate = unname(coef(fit)[2:3]), se = unname(sqrt(diag(vcovHC(fit, "HC3"))))[2:3], plain = unname(coef(lm(y ~ mode, modes))[2:3])))

# Little's test: d squared written from the paper over lavaan's moments of incomplete data. For airquality
# R's naniar prints 35.1 on 14 degrees of freedom, p .00142, 4 patterns (its documentation); not a Debian package.
suppressMessages(library(lavaan))
little <- function(d) {
  d <- as.matrix(d); fit <- lavCor(as.data.frame(d), missing = "fiml", output = "fit", se = "none")
  S <- lavInspect(fit, "implied")$cov[colnames(d), colnames(d)]; m <- lavInspect(fit, "implied")$mean[colnames(d)]
  key <- apply(!is.na(d), 1, paste, collapse = ""); d2 <- 0; df <- -ncol(d)
  for (k in unique(key)) {
    rows <- d[key == k, , drop = FALSE]; o <- !is.na(rows[1, ]); z <- colMeans(rows[, o, drop = FALSE]) - m[o]
    d2 <- d2 + nrow(rows) * sum(z * solve(S[o, o, drop = FALSE], z)); df <- df + sum(o)
  }
  list(statistic = d2, df = df, p = pchisq(d2, df, lower.tail = FALSE), patterns = length(unique(key)))
}
missing <- read.csv("tests/golden/data/hs1939_missing.csv")[, paste0("x", 1:9)]
out("mcar", "Little (1988) over lavaan::lavCor(d, missing = 'fiml')",
    list(airquality = c(list(data = airquality), little(airquality)), hs = little(missing)))
