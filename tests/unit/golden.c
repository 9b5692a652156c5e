/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static void write_file(const char *path, const char *text) {
	AUTO_FILE FILE *stream = fopen(path, "w");

	assert_non_null(stream);
	assert_true(fputs(text, stream) >= 0);
}

void golden_compare(const char *name, const char *text) {
	static char expected[128 * 1024];
	char path[512];
	FILE *stream;
	size_t length;

	snprintf(path, sizeof(path), "%s/%s", GOLDEN_DIRECTORY, name);
	if (getenv("UPDATE_GOLDEN"))
		write_file(path, text);
	stream = fopen(path, "r");
	assert_non_null(stream);
	length = fread(expected, 1, sizeof(expected) - 1, stream);
	expected[length] = '\0';
	fclose(stream);
	assert_string_equal(text, expected);
}
