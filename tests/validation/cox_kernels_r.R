# Gold numbers for the Cox loss (value and derivatives) and the scan from R's survival package.
# Run: Rscript tests/validation/cox_kernels_r.R > tests/validation/cox_kernels_r.json
suppressMessages({library(survival); library(jsonlite)})

g <- gbsg
g$month <- ceiling(g$rfstime / 30.4375)
g$w <- 0.5 + (seq_len(nrow(g)) %% 4) * 0.75
g$entry <- pmax(0, g$month - 1 - (seq_len(nrow(g)) %% 24))
g$eta <- 0.02 * g$nodes - 0.01 * g$age + 0.3 * g$grade
g$eta_wide <- (g$nodes - 10) * 8

# loss: minus the log partial likelihood at a given linear predictor; gradient: minus the martingale residuals
losses <- list()
for (ties in c("efron", "breslow")) for (strata in c(FALSE, TRUE)) for (weighted in c(FALSE, TRUE))
  for (late in c(FALSE, TRUE)) for (eta in c("eta", "eta_wide")) {
    if (late && eta == "eta_wide") next # coxph's sums overflow here (its loss is NaN): it is no gold
    y <- if (late) "Surv(entry, month, status)" else "Surv(month, status)"
    f <- as.formula(paste(y, "~ x", if (strata) "+ strata(meno)" else ""))
    d <- g
    d$x <- d[[eta]]
    fit <- coxph(f, data = d, weights = if (weighted) d$w else rep(1, nrow(d)), ties = ties, init = 1,
                 control = coxph.control(iter.max = 0), robust = FALSE)
    losses[[length(losses) + 1]] <- list(
      ties = ties, strata = strata, weight = weighted, entry = late, predictor = eta,
      loss = -fit$loglik[1], residuals = unname(residuals(fit, "martingale"))[c(1, 100, 333, 686)]
    )
  }

columns <- c("age", "meno", "size", "grade", "nodes", "pgr", "er", "hormon")
one <- function(x, ties, covariates, late = FALSE) {
  y <- if (late) "Surv(entry, month, status)" else "Surv(month, status)"
  d <- g
  d$x <- d[[x]]
  extra <- if (covariates) "+ z1 + z2 + strata(z3)" else ""
  d$z1 <- d$age^2 / 1000
  d$z2 <- d$size
  d$z3 <- d$grade
  fit <- coxph(as.formula(paste(y, "~ x", extra)), data = d, ties = ties,
               control = coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 60))
  null <- if (covariates) coxph(as.formula(paste(y, "~ z1 + z2 + strata(z3)")), data = d, ties = ties,
                                control = coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 60))$loglik[2] else fit$loglik[1]
  list(coef = unname(coef(fit)[1]), standard_error = sqrt(vcov(fit)[1, 1]), lr = 2 * (fit$loglik[2] - null),
       score = if (covariates) NULL else fit$score)
}
scan <- list()
for (ties in c("efron", "breslow")) {
  scan[[ties]] <- setNames(lapply(columns, one, ties = ties, covariates = FALSE), columns)
}
late <- list()
for (ties in c("efron", "breslow")) {
  late[[ties]] <- setNames(lapply(columns, one, ties = ties, covariates = FALSE, late = TRUE), columns)
}
late_adjusted <- setNames(lapply(c("nodes", "pgr", "er", "hormon"), one, ties = "efron", covariates = TRUE, late = TRUE),
                          c("nodes", "pgr", "er", "hormon"))
adjusted <- setNames(lapply(c("nodes", "pgr", "er", "hormon"), one, ties = "efron", covariates = TRUE),
                     c("nodes", "pgr", "er", "hormon"))

p <- c(0.001, 0.2, 0.03, 0.03, 0.9, 0.0004, 0.05)
cat(toJSON(list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
  data = g[, c("month", "status", "w", "entry", "eta", "eta_wide", columns)],
  losses = losses, scan = scan, adjusted = adjusted, late = late, late_adjusted = late_adjusted,
  p_values = list(p = p, bh = p.adjust(p, "BH"), holm = p.adjust(p, "holm"))
), auto_unbox = TRUE, digits = NA, dataframe = "columns"), "\n")
