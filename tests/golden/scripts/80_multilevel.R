# Golden values for multilevel models: lme4 and lmerTest on visits to branches, made here with a fixed seed.
# From the project's root: Rscript tests/golden/scripts/80_multilevel.R
# Debian packages: r-base-core r-cran-lme4 r-cran-lmertest r-cran-jsonlite
suppressMessages({library(lme4); library(jsonlite)})
versions <- c(list(R = as.character(getRversion())),
              sapply(c("lme4", "lmerTest"), function(p) as.character(packageVersion(p)), simplify = FALSE))
out <- function(name, call, result)
  write_json(list(name = name, data_file = "data/sim_visits.csv", call = call, versions = versions, result = result),
             file.path("tests/golden", paste0(name, ".json")), digits = I(15), auto_unbox = TRUE, pretty = TRUE, na = "null")

# 30 branches of 3 to 21 visits; `rater` crosses them; `flat` differs between branches less than by chance.
set.seed(6); G <- 30; size <- 3 + (7 * seq_len(G)) %% 19; branch <- rep(seq_len(G), size); n <- length(branch)
climate <- round(rnorm(G), 2)[branch]; staff <- round(rnorm(n) + 0.4 * rnorm(G)[branch], 2); wait <- round(rexp(n, 1 / 8), 1)
u <- cbind(rnorm(G, 0, .7), rnorm(G, 0, .35), rnorm(G, 0, .03)); u[, 2] <- u[, 2] - .2 * u[, 1]
rater <- sample(12, n, TRUE)
overall <- round(5 + u[branch, 1] + (.6 + u[branch, 2]) * staff - (.05 - u[branch, 3]) * wait + .3 * climate + rnorm(12, 0, .4)[rater] + rnorm(n, 0, .8), 3)
noise <- rnorm(n); flat <- round(noise - .97 * ave(noise, branch) + .4 * staff, 3)
visits <- data.frame(branch = sprintf("b%02d", branch), rater = sprintf("r%02d", rater), staff, wait, climate, overall, flat)
write.csv(visits, "tests/golden/data/sim_visits.csv", row.names = FALSE)

tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = .2, rhoend = 1e-9, maxfun = 1e5), check.conv.singular = "ignore", calc.derivs = FALSE)
fit <- function(f, reml) lmer(f, visits, REML = reml, control = tight)
intercepts <- function(f, reml) {
  m <- fit(f, reml); r <- ranef(m, condVar = TRUE)$branch; v <- as.data.frame(VarCorr(m))
  list(beta = unname(fixef(m)), cov_beta = as.matrix(vcov(m)), between = v$vcov[1], within = v$vcov[2], loglik = as.numeric(logLik(m)),
       effects = r[[1]], effects_sd = sqrt(attr(r, "postVar")[1, 1, ]), boundary = v$vcov[1] == 0)
}
out("multilevel_intercepts", "lme4::lmer(overall ~ staff + climate + (1 | branch)) and flat, REML and ML, bobyqa to 1e-9",
    list(overall_reml = intercepts(overall ~ staff + climate + (1 | branch), TRUE), overall_ml = intercepts(overall ~ staff + climate + (1 | branch), FALSE),
         flat_reml = intercepts(flat ~ staff + (1 | branch), TRUE), flat_ml = intercepts(flat ~ staff + (1 | branch), FALSE)))
