# Gold numbers for meta-analysis from R's metafor package, on the 13 BCG vaccine trials of Colditz et al. (1994).
# Run: Rscript tests/validation/meta_analysis_r.R > tests/validation/meta_analysis_r.json
suppressMessages({library(metafor); library(jsonlite)})

trials <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
fits <- list()
for (method in c("REML", "PM", "DL", "FE")) for (test in c("z", "knha")) {
  if (method == "FE" && test == "knha") next
  for (rows in list(1:13, 1:3, c(4, 6))) {
    fit <- rma(yi, vi, data = trials[rows, ], method = method, test = test, control = list(threshold = 1e-12, maxiter = 1000, tol = 1e-12))
    fits[[length(fits) + 1]] <- list(
      method = method, test = test, rows = rows - 1, estimate = unname(fit$b[1, 1]), standard_error = fit$se,
      lower = fit$ci.lb, upper = fit$ci.ub, tau2 = fit$tau2, i2 = fit$I2, q = fit$QE, q_p_value = fit$QEp,
      weights = unname(weights(fit))
    )
  }
}
cat(toJSON(list(
  versions = list(R = R.version.string, metafor = as.character(packageVersion("metafor"))),
  log_risk_ratio = as.numeric(trials$yi), variance = as.numeric(trials$vi), fits = fits
), auto_unbox = TRUE, digits = NA, pretty = TRUE), "\n")
