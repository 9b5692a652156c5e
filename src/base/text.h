/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded text buffer over storage the caller owns. Appending past the end keeps what fits, keeps
 * the terminating NUL and sets `truncated`; nothing is ever allocated.
 */
#ifndef CLUSTERCHECKD_BASE_TEXT_H
#define CLUSTERCHECKD_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *bytes;
	size_t length;
	size_t size;
	bool truncated;
};

/* `size` counts the NUL and must be at least 1. */
void text_init(struct text *text, char *storage, size_t size);

void text_append(struct text *text, const char *string);
void text_append_bytes(struct text *text, const char *bytes, size_t length);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vformat(struct text *text, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* A duration as people read it: "750 ms", "12.3 s", "4 min 05 s", "3 h 20 min", "2 d 4 h". */
void text_append_duration(struct text *text, int64_t nanoseconds);

/* Puts "…" at the end of a text that was cut, in the place of what does not leave room for it. */
void text_mark_cut(struct text *text);

/* Puts "?" in the place of control characters, line ends too: for text that others wrote. */
void text_flatten(struct text *text);

/* Copies a string into an array; false when it had to be cut. */
bool text_copy(char *target, size_t size, const char *source);

#endif
