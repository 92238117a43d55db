# Measurement invariance over groups and over two batteries answered by one sample, by lavaan.
# Usage, from tests/golden: GOLDEN_ROOT=. Rscript scripts/52_invariance.R  (writes ref/ and data/sim_batteries.csv)
source(file.path(Sys.getenv("GOLDEN_ROOT", ".."), "scripts/common.R"))
# ---- data of our own: 8 seven-point items of two dimensions, asked as expectation (e) and perception (p).
# Perceptions are lower and vary more; p3 is easier than the factor says, p6 measures less than e6.
set.seed(20261124); n <- 400
f <- MASS::mvrnorm(n, c(0, 0, -1, -.6), matrix(c(1, .5, .3, .2, .5, 1, .2, .3, .3, .2, 1.4, .8, .2, .3, .8, 1.3), 4))
lo <- c(.9, .8, .85, .7, .8, .9, .75, .7); u <- matrix(rnorm(n * 8, sd = .35), n)
item <- function(b, k) { l <- if (b == 2 && k == 6) .35 else lo[k]; x <- 5.2 + (b == 2 && k == 3) * .7 + l * f[, (b - 1) * 2 + (k > 4) + 1] + u[, k] + rnorm(n, sd = .55); pmin(7, pmax(1, round(x))) }
d <- as.data.frame(c(setNames(lapply(1:8, function(k) item(1, k)), paste0("e", 1:8)), setNames(lapply(1:8, function(k) item(2, k)), paste0("p", 1:8))))
d$branch <- rep(c("north", "south"), length.out = n)
write.csv(d, file.path(ddir, "sim_batteries.csv"), row.names = FALSE, quote = FALSE)
# ---- one sample, two batteries
terms <- function(items, mods) paste(paste0(mods, items), collapse = " + ")
ladder <- function(level, free_loadings = integer(), free_intercepts = integer()) {
  metric <- level != "configural"; scalar <- level %in% c("scalar", "strict"); strict <- level == "strict"; out <- character()
  for (b in c("e", "p")) for (g in 1:2) { k <- if (g == 1) 1:4 else 5:8; fac <- paste0(c("rel", "emp")[g], "_", b)
    mods <- ifelse(metric & !(k %in% free_loadings), paste0("l", k, "*"), "NA*"); mods[1] <- paste0("NA*", if (metric && !(k[1] %in% free_loadings)) paste0("l", k[1], "*", b, k[1], " + l", k[1], "*") else "")
    first <- if (metric && !(k[1] %in% free_loadings)) sprintf("NA*%s%d + l%d*%s%d", b, k[1], k[1], b, k[1]) else sprintf("NA*%s%d", b, k[1])
    rest <- ifelse(metric & !(k[-1] %in% free_loadings), paste0("l", k[-1], "*", b, k[-1]), paste0(b, k[-1]))
    out <- c(out, sprintf("%s =~ %s", fac, paste(c(first, rest), collapse = " + ")), sprintf("%s ~~ %s*%s", fac, if (metric && b == "p") "NA" else "1", fac), sprintf("%s ~ %s*1", fac, if (scalar && b == "p") "NA" else "0"))
    out <- c(out, sprintf("%s%d ~ %s1", b, k, ifelse(scalar & !(k %in% free_intercepts), paste0("i", k, "*"), "")), if (strict) sprintf("%s%d ~~ r%d*%s%d", b, k, k, b, k)) }
  paste(c(out, sprintf("e%d ~~ p%d", 1:8, 1:8)), collapse = "\n") }
levels <- c("configural", "metric", "scalar", "strict")
pe <- function(f) { p <- parameterEstimates(f, remove.nonfree = FALSE, ci = FALSE); as.data.frame(lapply(p, unclass)) }
score <- function(f) { s <- tryCatch(lavTestScore(f), error = function(e) NULL); if (is.null(s)) return(NULL); u <- as.data.frame(lapply(s$uni, unclass)); p <- parTable(f); at <- match(u$lhs, p$plabel)
  to <- match(u$rhs, p$plabel); list(lhs = p$lhs[at], op = p$op[at], rhs = p$rhs[at], other = p$lhs[to], other_rhs = p$rhs[to], X2 = u$X2, total = s$test$X2[1], df = s$test$df[1]) }
lrt <- function(fits) { x <- as.data.frame(lapply(do.call(lavTestLRT, c(list(fits[[1]]), unname(fits[-1]))), as.numeric)); x }
sb2010 <- function(fits) sapply(2:length(fits), function(k) { x <- lavTestLRT(fits[[k - 1]], fits[[k]], method = "satorra.bentler.2010"); x[["Chisq diff"]][2] })
keep <- function(fits) list(fit_measures = lapply(fits, function(f) nv(unclass(fitMeasures(f)))), difference = lrt(fits), score = lapply(fits[-1], score))
out <- list()
for (e in c("ML", "MLR")) { fits <- setNames(lapply(levels, function(l) lavaan::lavaan(ladder(l), data = d, estimator = e, meanstructure = TRUE, auto.var = TRUE, auto.cov.lv.x = TRUE, int.ov.free = TRUE)), levels)
  out[[paste0("batteries_", tolower(e))]] <- c(keep(fits), if (e == "MLR") list(difference_2010 = sb2010(fits))) }
part <- lavaan::lavaan(ladder("scalar", 6, c(6, 3)), data = d, meanstructure = TRUE, auto.var = TRUE, auto.cov.lv.x = TRUE, int.ov.free = TRUE)
out$batteries_partial_scalar <- list(fit_measures = nv(unclass(fitMeasures(part))), parameters = pe(part))
# ---- groups
HS <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
L <- "loadings"; I <- "intercepts"; R <- "residuals"; eq <- list(configural = "", metric = L, scalar = c(L, I), strict = c(L, I, R))
h <- rd("hs1939.csv")
for (e in c("ML", "MLR")) { fits <- lapply(eq, function(q) lavaan::cfa(HS, data = h, group = "school", group.equal = q, std.lv = TRUE, estimator = e)); out[[paste0("groups_", tolower(e))]] <- c(keep(fits), if (e == "MLR") list(difference_2010 = sb2010(fits))) }
p <- lavaan::cfa(HS, data = h, group = "school", group.equal = c(L, I), group.partial = c("x3~1", "x7~1"), std.lv = TRUE)
out$groups_partial_scalar <- list(fit_measures = nv(unclass(fitMeasures(p))), parameters = pe(p))
cat(names(out), "\n")
dump("invariance", "simulated (data/sim_batteries.csv) and HolzingerSwineford1939", "sim_batteries.csv", "lavaan::cfa, lavTestLRT, lavTestScore; models in scripts/52_invariance.R", out)
