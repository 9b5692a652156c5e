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

/*
 * The length in bytes of the character of UTF-8 that a string begins with; 0 for its end and for
 * what must not be shown where others wrote it: control characters, which may steer a terminal
 * (those of two bytes as well), and bytes that are no UTF-8.
 */
size_t text_shown(const char *string);

/* True for one line without anything that must not be shown. */
bool text_is_shown(const char *string);

/* Puts `stand_in` for each byte from `start` on that is not to be shown, line ends too. */
void text_flatten(struct text *text, size_t start, char stand_in);

/* Copies a string into an array; false when it had to be cut. */
bool text_copy(char *target, size_t size, const char *source);

#endif
