# lme4's side of benchmarks/multilevel.py: processor seconds, best of three, and log-likelihoods as JSON.
suppressMessages({library(lme4); library(jsonlite)})
e <- as.data.frame(InstEval); e$service <- as.numeric(as.character(e$service))
one <- function(f) {
  spent <- Inf
  for (i in 1:3) { t <- system.time(m <- lmer(f, e)); spent <- min(spent, t[["user.self"]] + t[["sys.self"]]) }
  list(seconds = spent, loglik = as.numeric(logLik(m)))
}
cat(toJSON(list(`(1 | d)` = one(y ~ 1 + (1 | d)), `(1 + service | d)` = one(y ~ service + (1 + service | d))), auto_unbox = TRUE, digits = I(15)))
