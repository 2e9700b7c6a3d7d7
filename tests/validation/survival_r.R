# Gold numbers from R's survival package for tests/validation/test_survival_r.py.
# Run in this folder: Rscript survival_r.R   (writes survival_r.json; needs nothing beyond r-cran-survival)
library(survival)

json <- function(x) {
  if (is.list(x)) {
    parts <- vapply(x, json, "")
    if (is.null(names(x))) paste0("[", paste(parts, collapse = ",\n"), "]")
    else paste0("{", paste0('"', names(x), '": ', parts, collapse = ",\n"), "}")
  } else {
    parts <- if (is.character(x)) paste0('"', x, '"') else ifelse(is.finite(x), sprintf("%.17g", x), "null")
    paste0("[", paste(parts, collapse = ", "), "]")
  }
}

control <- coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50)

# Recurrence-free survival. In Rotterdam the 43 patients without recurrence who died after the end of their
# follow-up for recurrence are censored at that end.
rotterdam_rfs <- with(rotterdam, data.frame(
  time = rtime, event = as.integer(recur == 1 | (death == 1 & dtime <= rtime)), age = age, meno = meno,
  size_20_50 = as.integer(size == "20-50"), size_over_50 = as.integer(size == ">50"),
  grade_3 = as.integer(grade == 3), nodes = nodes, pgr = pgr, er = er, hormon = hormon, chemo = chemo,
  grade = grade))
gbsg_rfs <- with(gbsg, data.frame(
  time = rfstime, event = status, age = age, meno = meno, size = size, grade_2 = as.integer(grade == 2),
  grade_3 = as.integer(grade == 3), nodes = nodes, pgr = pgr, er = er, hormon = hormon, grade = grade))

with_extras <- function(d) {
  i <- seq_len(nrow(d))
  d$integer <- 1 + i %% 3
  d$fractional <- 0.5 + (7 * i) %% 11 / 10
  d$none <- 1
  d$entry <- floor(d$time * ((37 * i) %% 100) / 150)
  d
}
cohorts <- list(rotterdam = with_extras(rotterdam_rfs), gbsg = with_extras(gbsg_rfs))
not_covariates <- c("time", "event", "grade", "integer", "fractional", "none", "entry")
covariates <- function(d) setdiff(names(d), not_covariates)
moments <- c(180, 365, 730, 1460, 2190)
response <- function(late) if (late) "Surv(entry, time, event)" else "Surv(time, event)"

cox <- function(cohort, ties, strata, weights, late) {
  d <- cohorts[[cohort]]
  terms <- covariates(d)
  if (strata == "grade") terms <- terms[!startsWith(terms, "grade")]
  if (strata == "hormon") terms <- setdiff(terms, "hormon")
  right <- paste(terms, collapse = " + ")
  if (strata != "none") right <- paste0(right, " + strata(", strata, ")")
  d$w <- d[[weights]]
  fit <- coxph(as.formula(paste(response(late), "~", right)), data = d, weights = w, ties = ties, robust = FALSE,
               control = control)
  patient <- as.data.frame(lapply(d[terms], median))
  curve <- summary(survfit(fit, newdata = patient, se.fit = FALSE), times = moments, extend = TRUE)
  list(cohort = cohort, ties = ties, strata = strata, weights = weights, late = as.integer(late), terms = terms,
       coef = unname(coef(fit)), standard_error = sqrt(diag(vcov(fit))), log_likelihood = fit$loglik,
       patient = unlist(patient, use.names = FALSE),
       stratum = if (is.null(curve$strata)) "all" else levels(curve$strata), cumulative_hazard = curve$cumhaz)
}

ridge_cox <- function(cohort, ties, theta) {
  d <- cohorts[[cohort]]
  terms <- covariates(d)
  inner <- paste(terms, collapse = ", ")
  fit <- coxph(as.formula(paste0("Surv(time, event) ~ ridge(", inner, ", theta = ", theta, ", scale = FALSE)")),
               data = d, ties = ties, control = control)
  list(cohort = cohort, ties = ties, theta = theta, terms = terms, coef = unname(coef(fit)),
       standard_error = sqrt(diag(fit$var)), log_likelihood = fit$loglik, degrees_of_freedom = sum(fit$df))
}

some <- function(n) unique(round(seq(1, n, length.out = 25)))

curve <- function(cohort, weights, late, interval) {
  d <- cohorts[[cohort]]
  d$w <- d[[weights]]
  fit <- survfit(as.formula(paste(response(late), "~ 1")), data = d, weights = w, conf.type = interval,
                 robust = FALSE)
  k <- some(length(fit$time))
  median <- quantile(fit, 0.5)
  list(cohort = cohort, weights = weights, late = as.integer(late), interval = interval, time = fit$time[k],
       at_risk = fit$n.risk[k], events = fit$n.event[k], censored = fit$n.censor[k], survival = fit$surv[k],
       standard_error = (fit$surv * fit$std.err)[k], lower = fit$lower[k], upper = fit$upper[k],
       cumulative_hazard = fit$cumhaz[k], cumulative_hazard_error = fit$std.chaz[k],
       median = c(median$quantile, median$lower, median$upper))
}

difference <- function(cohort, group, strata) {
  d <- cohorts[[cohort]]
  right <- if (strata == "none") group else paste0(group, " + strata(", strata, ")")
  fit <- survdiff(as.formula(paste("Surv(time, event) ~", right)), data = d)
  total <- function(x) if (is.matrix(x)) rowSums(x) else as.numeric(x)
  list(cohort = cohort, group = group, strata = strata, observed = total(fit$obs), expected = total(fit$exp),
       statistic = fit$chisq, degrees_of_freedom = length(total(fit$obs)) - 1,
       p_value = pchisq(fit$chisq, length(total(fit$obs)) - 1, lower.tail = FALSE))
}

each <- function(f, ...) {
  grid <- expand.grid(..., stringsAsFactors = FALSE)
  lapply(seq_len(nrow(grid)), function(i) do.call(f, as.list(grid[i, , drop = FALSE])))
}
names_of <- names(cohorts)
gold <- list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
  moments = moments,
  cox = each(cox, cohort = names_of, ties = c("efron", "breslow"), strata = c("none", "grade", "hormon"),
             weights = c("none", "integer", "fractional"), late = c(FALSE, TRUE)),
  ridge = each(ridge_cox, cohort = names_of, ties = c("efron", "breslow"), theta = c(1, 100)),
  curves = each(curve, cohort = names_of, weights = c("none", "integer", "fractional"), late = c(FALSE, TRUE),
                interval = c("log", "log-log", "plain")),
  log_rank = each(difference, cohort = names_of, group = c("grade", "hormon", "meno"),
                  strata = "none")
)
gold$log_rank <- c(gold$log_rank, each(difference, cohort = names_of, group = c("grade", "hormon"), strata = "meno"))
writeLines(json(gold), "survival_r.json")
