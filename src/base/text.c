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

/* RFC 3629: a character's length by its first byte, and the least that its bits may come to. */
static size_t sequence_length(unsigned char first, uint32_t *least) {
	*least = first < 0xe0 ? 0x80 : first < 0xf0 ? 0x800 : 0x10000;
	if (first < 0xc0 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t text_shown(const char *string) {
	unsigned char first = (unsigned char)*string;
	uint32_t least, code;
	size_t length;

	if (first < 0x80)
		return first >= 0x20 && first != 0x7f;
	length = sequence_length(first, &least);
	code = first & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if (!is_continuation(string[i]))
			return 0;
		code = code << 6 | ((unsigned char)string[i] & 0x3f);
	}
	/* Neither longer than needed, nor C1, nor half of a surrogate pair. */
	if (code < least || code < 0xa0 || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff)
		return 0;
	return length;
}

bool text_is_shown(const char *string) {
	size_t shown;

	while ((shown = text_shown(string)) > 0)
		string += shown;
	return *string == '\0';
}

void text_flatten(struct text *text, size_t start, char stand_in) {
	for (size_t i = start; i < text->length;) {
		size_t shown = text_shown(text->bytes + i);

		if (shown == 0)
			text->bytes[i] = stand_in;
		i += shown ? shown : 1;
	}
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
