/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_broken(const char *condition, const char *file, int line) {
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

bool fuzz_is_line(const char *text) {
	return text[0] && !strchr(text, '\n');
}

char *fuzz_string(const uint8_t *data, size_t size) {
	char *string = strndup((const char *)data, size);

	require(string);
	return string;
}

size_t fuzz_lines(char *string, char **lines, size_t max) {
	size_t count = 0;

	while (count + 1 < max && string)
		lines[count++] = strsep(&string, "\n");
	lines[count] = NULL;
	return count;
}

int fuzz_file(const uint8_t *data, size_t size, char *path, size_t path_size) {
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, path_size, "/proc/self/fd/%d", fd);
	return fd;
}
