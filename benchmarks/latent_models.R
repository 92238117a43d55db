# lavaan's side of latent_models.py: one job a process.
# Rscript latent_models.R JOB DATA.csv ANSWER.json [REPEATS]
suppressMessages({library(lavaan); library(jsonlite)})
a <- commandArgs(TRUE); d <- read.csv(a[2], na.strings = ""); repeats <- if (length(a) > 3) as.integer(a[4]) else 1L
items <- grep("^i", names(d), value = TRUE)
factors <- c(4, 5, 4, 4, 5); ends <- cumsum(factors)
model <- paste(sapply(1:5, function(k) paste0("f", k, " =~ ", paste(items[(ends[k] - factors[k] + 1):ends[k]], collapse = " + "))), collapse = "\n")
fit1 <- function(...) cfa(model, d, ...)
ladder <- function() list(fit1(group = "g"), fit1(group = "g", group.equal = "loadings"),
  fit1(group = "g", group.equal = c("loadings", "intercepts")), fit1(group = "g", group.equal = c("loadings", "intercepts", "residuals")))
job <- switch(a[1], ml = function() fit1(), mlr = function() fit1(estimator = "MLR"), fiml = function() fit1(missing = "fiml"),
  ladder = ladder, bootstrap = { f <- fit1(); function() bootstrapLavaan(f, R = 200L) })
clock <- function() sum(proc.time()[c(1, 2, 4, 5)])
best <- Inf; for (i in seq_len(repeats)) { t <- clock(); r <- job(); best <- min(best, clock() - t) }
peak <- as.numeric(gsub("[^0-9]", "", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 1024
f <- if (a[1] == "ladder") r[[length(r)]] else if (a[1] == "bootstrap") f else r
out <- list(seconds = best, peak_mb = peak, chi2 = unname(fitMeasures(f, "chisq")), cfi = unname(fitMeasures(f, "cfi")),
  est = unname(coef(f)), se = unname(sqrt(diag(vcov(f)))))
if (a[1] == "bootstrap") out$boot_se <- unname(apply(r, 2, sd))
if (a[1] == "ladder") out$chi2 <- unname(sapply(r, fitMeasures, "chisq"))
write(toJSON(out, digits = 12, auto_unbox = TRUE), a[3])
