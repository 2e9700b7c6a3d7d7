# Gold numbers for concordance, Uno's index and the Cox slope from R's survival package.
# Run: Rscript tests/validation/concordance_r.R > tests/validation/concordance_r.json
suppressMessages({library(survival); library(jsonlite)})

rfs <- function(d) {
  data.frame(time = ifelse(d$recur == 1, d$rtime, d$dtime), event = pmax(d$recur, d$death), age = d$age, nodes = d$nodes)
}
cohorts <- list(
  rotterdam = rfs(rotterdam),
  gbsg = data.frame(time = gbsg$rfstime, event = gbsg$status, age = gbsg$age, nodes = gbsg$nodes)
)

counted <- function(fit) list(index = unname(fit$concordance), standard_error = sqrt(fit$var), counts = unname(fit$count))

gold <- list()
for (name in names(cohorts)) {
  d <- cohorts[[name]]
  d$month <- ceiling(d$time / 30.4375)
  d$score <- d$nodes + d$age / 128
  d$w <- seq_len(nrow(d)) %% 4
  positive <- d[d$w > 0, ]
  run <- function(d, time, score, weights = rep(1, nrow(d)), ...) counted(concordancefit(
    Surv(d[[time]], d$event), d[[score]], weights = weights, reverse = TRUE, timefix = FALSE, ...
  ))
  slope <- coxph(Surv(month, event) ~ score, data = d, ties = "efron")
  weighted <- coxph(Surv(month, event) ~ score, data = positive, weights = w, ties = "efron", robust = FALSE)
  km <- summary(survfit(Surv(month, event) ~ 1, data = d), times = 60)
  gold[[name]] <- list(
    patients = nrow(d), events = sum(d$event),
    harrell = run(d, "time", "score"),
    harrell_months_nodes = run(d, "month", "nodes"),
    harrell_weighted = run(d, "month", "score", weights = d$w),
    uno = run(d, "time", "score", timewt = "n/G2", ymax = 1825),
    uno_months = run(d, "month", "score", timewt = "n/G2", ymax = 60),
    uno_weighted = run(positive, "month", "score", weights = positive$w, timewt = "n/G2", ymax = 60),
    slope = list(slope = unname(coef(slope)), standard_error = sqrt(vcov(slope)[1, 1])),
    slope_weighted = list(slope = unname(coef(weighted)), standard_error = sqrt(vcov(weighted)[1, 1])),
    survival_60 = list(survival = km$surv, standard_error = km$std.err)
  )
}
cat(toJSON(list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))), cohorts = gold
), auto_unbox = TRUE, digits = NA, pretty = TRUE), "\n")
