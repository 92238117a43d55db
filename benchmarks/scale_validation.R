# What psych and lavaan need for the analyses of benchmarks/scale_validation.py, as user + system seconds.
# Called by it: Rscript benchmarks/scale_validation.R DATA.csv DRAWS RESULT.json
suppressMessages({library(psych); library(lavaan); library(jsonlite)})
options(mc.cores = 1L)
a <- commandArgs(TRUE); d <- read.csv(a[1]); draws <- as.integer(a[2]); out <- list(); pdf(NULL)
cost <- function(e) { t <- proc.time(); force(e); t <- proc.time() - t; unname(t[1] + t[2] + t[4] + t[5]) }
quiet <- function(e) { sink(tempfile()); on.exit(sink()); suppressMessages(suppressWarnings(force(e))) }
out$lavCor <- cost(quiet(r <- lavCor(d, ordered = names(d)))); out$cor <- unclass(r)
if (nrow(d) <= 5000) out$polychoric <- cost(quiet(psych::polychoric(d, correct = 0)))
out$fa <- cost(quiet(f <- psych::fa(d, nfactors = 5, fm = "minres", rotate = "oblimin"))); out$chi2 <- f$STATISTIC
set.seed(1); out$parallel <- cost(quiet(p <- psych::fa.parallel(d, fa = "both", n.iter = draws, plot = FALSE))); out$fa_values <- p$fa.values
out$peak_mb <- as.numeric(strsplit(grep("VmHWM", readLines("/proc/self/status"), value = TRUE), "\\s+")[[1]][2]) / 1024
writeLines(toJSON(out, digits = I(15), auto_unbox = TRUE), a[3])
