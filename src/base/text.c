/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

void text_init(struct text *text, char *storage, size_t size) {
	*text = (struct text){.bytes = storage, .size = size};
	storage[0] = '\0';
}

void text_append_bytes(struct text *text, const char *bytes, size_t length) {
	size_t room = text->size - text->length - 1;

	if (length > room) {
		length = room;
		text->truncated = true;
	}
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	text->bytes[text->length] = '\0';
}

void text_append(struct text *text, const char *string) {
	text_append_bytes(text, string, strlen(string));
}

void text_vformat(struct text *text, const char *format, va_list args) {
	size_t room = text->size - text->length;
	int wanted = vsnprintf(text->bytes + text->length, room, format, args);

	if (wanted < 0) {
		text->bytes[text->length] = '\0';
		text->truncated = true;
	} else if ((size_t)wanted >= room) {
		text->length = text->size - 1;
		text->truncated = true;
	} else {
		text->length += (size_t)wanted;
	}
}

void text_format(struct text *text, const char *format, ...) {
	va_list args;

	va_start(args, format);
	text_vformat(text, format, args);
	va_end(args);
}

void text_append_duration(struct text *text, int64_t nanoseconds) {
	int64_t ms = nanoseconds / NSEC_PER_MSEC;
	int64_t s = ms / 1000;

	if (s < 1)
		text_format(text, "%" PRId64 " ms", ms);
	else if (s < 60)
		text_format(text, "%" PRId64 ".%" PRId64 " s", s, ms % 1000 / 100);
	else if (s < 3600)
		text_format(text, "%" PRId64 " min %02" PRId64 " s", s / 60, s % 60);
	else if (s < 86400)
		text_format(text, "%" PRId64 " h %02" PRId64 " min", s / 3600, s % 3600 / 60);
	else
		text_format(text, "%" PRId64 " d %" PRId64 " h", s / 86400, s % 86400 / 3600);
}

static bool is_continuation(char byte) {
	return ((unsigned char)byte & 0xc0) == 0x80;
}

void text_mark_cut(struct text *text) {
	static const char mark[] = "…";

	if (!text->truncated || text->size < 2 * sizeof(mark))
		return;
	text->length = text->size - sizeof(mark);
	/* Not within a character of several bytes. */
	while (text->length > 0 && is_continuation(text->bytes[text->length]))
		text->length--;
	text_append(text, mark);
}

void text_flatten(struct text *text) {
	for (size_t i = 0; i < text->length; i++)
		if ((unsigned char)text->bytes[i] < 0x20 || text->bytes[i] == 0x7f)
			text->bytes[i] = '?';
}

bool text_copy(char *target, size_t size, const char *source) {
	size_t length = strlen(source);
	bool fits = length < size;

	if (!fits)
		length = size - 1;
	memcpy(target, source, length);
	target[length] = '\0';
	return fits;
}
