# Models that nobody wrote servlab against: restrictions that fixed values settle, covariates with
# written moments, modification indices and expected changes by estimator, likelihood and group.
# Rscript tests/golden/scripts/72_latent_outside.R   (from the project's folder)
suppressMessages({library(lavaan); library(jsonlite)})
root <- "tests/golden"
data <- read.csv(file.path(root, "data", "hs1939.csv"))
HS <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
SETTLED <- "visual =~ a*x1 + b*x2 + c*x3\ntextual =~ x4 + b*x5 + x6\na == 1\nc > 0.2"
REDUNDANT <- "visual =~ x1 + a*x2 + b*x3\ntextual =~ x4 + x5 + x6\na + b == 1.4\n2*a + 2*b == 2.8"
WRITTEN <- "visual =~ x1 + x2 + x3\nx4 ~ visual + ageyr\nx5 ~ x4 + sex\nageyr ~~ sex"
RATIO <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\ntextual ~ p*visual\nspeed =~ x7 + x8 + x9\nspeed ~ q*visual + r*textual\nratio := p/q\nshare := p*r/(q + p*r)\nroot := sqrt(p)"
PARTLY <- "visual =~ x1 + c(u, v)*x2 + c(w, w)*x3\ntextual =~ x4 + c(1, NA)*x5 + x6\ntextual ~ c(s, t)*visual\nd := s - t\nratio := s/t"
tight <- list(optim.method = "BFGS", control = list(reltol = 1e-20, maxit = 20000))
say <- function(model, args, tighten = TRUE) {
  f <- suppressWarnings(do.call("sem", c(list(model, data = data), args, if (tighten) tight)))
  p <- parameterEstimates(f, remove.nonfree = FALSE); nox <- standardizedSolution(f, type = "std.nox"); lv <- standardizedSolution(f, type = "std.lv")
  m <- as.data.frame(modindices(f, sort. = FALSE)); if (is.null(m$group)) m$group <- 1
  list(model = model, data = "full", options = args, converged = lavInspect(f, "converged"),
    parameters = data.frame(lhs = p$lhs, op = p$op, rhs = p$rhs, group = if (is.null(p$group)) 1 else p$group, est = p$est, se = p$se),
    std = data.frame(lhs = nox$lhs, op = nox$op, rhs = nox$rhs, nox = nox$est.std, nox_se = nox$se, lv = lv$est.std, lv_se = lv$se),
    fit_measures = as.list(fitMeasures(f)),
    modification = m[!is.na(m$mi), c("lhs", "op", "rhs", "group", "mi", "epc", "sepc.all")])
}
LI <- c("loadings", "intercepts")
R <- list(
  settled = say(SETTLED, list(), FALSE),
  redundant = say(REDUNDANT, list(), FALSE),
  written = say(WRITTEN, list()),
  written_means = say(WRITTEN, list(meanstructure = TRUE, estimator = "MLR")),
  ratio = say(RATIO, list(estimator = "MLR")),
  partly = say(PARTLY, list(group = "school")),
  wishart = say(HS, list(likelihood = "wishart")),
  gls = say(HS, list(estimator = "GLS")),
  uls = say(HS, list(estimator = "ULS")),
  wls = say(HS, list(estimator = "WLS")),
  wishart_groups = say(HS, list(likelihood = "wishart", group = "school", group.equal = LI)),
  gls_groups = say(HS, list(estimator = "GLS", group = "school", group.equal = "loadings")))
write(toJSON(list(name = "latent_outside", dataset = "lavaan::HolzingerSwineford1939", data_file = "data/hs1939.csv",
  call = "lavaan::sem(), see scripts/72_latent_outside.R",
  versions = list(R = as.character(getRversion()), lavaan = as.character(packageVersion("lavaan"))), result = R),
  digits = 15, auto_unbox = TRUE, na = "null", null = "null"), file.path(root, "latent_outside.json"))
