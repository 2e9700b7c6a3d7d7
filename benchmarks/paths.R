# Fit glmnet's Cox path: Rscript benchmarks/paths.R THRESH FOLDER REPEATS; data and results are raw doubles in FOLDER.
suppressMessages({library(survival); library(glmnet)})
glmnet.control(fdev = 0, devmax = 1)
arguments <- commandArgs(trailingOnly = TRUE)
thresh <- as.numeric(arguments[1])
folder <- arguments[2]
strict <- thresh < 1e-7
read <- function(name, n) readBin(file.path(folder, name), "double", n)
sizes <- read("sizes", 3)
n <- sizes[1]; p <- sizes[2]
x <- matrix(read("x", n * p), n, p)
y <- Surv(read("time", n), read("event", n))
lambda <- read("lambdas", sizes[3])
fold <- read("fold", n)
seconds <- c()
for (k in seq_len(if (strict) 1 else as.integer(arguments[3]))) {
  before <- proc.time()[["elapsed"]]
  fit <- glmnet(x, y, family = "cox", lambda = lambda, thresh = thresh, maxit = 1e7)
  seconds <- c(seconds, proc.time()[["elapsed"]] - before)
}
writeBin(as.vector(as.matrix(fit$beta)), file.path(folder, "coef"))
failed <- 0
for (k in if (strict) c() else sort(unique(fold))) {
  done <- tryCatch({
    part <- glmnet(x[fold != k, ], y[fold != k], family = "cox", lambda = lambda)
    length(part$lambda) == length(lambda) && part$jerr == 0
  }, error = function(e) FALSE)
  failed <- failed + !isTRUE(done)
}
status <- readLines("/proc/self/status")
peak <- as.numeric(gsub("[^0-9]", "", grep("VmHWM", status, value = TRUE))) / 1024
cat(sprintf('{"seconds": [%s], "failed_folds": %s, "lambdas_returned": %d, "peak_mib": %.0f, "version": "%s"}\n',
            paste(seconds, collapse = ", "), if (strict) "null" else failed, length(fit$lambda), peak, as.character(packageVersion("glmnet"))))
