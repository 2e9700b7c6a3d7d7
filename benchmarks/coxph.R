# Time R's bare Cox fit on a binary file of doubles: time, event, then ten columns. Prints one line of JSON.
suppressPackageStartupMessages(library(survival))
args <- commandArgs(trailingOnly = TRUE)
n <- as.integer(args[2])
repeats <- as.integer(args[3])
values <- matrix(readBin(args[1], "double", n * 12), nrow = n)
y <- Surv(values[, 1], values[, 2])
x <- values[, 3:12]
fit <- function() coxph.fit(x, y, strata = NULL, control = coxph.control(), method = "efron",
                            rownames = NULL, init = NULL, weights = NULL, offset = NULL)
found <- fit()
seconds <- replicate(repeats, system.time(fit())["elapsed"])
cat(sprintf('{"version": "%s", "best_s": %.4f, "median_s": %.4f, "result": %.10f}\n',
            packageVersion("survival"), min(seconds), median(seconds), sum(abs(found$coefficients))))
