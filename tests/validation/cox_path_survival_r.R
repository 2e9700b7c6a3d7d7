# Gold curves of Cox models whose coefficients are given, as along a penalised path, from R's survival package.
# The cohort is that of cox_kernels_r.json (gbsg, time in months).
# Run: Rscript tests/validation/cox_path_survival_r.R > tests/validation/cox_path_survival_r.json
suppressMessages({library(survival); library(jsonlite)})

g <- gbsg
g$month <- ceiling(g$rfstime / 30.4375)
g$w <- 0.5 + (seq_len(nrow(g)) %% 4) * 0.75
g$entry <- pmax(0, g$month - 1 - (seq_len(nrow(g)) %% 24))
g$big <- g$size > 25
columns <- c("age", "meno", "size", "grade", "nodes", "pgr", "er", "hormon")
coef <- list(none = rep(0, 8), few = c(0, 0, 0, 0.2, 0.04, 0, 0, 0),
             all = c(-0.009, 0.25, 0.008, 0.28, 0.05, -0.002, 0.0002, -0.34))
patients <- c(1, 100, 333, 686)
times <- c(0.5, 6, 12, 24, 48, 72)

curves <- list()
for (ties in c("breslow", "efron")) for (strata in c(FALSE, TRUE)) for (weighted in c(FALSE, TRUE))
  for (late in c(FALSE, TRUE)) for (which in names(coef)) {
    left <- if (late) "Surv(entry, month, status)" else "Surv(month, status)"
    # meno cannot be column and stratum at once, so strata are of size
    right <- paste(c(columns, if (strata) "strata(big)"), collapse = " + ")
    fit <- coxph(as.formula(paste(left, "~", right)), data = g, weights = if (weighted) g$w else rep(1, nrow(g)), ties = ties,
                 init = coef[[which]], control = coxph.control(iter.max = 0), robust = FALSE)
    survival <- lapply(patients, function(i) summary(survfit(fit, newdata = g[i, ]), times = times, extend = TRUE)$surv)
    curves[[length(curves) + 1]] <- list(ties = ties, strata = strata, weight = weighted, entry = late, coef = coef[[which]],
                                         survival = do.call(rbind, survival))
  }
cat(toJSON(list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
  columns = columns, rows = patients - 1, times = times, curves = curves
), auto_unbox = TRUE, digits = NA), "\n")
