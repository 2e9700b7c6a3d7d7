# Time R's Cox fit on a binary file of doubles (time, event, ten columns) by coxph(), as users call it, or by its bare
# inner fit. Prints one line of JSON.
suppressPackageStartupMessages(library(survival))
args <- commandArgs(trailingOnly = TRUE)
n <- as.integer(args[2])
repeats <- as.integer(args[3])
values <- matrix(readBin(args[1], "double", n * 12), nrow = n)
y <- Surv(values[, 1], values[, 2])
x <- values[, 3:12]
bare <- function() coxph.fit(x, y, strata = NULL, control = coxph.control(), method = "efron",
                             rownames = NULL, init = NULL, weights = NULL, offset = NULL)
full <- function() coxph(y ~ x, ties = "efron")
fit <- if (args[4] == "R coxph") full else bare
seconds <- system.time(found <- fit())["elapsed"]
if (seconds < 10) seconds <- replicate(repeats, system.time(fit())["elapsed"])
cat(sprintf('{"version": "%s", "best_s": %.4f, "median_s": %.4f, "repeats": %d, "result": %.10f}\n',
            packageVersion("survival"), min(seconds), median(seconds), length(seconds),
            sum(abs(found$coefficients))))
