# lavaan's own stopping rules leave up to 6e-5 in estimates. The same models at a minimum: the same
# calls with BFGS run until nothing changes, and EM moments to 1e-12.
# Rscript tests/golden/scripts/70_latent_converged.R   (from the project's folder)
suppressMessages({library(lavaan); library(jsonlite)})
root <- "tests/golden"
names <- sub("[.]json$", "", list.files(root, "^(cfa|sem|mg)_.*[.]json$"))
names <- names[!grepl("lrt|bootstrap", names)]
tight <- ', optim.method="BFGS", control=list(reltol=1e-20, maxit=20000), em.h1.tol=1e-14, em.h1.iter.max=20000L)'
found <- list()
for (name in names) {
  stored <- fromJSON(file.path(root, paste0(name, ".json")), simplifyVector = FALSE)
  d <- read.csv(file.path(root, stored$data_file)); model <- stored$result$model
  f <- suppressWarnings(eval(parse(text = sub("[)]$", tight, stored$call))))
  p <- parameterEstimates(f, remove.nonfree = FALSE); s <- standardizedSolution(f)
  found[[name]] <- list(est = p$est, se = p$se, std = s$est.std, std_se = s$se, chisq = unname(fitMeasures(f, "chisq")),
    gradient = max(abs(lavInspect(f, "gradient"))), fit_measures = as.list(fitMeasures(f)))
  cat(name, lavInspect(f, "converged"), "\n")
}
write(toJSON(list(name = "latent_converged", dataset = "those of each model", call = paste("the stored call with", tight),
  versions = list(R = as.character(getRversion()), lavaan = as.character(packageVersion("lavaan"))), result = found),
  digits = 15, auto_unbox = TRUE, na = "null", null = "null"), file.path(root, "latent_converged.json"))
