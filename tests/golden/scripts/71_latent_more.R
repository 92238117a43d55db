# Further models: weights, clusters, covariates, restrictions, least squares in groups, difference tests.
# Row i (from 1) has weight 0.5 + ((7 i) mod 11) / 5 and cluster (7 i) mod 37.
# Rscript tests/golden/scripts/71_latent_more.R   (from the project's folder)
suppressMessages({library(lavaan); library(jsonlite)})
root <- "tests/golden"
read <- function(f) { d <- read.csv(file.path(root, "data", f)); i <- seq_len(nrow(d)); d$w <- 0.5 + (7 * i) %% 11 / 5; d$cl <- (7 * i) %% 37; d }
full <- read("hs1939.csv"); some <- read("hs1939_missing.csv")
if (is.null(some$school)) some <- cbind(some, full[setdiff(names(full), names(some))])
HS <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
COV <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\ntextual ~ visual + ageyr\nvisual ~ ageyr + sex"
OBS <- "x4 ~ b*x1 + x2\nx5 ~ a*x4 + x2\nab := a*b"
NL <- "visual =~ x1 + a*x2 + b*x3\ntextual =~ x4 + c*x5 + d*x6\na == b*c\nd > 1.5"
LIN <- "visual =~ x1 + a*x2 + b*x3\ntextual =~ x4 + c*x5 + d*x6\na + b == c + 0.2"
tight <- list(optim.method = "BFGS", control = list(reltol = 1e-20, maxit = 20000), em.h1.tol = 1e-14, em.h1.iter.max = 20000L)
say <- function(model, file, args, tighten = TRUE) {
  f <- suppressWarnings(do.call("sem", c(list(model, data = if (file == "full") full else some), args, if (tighten) tight)))
  p <- parameterEstimates(f, remove.nonfree = FALSE); nox <- standardizedSolution(f, type = "std.nox"); lv <- standardizedSolution(f, type = "std.lv")
  list(model = model, data = file, options = args, converged = lavInspect(f, "converged"),
    parameters = data.frame(lhs = p$lhs, op = p$op, rhs = p$rhs, group = if (is.null(p$group)) 1 else p$group, est = p$est, se = p$se),
    std = data.frame(lhs = nox$lhs, op = nox$op, rhs = nox$rhs, nox = nox$est.std, nox_se = nox$se, lv = lv$est.std, lv_se = lv$se),
    fit_measures = as.list(fitMeasures(f)))
}
R <- list(
  weights = say(HS, "full", list(estimator = "MLR", sampling.weights = "w")),
  weights_groups = say(HS, "full", list(estimator = "MLR", sampling.weights = "w", group = "school")),
  weights_fiml = say(HS, "some", list(estimator = "MLR", sampling.weights = "w", missing = "fiml")),
  clusters = say(HS, "full", list(estimator = "MLR", cluster = "cl")),
  clusters_fiml = say(HS, "some", list(estimator = "MLR", cluster = "cl", missing = "fiml")),
  clusters_groups = say(HS, "full", list(estimator = "MLR", cluster = "cl", group = "school")),
  covariates = say(COV, "full", list()),
  covariates_means = say(COV, "full", list(meanstructure = TRUE, estimator = "MLR")),
  covariates_mlm = say(COV, "full", list(estimator = "MLM")),
  covariates_fiml = say(COV, "some", list(missing = "fiml")),
  covariates_wls = say(COV, "full", list(estimator = "WLS")),
  covariates_gls = say(COV, "full", list(estimator = "GLS")),
  observed = say(OBS, "full", list()),
  nonlinear = say(NL, "full", list(), FALSE),
  linear = say(LIN, "full", list(), FALSE),
  gls_groups = say(HS, "full", list(estimator = "GLS", group = "school", group.equal = "loadings")),
  uls_groups = say(HS, "full", list(estimator = "ULS", group = "school")),
  wishart_groups = say(HS, "full", list(likelihood = "wishart", group = "school", group.equal = "loadings")),
  mlm_groups = say(HS, "full", list(estimator = "MLM", group = "school", group.equal = c("loadings", "intercepts"))),
  fiml_expected = say(HS, "some", list(missing = "fiml", information = "expected")),
  mlr_expected = say(HS, "full", list(estimator = "MLR", information = "expected")))
groups <- function(e, method) { g <- function(x) sem(HS, full, group = "school", estimator = e, group.equal = x)
  x <- lavTestLRT(g(""), g("loadings"), g(c("loadings", "intercepts")), method = method); x[["Chisq diff"]][-1] }
R$difference_2010 <- list(MLR = groups("MLR", "satorra.bentler.2010"), MLM = groups("MLM", "satorra.bentler.2010"))
f <- do.call("sem", c(list(HS, full, group = "school", group.equal = c("loadings", "intercepts")), tight)); m <- modindices(f)
R$modification_groups <- m[c("lhs", "op", "rhs", "group", "mi", "epc", "sepc.lv", "sepc.all", "sepc.nox")]
write(toJSON(list(name = "latent_more", dataset = "lavaan::HolzingerSwineford1939", data_file = "data/hs1939.csv",
  call = "lavaan::sem(), see scripts/71_latent_more.R",
  versions = list(R = as.character(getRversion()), lavaan = as.character(packageVersion("lavaan"))), result = R),
  digits = 15, auto_unbox = TRUE, na = "null", null = "null"), file.path(root, "latent_more.json"))
