# Logistic and Cox models of every autosomal variant of plink/toy, by R: Rscript tests/validation/genotype_scans_r.R
library(survival)
folder <- "tests/validation/plink"
people <- read.delim(file.path(folder, "people.tsv"), check.names = FALSE)
bim <- read.table(file.path(folder, "toy.bim"), colClasses = "character")
n <- nrow(people); width <- ceiling(n / 4)
bytes <- as.integer(readBin(file.path(folder, "toy.bed"), "raw", 3 + nrow(bim) * width))[-(1:3)]
dosage_of <- function(j) {
  row <- bytes[((j - 1) * width + 1):(j * width)]
  codes <- as.vector(rbind(row %% 4, row %/% 4 %% 4, row %/% 16 %% 4, row %/% 64))[1:n]
  c(2, NA, 1, 0)[codes + 1]
}
rows <- which(bim$V1 %in% c("1", "2"))
found <- t(sapply(rows, function(j) {
  people$dosage <- dosage_of(j)
  values <- people$dosage[!is.na(people$dosage)]
  if (length(unique(values)) < 2) return(rep(NA, 6))
  logit <- suppressWarnings(glm(disease ~ dosage + age + site, binomial, people, control = list(epsilon = 1e-14, maxit = 100)))
  cox <- suppressWarnings(coxph(Surv(time, event) ~ dosage + age + site, people, control = coxph.control(eps = 1e-12, iter.max = 100)))
  imputed <- people[!is.na(people$height), ]
  imputed$dosage[is.na(imputed$dosage)] <- mean(imputed$dosage, na.rm = TRUE)
  mean_lm <- summary(lm(height ~ dosage + age + site, imputed))$coefficients["dosage", ]
  c(summary(logit)$coefficients["dosage", 1:2], coef(cox)["dosage"], sqrt(vcov(cox)["dosage", "dosage"]), mean_lm[1:2])
}))
table <- data.frame(variant_id = bim$V2[rows], signif(found, 12))
names(table)[-1] <- c("logistic", "logistic_error", "cox", "cox_error", "imputed", "imputed_error")
write.csv(table, file.path(folder, "r_scans.csv"), row.names = FALSE, quote = FALSE)
cat(R.version.string, "survival", as.character(packageVersion("survival")), "\n", file = file.path(folder, "r_versions.txt"))
