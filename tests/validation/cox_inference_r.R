# Gold numbers from R's survival package for tests/validation/test_cox_inference_r.py.
# Run in this folder: Rscript cox_inference_r.R   (writes cox_inference_r.json; needs nothing beyond r-cran-survival)
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

control <- coxph.control(eps = 1e-14, toler.chol = 1e-14, iter.max = 50)
with_extras <- function(d) {
  i <- seq_len(nrow(d))
  d$none <- 1
  d$fractional <- 0.5 + (7 * i) %% 11 / 10
  d$entry <- floor(d$time * ((37 * i) %% 100) / 150)
  d$clinic <- (13 * i) %% 40
  d$cause <- ifelse(d$event == 1, 1 + (i %% 3 == 0), 0)
  d$id <- i
  d
}
# Rotterdam's times in days have few ties, in months (30 days) many; GBSG has ties as it is.
cohorts <- list(
  rotterdam = with_extras(with(rotterdam, data.frame(
    time = ceiling(rtime / 30), event = as.integer(recur == 1 | (death == 1 & dtime <= rtime)), age = age,
    nodes = nodes, meno = meno, hormon = hormon, grade = grade))),
  gbsg = with_extras(with(gbsg, data.frame(
    time = rfstime, event = status, age = age, nodes = nodes, meno = meno, hormon = hormon, grade = grade))))
terms <- c("age", "nodes", "hormon")
response <- function(late) if (late) "Surv(entry, time, event)" else "Surv(time, event)"
some <- function(n) unique(round(seq(1, n, length.out = 15)))

cox <- function(cohort, ties, strata, weights, late) {
  d <- cohorts[[cohort]]
  d$w <- d[[weights]]
  right <- paste(terms, collapse = " + ")
  if (strata != "none") right <- paste0(right, " + strata(", strata, ")")
  form <- as.formula(paste(response(late), "~", right))
  fit <- coxph(form, data = d, weights = w, ties = ties, robust = FALSE, control = control)
  robust <- coxph(form, data = d, weights = w, ties = ties, robust = TRUE, id = id, control = control)
  clustered <- coxph(form, data = d, weights = w, ties = ties, cluster = clinic, control = control)
  k <- some(nrow(d))
  of <- function(kind) {
    r <- residuals(fit, type = kind)
    if (is.matrix(r)) list(rows = k, values = as.vector(t(r[k, ])), squares = colSums(r^2))
    else list(rows = k, values = unname(r[k]), squares = sum(r^2))
  }
  # Schoenfeld residuals come in R's order (stratum, time); sums do not depend on the order.
  raw <- residuals(fit, type = "schoenfeld")
  scaled <- residuals(fit, type = "scaledsch")
  list(cohort = cohort, ties = ties, strata = strata, weights = weights, late = as.integer(late),
       martingale = of("martingale"), deviance = of("deviance"), score = of("score"), dfbeta = of("dfbeta"),
       schoenfeld = list(sorted = as.vector(apply(raw, 2, sort)[some(nrow(raw)), ]), squares = colSums(raw^2)),
       scaled_schoenfeld = list(sorted = as.vector(apply(scaled, 2, sort)[some(nrow(scaled)), ]),
                                squares = colSums(scaled^2)),
       robust = as.vector(vcov(robust)), clustered = as.vector(vcov(clustered)),
       tests = lapply(c(km = "km", rank = "rank", identity = "identity", log = "log"), function(g) {
         as.vector(cox.zph(fit, transform = g)$table)
       }))
}

incidence <- function(cohort, weights, late) {
  d <- cohorts[[cohort]]
  d$w <- d[[weights]]
  d$state <- factor(d$cause)
  left <- if (late) "Surv(entry, time, state)" else "Surv(time, state)"
  curves <- lapply(c("log", "log-log", "plain"), function(interval) {
    survfit(as.formula(paste(left, "~ 1")), data = d, weights = w, id = id, conf.type = interval)
  })
  fit <- curves[[1]]
  k <- some(length(fit$time))
  limits <- lapply(curves, function(f) list(lower = as.vector(f$lower[k, -1]), upper = as.vector(f$upper[k, -1])))
  names(limits) <- c("log", "log-log", "plain")
  list(cohort = cohort, weights = weights, late = as.integer(late), time = fit$time[k],
       state = as.vector(fit$pstate[k, ]), standard_error = as.vector(fit$std.err[k, ]), limits = limits)
}

restricted <- function(cohort, weights, late, tau) {
  d <- cohorts[[cohort]]
  d$w <- d[[weights]]
  limit <- tau * max(d$time)
  fit <- survfit(as.formula(paste(response(late), "~ 1")), data = d, weights = w, robust = FALSE)
  found <- summary(fit, rmean = limit)$table
  list(cohort = cohort, weights = weights, late = as.integer(late), tau = limit,
       mean = c(found["rmean"], found["se(rmean)"]))
}

difference <- function(cohort, group, strata, rho) {
  d <- cohorts[[cohort]]
  right <- if (strata == "none") group else paste0(group, " + strata(", strata, ")")
  fit <- survdiff(as.formula(paste("Surv(time, event) ~", right)), data = d, rho = rho)
  total <- function(x) if (is.matrix(x)) rowSums(x) else as.numeric(x)
  list(cohort = cohort, group = group, strata = strata, rho = rho, observed = total(fit$obs),
       expected = total(fit$exp), variance = as.vector(fit$var), statistic = fit$chisq)
}

each <- function(f, ...) {
  grid <- expand.grid(..., stringsAsFactors = FALSE)
  lapply(seq_len(nrow(grid)), function(i) do.call(f, as.list(grid[i, , drop = FALSE])))
}
names_of <- names(cohorts)
gold <- list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
  cox = each(cox, cohort = names_of, ties = c("efron", "breslow"), strata = c("none", "grade"),
             weights = c("none", "fractional"), late = c(FALSE, TRUE)),
  incidence = each(incidence, cohort = names_of, weights = c("none", "fractional"), late = c(FALSE, TRUE)),
  restricted = each(restricted, cohort = names_of, weights = c("none", "fractional"), late = c(FALSE, TRUE),
                    tau = c(0.3, 0.77, 1)),
  log_rank = each(difference, cohort = names_of, group = c("grade", "hormon"), strata = c("none", "meno"),
                  rho = c(0.5, 1, 2)))
writeLines(json(gold), "cox_inference_r.json")
