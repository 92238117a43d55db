# Fit measures of lavaan with the moments, tests and matrices they follow from.
# Usage, from tests/golden: GOLDEN_ROOT=. Rscript scripts/51_fit_measures.R  (writes ref/)
source(file.path(Sys.getenv("GOLDEN_ROOT", ".."), "scripts/common.R"))
HS <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
TWO <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6"
MIS <- "f =~ x1 + x2 + x3 + x4 + x5 + x6"
PD <- "ind60 =~ x1 + x2 + x3\ndem60 =~ y1 + y2 + y3 + y4\ndem65 =~ y5 + y6 + y7 + y8\ndem60 ~ ind60\ndem65 ~ ind60 + dem60"
L <- "loadings"; I <- "intercepts"
H <- "hs1939.csv"; M <- "hs1939_missing.csv"
m <- list()
add <- function(name, file, model, ...) m[[name]] <<- list(file = file, model = model, options = list(...))
add("ml", H, HS, estimator = "ML")
add("ml_means", H, HS, estimator = "ML", meanstructure = TRUE)
add("ml_misfit", H, MIS, estimator = "ML")
add("ml_just_identified", H, "f =~ x1 + x2 + x3", estimator = "ML")
add("ml_good", H, "f =~ x4 + x5 + x6 + x7", estimator = "ML")
add("wishart", H, HS, estimator = "ML", likelihood = "wishart")
add("mlm", H, HS, estimator = "MLM")
add("mlr", H, HS, estimator = "MLR")
add("mlr_good", H, "f =~ x4 + x5 + x6 + x7", estimator = "MLR")
add("gls", H, HS, estimator = "GLS")
add("uls", H, HS, estimator = "ULS")
add("wls", H, TWO, estimator = "WLS")
add("sem", "political_democracy.csv", PD, estimator = "ML")
for (e in c("ML", "MLM", "MLR")) { add(paste0("g2_scalar_", tolower(e)), H, HS, estimator = e, group = "school", group.equal = c(L, I)) }
add("g2_configural_ml", H, HS, estimator = "ML", group = "school")
add("g2_gls", H, HS, estimator = "GLS", group = "school", group.equal = L)
add("g2_wishart", H, HS, estimator = "ML", likelihood = "wishart", group = "school", group.equal = L)
for (e in c("ML", "MLR")) { add(paste0("fiml_", tolower(e)), M, TWO, estimator = e, missing = "fiml"); add(paste0("g2_fiml_", tolower(e)), M, TWO, estimator = e, missing = "fiml", group = "school", group.equal = c(L, I)) }
each <- function(f, what) { x <- lavaan::lavTech(f, what); if (is.list(x)) x else list(x) }
# Free directions of the parameters under equality constraints, and derivatives in them.
delta <- function(f) { con <- f@Model@con.jac; K <- if (nrow(con)) { q <- qr(t(con)); qr.Q(q, complete = TRUE)[, -seq_len(q$rank), drop = FALSE] } else diag(f@Model@nx.free); lapply(each(f, "delta"), function(D) D %*% K) }
normal_weight <- function(S) { Si <- solve(S); D <- lavaan::lav_matrix_duplication(nrow(S)); lavaan::lav_matrix_bdiag(Si, 0.5 * t(D) %*% (Si %x% Si) %*% D) }
plain <- function(x) unname(unclass(as.matrix(x)))
incomplete <- function(f, u, est) {  # u: the same fit with information at the saturated moments
  J <- each(u, "h1.information.observed"); B <- each(u, "h1.information.firstorder"); S <- lapply(each(f, "sampstat"), function(s) s$cov)
  f0 <- lavaan:::lav_object_independence(f)
  Map(function(j, b, s, d, d0, p0) list(information = plain(j), acov = plain(if (est == "MLR") solve(j) %*% b %*% solve(j) else solve(j)), weight = plain(normal_weight(s)), delta = plain(d), delta_null = plain(d0), implied_null = plain(p0$cov), implied_null_mean = as.numeric(p0$mean)), J, B, S, delta(f), each(f0, "delta"), each(f0, "implied")) }
out <- list()
for (n in names(m)) { e <- m[[n]]; d <- rd(e$file); f <- do.call("cfa", c(list(e$model, data = d), e$options))
  g <- Map(function(s, p, k) list(n = k, cov = plain(s$cov), mean = if (!is.null(p$mean)) as.numeric(s$mean), implied_cov = plain(p$cov), implied_mean = if (!is.null(p$mean)) as.numeric(p$mean)), each(f, "sampstat"), each(f, "implied"), lavaan::lavTech(f, "nobs"))
  out[[n]] <- c(e, list(observed = lavaan::lavNames(f, "ov"), groups = unname(g), fit_measures = nv(unclass(lavaan::fitMeasures(f)))))
  if (e$options$estimator == "WLS") out[[n]]$weights <- lapply(each(f, "WLS.V"), plain)
  if (!is.null(e$options$missing)) out[[n]]$incomplete <- unname(incomplete(f, do.call("cfa", c(list(e$model, data = d, h1.information = "unstructured"), e$options)), e$options$estimator)) }
js <- function(x) toJSON(x, digits = I(15), auto_unbox = TRUE, na = "null", null = "null", matrix = "rowmajor")
head <- list(name = "fit_measures", call = "lavaan::fitMeasures(lavaan::cfa(model, data, ...)), options beside each", versions = vers())
lines <- sprintf("%s: %s", sapply(names(out), js), sapply(out, js))
writeLines(c(sub("}$", ", \"result\": {", js(head)), paste(lines, collapse = ",\n"), "}}"), file.path(rdir, "fit_measures.json"))
cat(length(out), "fits\n")
