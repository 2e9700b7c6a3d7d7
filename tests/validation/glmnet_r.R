# Gold numbers for penalised Cox paths from R's glmnet (Breslow ties).
# Run: Rscript tests/validation/glmnet_r.R > tests/validation/glmnet_r.json
suppressMessages({library(survival); library(glmnet); library(jsonlite)})
glmnet.control(fdev = 0, devmax = 1)

g <- gbsg
small <- list(
  x = as.matrix(g[, c("age", "meno", "size", "grade", "nodes", "pgr", "er", "hormon")]),
  time = ceiling(g$rfstime / 30.4375), event = g$status, weight = 0.5 + (seq_len(nrow(g)) %% 4) * 0.75)

r <- rotterdam[seq(1, nrow(rotterdam), by = 3), ]
middle <- list(
  x = cbind(age = r$age, meno = r$meno, small = (r$size == "<=20") * 1, large = (r$size == ">50") * 1, grade = r$grade,
            nodes = r$nodes, pgr = r$pgr, er = r$er, hormon = r$hormon, chemo = r$chemo),
  time = ceiling(r$rtime / 30.4375), event = r$recur, weight = rep(1, nrow(r)))

# a p > n set that needs no random numbers: columns are products of sines, correlated in blocks
n <- 60; p <- 150
i <- seq_len(n)
wide <- sapply(seq_len(p), function(j) sin(i * (1.3 + 0.37 * j)) + 0.7 * cos(i * (0.9 + 0.11 * (j %/% 5))))
signal <- wide[, 1] - wide[, 7] + 0.5 * wide[, 20]
long <- list(x = wide, time = ceiling(20 * exp(-signal) * (1.1 + sin(7.7 * i))), event = (i %% 4 != 0) * 1, weight = rep(1, n))

path <- function(data, cohort, alpha, weighted = FALSE, standardise = TRUE, factors = NULL, count = 40, exclude = NULL) {
  p <- ncol(data$x)
  fit <- glmnet(data$x, Surv(data$time, data$event), family = "cox", alpha = alpha, nlambda = count,
                weights = if (weighted) data$weight else rep(1, nrow(data$x)), standardize = standardise,
                penalty.factor = if (is.null(factors)) rep(1, p) else factors, thresh = 1e-12, maxit = 1e7)
  list(cohort = cohort, l1_ratio = alpha, weighted = weighted, standardise = standardise, factors = factors,
       lambdas = fit$lambda, coef = unname(t(as.matrix(fit$beta))), warned = fit$jerr)
}
paths <- list(
  path(small, "gbsg", 1), path(small, "gbsg", 0.5), path(small, "gbsg", 0, count = 20), path(small, "gbsg", 1, weighted = TRUE),
  path(small, "gbsg", 0.7, standardise = FALSE), path(small, "gbsg", 1, factors = c(1, 0, 2, 0.5, 1, 1, 3, 0)),
  path(middle, "rotterdam", 1), path(middle, "rotterdam", 0.3),
  path(long, "wide", 1, count = 30), path(long, "wide", 0.5, count = 30)
)
plain <- function(d) list(x = unname(d$x), time = d$time, event = d$event, weight = d$weight)
cat(toJSON(list(
  versions = list(R = R.version.string, glmnet = as.character(packageVersion("glmnet"))),
  data = list(gbsg = plain(small), rotterdam = plain(middle), wide = plain(long)), paths = paths
), auto_unbox = TRUE, digits = NA, null = "null"), "\n")
