# Gold numbers for pooled measures of prediction from R's metafor package: C-indices and AUCs as log odds, O/E and hazard
# ratios as logarithms, calibration slopes as they are; REML, Hartung-Knapp never below the normal error (test = "adhoc"),
# Riley's prediction interval, and each site left out in turn. The numbers that go in are invented.
# Run: Rscript tests/validation/pooled_performance_r.R > tests/validation/pooled_performance_r.json
suppressMessages({library(metafor); library(jsonlite)})

given <- list(
  harrell_c = list(scale = "logit", estimate = c(.68, .71, .64, .70, .58), error = c(.012, .021, .018, .03, .025)),
  uno_c = list(scale = "logit", estimate = c(.661, .662, .6605, .6612, .6617), error = c(.02, .03, .025, .04, .02)),
  time_dependent_auc = list(scale = "logit", estimate = c(.74, .69, .81, .77), error = c(.02, .03, .02, .04)),
  calibration_slope = list(scale = "identity", estimate = c(.92, 1.11, .71, .85, 1.3), error = c(.09, .14, .11, .2, .15)),
  observed_expected = list(scale = "log", estimate = c(1.2, .9, 1.5), error = c(.1, .12, .2))
)
forward <- function(x) switch(x$scale,
  logit = list(y = qlogis(x$estimate), s = x$error / (x$estimate * (1 - x$estimate))),
  log = list(y = log(x$estimate), s = x$error / x$estimate), identity = list(y = x$estimate, s = x$error))
back <- function(y, scale) switch(scale, logit = plogis(y), log = exp(y), identity = y)
one <- function(y, s, scale) {
  fit <- rma(y, sei = s, method = "REML", test = "adhoc", control = list(threshold = 1e-13, maxiter = 5000, tol = 1e-13))
  ahead <- if (length(y) > 2) predict(fit, pi.type = "riley") else list(pi.lb = NA, pi.ub = NA)
  list(estimate = back(unname(fit$b[1, 1]), scale), lower = back(fit$ci.lb, scale), upper = back(fit$ci.ub, scale),
       prediction_lower = back(ahead$pi.lb, scale), prediction_upper = back(ahead$pi.ub, scale),
       tau2 = fit$tau2, i2 = fit$I2 / 100, q_p_value = fit$QEp, weights = unname(weights(fit)) / 100)
}
found <- lapply(given, function(x) {
  t <- forward(x)
  left <- if (length(t$y) > 3) lapply(seq_along(t$y), function(i) one(t$y[-i], t$s[-i], x$scale)) else list()
  list(given = x, pooled = one(t$y, t$s, x$scale), left_out = left)
})
cat(toJSON(list(
  versions = list(R = R.version.string, metafor = as.character(packageVersion("metafor"))), found = found
), auto_unbox = TRUE, digits = NA, pretty = TRUE), "\n")
