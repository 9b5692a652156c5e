/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "node/doctor.h"

/* Privileges the daemon may have: the verdict needs none, the census of sessions needs PROCESS. */
static bool is_harmless(const char *name, size_t length, bool everywhere) {
	return (length == 5 && strncmp(name, "USAGE", 5) == 0) ||
	       (everywhere && length == 7 && strncmp(name, "PROCESS", 7) == 0);
}

static void add_name(struct text *out, const char *name, size_t length) {
	if (out->length > 0)
		text_append(out, ", ");
	text_append_bytes(out, name, length);
}

/* The length of the next privilege: to a comma that is not within a list of columns. */
static size_t privilege_length(const char *name, const char *end) {
	const char *c = name;
	int depth = 0;

	for (; c < end && (*c != ',' || depth > 0); c++)
		depth += (*c == '(') - (*c == ')');
	return (size_t)(c - name);
}

static void add_privileges(struct text *out, const char *name, const char *end, const char *object,
			   size_t object_length) {
	bool everywhere = object_length == 3 && strncmp(object, "*.*", 3) == 0;

	while (name < end) {
		size_t length = privilege_length(name, end);

		if (!is_harmless(name, length, everywhere)) {
			add_name(out, name, length);
			if (!everywhere) {
				text_append(out, " on ");
				text_append_bytes(out, object, object_length);
			}
		}
		name += length;
		name += strspn(name, ", ");
	}
}

/* GRANT privileges ON object TO account ..., or GRANT role TO account */
void grants_excess(const char *row, struct text *out) {
	const char *to = strstr(row, " TO ");
	const char *on = strstr(row, " ON ");

	if (strncmp(row, "GRANT ", 6) != 0 || !to)
		return;
	row += 6;
	if (on && on < to) {
		add_privileges(out, row, on, on + 4, (size_t)(to - on - 4));
	} else {
		add_name(out, "role ", 5);
		text_append_bytes(out, row, (size_t)(to - row));
	}
	if (strstr(to, " WITH GRANT OPTION"))
		add_name(out, "GRANT OPTION", 12);
}
