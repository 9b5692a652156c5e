/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fuzzers share. Each file beside this one is a libFuzzer target for the parser it is
 * named after, and requires of every input what a user relies on, not only that nothing crashes.
 * scripts/fuzz runs them; corpus/NAME holds the inputs that NAME starts from.
 */
#ifndef CLUSTERCHECKD_TESTS_FUZZ_H
#define CLUSTERCHECKD_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(condition) ((condition) ? (void)0 : fuzz_broken(#condition, __FILE__, __LINE__))

_Noreturn void fuzz_broken(const char *condition, const char *file, int line);

/* A message for people: something is said, on one line. The log replaces other control characters.
 */
#define require_line(text) require(fuzz_is_line(text))
bool fuzz_is_line(const char *text);

/* The input as a string, up to its first NUL. The caller frees it. */
char *fuzz_string(const uint8_t *data, size_t size);

/* Cuts a string at its line ends; the words point into it, and a NULL follows the last. */
size_t fuzz_lines(char *string, char **lines, size_t max);

/* A file without a name that holds the input: its descriptor, and a path it can be opened by. */
int fuzz_file(const uint8_t *data, size_t size, char *path, size_t path_size);

#endif
