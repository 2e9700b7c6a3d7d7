# Fit cv.glmnet on cohorts' folds: does what work.py does, with the same lines on stdin.
suppressPackageStartupMessages({library(glmnet); library(survival); library(jsonlite)})
share <- c("glmnet-net" = 0.5, "glmnet-ridge" = 0)

doubles <- function(path) readBin(path, "double", n = file.size(path) / 8, size = 8, endian = "little")

one_fold <- function(at, folder, facts, alpha) {
  values <- function(name) doubles(file.path(folder, paste0(at, ".", name)))
  columns <- facts$folds$columns[at + 1]
  train <- matrix(values("train"), ncol = columns)
  test <- matrix(values("test"), ncol = columns)
  y <- Surv(values("time"), values("event"))
  started <- proc.time()
  unconverged <- NULL
  tryCatch({
    model <- withCallingHandlers(
      cv.glmnet(train, y, family = "cox", alpha = alpha, foldid = values("inner") + 1),
      warning = function(said) {
        if (grepl("converge", conditionMessage(said))) unconverged <<- conditionMessage(said)
        invokeRestart("muffleWarning")
      })
    used <- sum((proc.time() - started)[1:2])
    risk <- as.numeric(predict(model, test, s = "lambda.min"))
    curves <- survfit(model, s = "lambda.min", x = train, y = y, newx = test)
    survival <- t(summary(curves, times = facts$times, extend = TRUE)$surv)
    list(seconds = used, risk = risk, survival = survival, unconverged = unconverged)
  }, error = function(raised) {
    list(failed = substr(conditionMessage(raised), 1, 300), seconds = sum((proc.time() - started)[1:2]))
  })
}

asked <- file("stdin", open = "r")
while (length(line <- readLines(asked, n = 1)) > 0) {
  name <- sub(" .*", "", line)
  folder <- sub("^[^ ]* ", "", line)
  facts <- fromJSON(file.path(folder, "folds.json"))
  found <- lapply(seq_len(nrow(facts$folds)) - 1, one_fold, folder = folder, facts = facts, alpha = share[[name]])
  staged <- file.path(folder, paste0(".", name, ".json"))
  writeLines(toJSON(found, digits = NA, auto_unbox = TRUE, null = "null", na = "null"), staged)
  invisible(file.rename(staged, file.path(folder, paste0(name, ".json"))))
  cat("done\n")
  flush(stdout())
}
