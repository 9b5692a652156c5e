/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/notification.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

#define GREETING "clustercheck notify 1\n"

#define FIELD(member)                                                     \
	.name = #member, .offset = offsetof(struct notification, member), \
	.size = sizeof(((struct notification *)0)->member)

static const struct {
	const char *name;
	size_t offset, size;
} fields[] = {
	{FIELD(status)},
	{FIELD(primary)},
	{FIELD(index)},
};

/* Galera writes "synced" (26.4 in MariaDB 10.11) or "Synced": both are stored in lower case. */
static bool set_field(struct notification *notification, size_t i, const char *value,
		      size_t length) {
	char *target = (char *)notification + fields[i].offset;

	if (length >= fields[i].size)
		return false;
	for (size_t at = 0; at < length; at++) {
		unsigned char byte = (unsigned char)value[at];
		bool is_letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';

		if (!is_letter && !(byte >= '0' && byte <= '9') && byte != '_' && byte != '-') {
			target[0] = '\0';
			return false;
		}
		target[at] = (char)(is_letter ? byte | 0x20 : byte);
	}
	target[length] = '\0';
	return true;
}

/* --- arguments ------------------------------------------------------------------------------ */

/* The value of "--name value" or "--name=value", or NULL; `taken` counts the words it took. */
static const char *value_of(const char *name, char *const *arguments, size_t *taken) {
	size_t length = strlen(name);

	*taken = 1;
	if (strncmp(arguments[0], name, length) != 0)
		return NULL;
	if (arguments[0][length] == '=')
		return arguments[0] + length + 1;
	if (arguments[0][length] != '\0' || !arguments[1] || strncmp(arguments[1], "--", 2) == 0)
		return NULL;
	*taken = 2;
	return arguments[1];
}

static size_t take_argument(struct notification *notification, char *const *arguments,
			    const char **socket) {
	const char *value;
	size_t taken = 1;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		char name[16] = "--";

		text_copy(name + 2, sizeof(name) - 2, fields[i].name);
		value = value_of(name, arguments, &taken);
		if (!value)
			continue;
		set_field(notification, i, value, strlen(value));
		return taken;
	}
	value = value_of("--socket", arguments, &taken);
	if (!value)
		value = value_of("-s", arguments, &taken);
	if (value)
		*socket = value;
	return taken;
}

void notification_take_arguments(struct notification *notification, char *const *arguments,
				 const char **socket) {
	*socket = NULL;
	memset(notification, 0, sizeof(*notification));
	while (*arguments)
		arguments += take_argument(notification, arguments, socket);
}

/* --- datagrams ------------------------------------------------------------------------------ */

void notification_write(const struct notification *notification, struct text *out) {
	text_append(out, GREETING);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		text_format(out, "%s=%s\n", fields[i].name,
			    (const char *)notification + fields[i].offset);
}

static bool parse_line(struct notification *notification, size_t i, const char *line,
		       size_t length) {
	size_t name = strlen(fields[i].name);

	return length > name && memcmp(line, fields[i].name, name) == 0 && line[name] == '=' &&
	       set_field(notification, i, line + name + 1, length - name - 1);
}

int notification_parse(struct notification *notification, const char *bytes, size_t length) {
	const char *at = bytes + strlen(GREETING), *end = bytes + length;

	memset(notification, 0, sizeof(*notification));
	if (length < strlen(GREETING) || memcmp(bytes, GREETING, strlen(GREETING)) != 0)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline || !parse_line(notification, i, at, (size_t)(newline - at)))
			return -EINVAL;
		at = newline + 1;
	}
	return at == end ? 0 : -EINVAL;
}
