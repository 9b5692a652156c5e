/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a renderer writes to a stream, as a string.
 */
#ifndef CLUSTERCHECKD_TESTS_PRINTED_H
#define CLUSTERCHECKD_TESTS_PRINTED_H

#include <stdio.h>

struct printed {
	FILE *stream;
	char *bytes;
	size_t size;
};

static inline FILE *printed_begin(struct printed *printed) {
	printed->stream = open_memstream(&printed->bytes, &printed->size);
	assert_non_null(printed->stream);
	return printed->stream;
}

/* The caller frees the string. */
static inline char *printed_finish(struct printed *printed) {
	fclose(printed->stream);
	return printed->bytes;
}

#endif
