# Golden values for Edwards' polynomial regression with response surface.
# From the project's root: Rscript tests/golden/scripts/81_response_surface.R
# Debian packages: r-base-core r-cran-sandwich r-cran-car r-cran-jsonlite
# Models by lm, covariances by sandwich, constraints by car::linearHypothesis, functions of the coefficients by
# car::deltaMethod; the surface's formulas are Edwards and Parry's (1993), written out below.
suppressMessages({library(sandwich); library(car); library(jsonlite)})
hs <- read.csv("tests/golden/data/hs1939.csv"); midpoint <- 3
d <- data.frame(z = hs$x1, p = hs$x4 - midpoint, e = hs$x5 - midpoint, w = rep(c(1, 2, .5), length.out = nrow(hs)))
names_b <- paste0("b", 0:5)
functions <- c(a1 = "b1+b2", a2 = "b3+b4+b5", a3 = "b1-b2", a4 = "b3-b4+b5",
  stationary_perception = "(b2*b4-2*b1*b5)/(4*b3*b5-b4^2)", stationary_expectation = "(b1*b4-2*b2*b3)/(4*b3*b5-b4^2)",
  p11 = "(b5-b3+sqrt((b3-b5)^2+b4^2))/b4", p21 = "(b5-b3-sqrt((b3-b5)^2+b4^2))/b4",
  p10 = "(b1*b4-2*b2*b3)/(4*b3*b5-b4^2)-(b5-b3+sqrt((b3-b5)^2+b4^2))/b4*(b2*b4-2*b1*b5)/(4*b3*b5-b4^2)",
  p20 = "(b1*b4-2*b2*b3)/(4*b3*b5-b4^2)-(b5-b3-sqrt((b3-b5)^2+b4^2))/b4*(b2*b4-2*b1*b5)/(4*b3*b5-b4^2)")
surface <- function(fit, V) {
  b <- setNames(coef(fit), names_b); dimnames(V) <- list(names_b, names_b)
  rows <- lapply(functions, function(g) deltaMethod(b, g, vcov. = V))
  list(names = names(functions), estimate = unname(sapply(rows, `[[`, "Estimate")), se = unname(sapply(rows, `[[`, "SE")))
}
hypotheses <- list(
  difference = c("p + e = 0", "I(p^2) = 0", "I(p * e) = 0", "I(e^2) = 0"),
  linear = c("I(p^2) = 0", "I(p * e) = 0", "I(e^2) = 0"),
  squared_difference = c("p = 0", "e = 0", "I(p^2) - I(e^2) = 0", "I(p * e) + 2*I(p^2) = 0"))
one <- function(h, V) unname(h[2, "F"])
tests <- function(fit, V) sapply(names(hypotheses), function(k) one(linearHypothesis(fit, hypotheses[[k]], vcov. = V)))
out <- function(name, call, result) write_json(list(name = name, call = call, data_file = "data/hs1939.csv",
  versions = list(R = as.character(getRversion()), sandwich = as.character(packageVersion("sandwich")), car = as.character(packageVersion("car"))),
  result = result), file.path("tests/golden", paste0(name, ".json")), digits = I(15), auto_unbox = TRUE, pretty = TRUE)
press <- function(fit) 1 - sum((resid(fit) / (1 - hatvalues(fit)))^2) / sum((d$z - mean(d$z))^2)

full <- lm(z ~ p + e + I(p^2) + I(p * e) + I(e^2), d); lin <- lm(z ~ p + e, d)
d$below <- as.numeric(d$p < d$e)
abso <- lm(z ~ p + e + below + I(below * p) + I(below * e), d)
h_abs <- c("p + e = 0", "I(below * p) + I(below * e) = 0", "below = 0", "I(below * p) + 2*p = 0")
forms <- list(perception = lm(z ~ p, d), expectation = lm(z ~ e, d), difference = lm(z ~ I(p - e), d),
  absolute_difference = lm(z ~ I(abs(p - e)), d), squared_difference = lm(z ~ I((p - e)^2), d), linear = lin, quadratic = full)
hc <- vcovHC(full, "HC3")
out("response_surface", "lm(z ~ p + e + I(p^2) + I(p * e) + I(e^2)); sandwich::vcovHC(HC3); car::linearHypothesis; car::deltaMethod",
  list(midpoint = midpoint, b = unname(coef(full)), classical_se = unname(sqrt(diag(vcov(full)))), hc3_se = unname(sqrt(diag(hc))), df = full$df.residual,
       classical = surface(full, vcov(full)), hc3 = surface(full, hc),
       f_classical = as.list(tests(full, vcov(full))), f_hc3 = as.list(tests(full, hc)),
       linear_difference = list(classical = one(linearHypothesis(lin, "p + e = 0")), hc3 = one(linearHypothesis(lin, "p + e = 0", vcov. = vcovHC(lin, "HC3")))),
       absolute_difference = list(classical = one(linearHypothesis(abso, h_abs)), hc3 = one(linearHypothesis(abso, h_abs, vcov. = vcovHC(abso, "HC3"))), df = abso$df.residual),
       models = names(forms), r2 = unname(sapply(forms, function(f) summary(f)$r.squared)), adj_r2 = unname(sapply(forms, function(f) summary(f)$adj.r.squared)),
       press = unname(sapply(forms, press))))
full_w <- lm(z ~ p + e + I(p^2) + I(p * e) + I(e^2), d, weights = w); hcw <- vcovHC(full_w, "HC3"); lin_w <- lm(z ~ p + e, d, weights = w)
out("response_surface_weighted", "lm(z ~ p + e + I(p^2) + I(p * e) + I(e^2), weights = rep(c(1, 2, .5))); sandwich::vcovHC(HC3); car::linearHypothesis; car::deltaMethod",
  list(midpoint = midpoint, b = unname(coef(full_w)), hc3_se = unname(sqrt(diag(hcw))), hc3 = surface(full_w, hcw), f_hc3 = as.list(tests(full_w, hcw)),
       linear_difference = one(linearHypothesis(lin_w, "p + e = 0", vcov. = vcovHC(lin_w, "HC3"))),
       r2_quadratic = summary(full_w)$r.squared, r2_linear = summary(lin_w)$r.squared))
