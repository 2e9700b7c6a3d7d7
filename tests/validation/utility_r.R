# Net benefit and smooth calibration by R's survival, for tests/survival/test_decision_curve.py and
# tests/survival/test_calibration_smooth.py. Run: Rscript utility_r.R  (R 4.x, survival 3.5-3)
library(survival)
k <- 1:60
d <- data.frame(time = (k * 37) %% 41 + 1, event = (k * 11) %% 7 > 2, risk = ((k * 29) %% 61) / 61)

for (q in c(0.2, 0.4, 0.6)) {
  treated <- d[d$risk >= q, ]
  free <- summary(survfit(Surv(time, event) ~ 1, treated), times = 20)$surv
  cat(sprintf("net benefit at %g: %.12f\n", q, nrow(treated) / 60 * ((1 - free) - free * q / (1 - q))))
}

# restricted cubic spline on the complementary log-log of the risk, knots at Harrell's quantiles
x <- log(-log(1 - d$risk))
for (places in list(c(.1, .5, .9), c(.05, .35, .65, .95))) {
  t <- quantile(x, places)
  m <- length(t)
  cube <- function(v) pmax(v, 0)^3
  basis <- sapply(1:(m - 2), function(j)
    cube(x - t[j]) - cube(x - t[m - 1]) * (t[m] - t[j]) / (t[m] - t[m - 1]) +
      cube(x - t[m]) * (t[m - 1] - t[j]) / (t[m] - t[m - 1]))
  design <- data.frame(x, basis)
  fit <- coxph(Surv(d$time, d$event) ~ ., data = design, control = coxph.control(eps = 1e-11, toler.chol = 1e-12, iter.max = 50))
  observed <- 1 - as.vector(summary(survfit(fit, newdata = design), times = 20)$surv)
  distance <- abs(observed - d$risk)
  cat(sprintf("%d knots: %.10f %.10f %.10f\n", m, mean(distance), quantile(distance, .5), quantile(distance, .9)))
}
