# One task of psych or lavaan for benchmarks/scale_validation.py: its result, the best of several processor times (user and
# system seconds, children included) and the peak memory of this process.
# Called by it: Rscript benchmarks/scale_validation.R TASK DATA.csv DRAWS RESULT.json
a <- commandArgs(TRUE); task <- a[1]; draws <- as.integer(a[3])
suppressMessages({if (task %in% c("lavCor", "session")) library(lavaan); if (task != "lavCor") library(psych); library(jsonlite)})
options(mc.cores = 1L); pdf(NULL)   # fa.parallel forks otherwise
d <- read.csv(a[2])
quiet <- function(e) { sink(nullfile()); on.exit(sink()); suppressMessages(suppressWarnings(force(e))) }
calls <- list(
  lavCor = function() unclass(lavCor(d, ordered = names(d))),
  polychoric = function() psych::polychoric(d, correct = 0)$rho,
  efa = function() { f <- psych::fa(d, nfactors = 5, fm = "minres", rotate = "oblimin"); list(chi2 = f$STATISTIC, loadings = unclass(f$loadings)) },
  parallel = function() psych::fa.parallel(d, fa = "both", n.iter = draws, plot = FALSE)$fa.values,
  parallel_normal = function() psych::fa.parallel(cor(d), n.obs = nrow(d), fa = "both", n.iter = draws, plot = FALSE)$fa.values)
call <- if (task == "session") function() { for (f in calls[if (nrow(d) > 5000) -2 else 1:5]) r <- f(); 0 } else calls[[task]]
cost <- function() { set.seed(1); t <- proc.time(); r <<- quiet(call()); t <- proc.time() - t; unname(t[1] + t[2] + t[4] + t[5]) }
seconds <- cost(); while (task != "session" && length(seconds) < 7 && sum(seconds) < 4) seconds <- c(seconds, cost())
peak <- as.numeric(strsplit(grep("VmHWM", readLines("/proc/self/status"), value = TRUE), "\\s+")[[1]][2]) / 1024
if (is.matrix(r)) r <- unname(r) else if (is.list(r)) r$loadings <- unname(r$loadings)
writeLines(toJSON(list(seconds = min(seconds), peak_mb = peak, result = r), digits = I(15), auto_unbox = TRUE), a[4])
