/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/ini_file.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <string.h>

/*
 * inih r55 as Debian 12 builds it: the rest of a line longer than its buffer of 200 is parsed as a
 * line of its own, an indented line repeats the previous key, " ;" cuts a value even inside quotes,
 * and section names are cut at 49 bytes. All of that is refused before inih sees the line.
 */
#define LINE_LONGEST 197
#define SECTION_LONGEST 49

struct reading {
	FILE *stream;
	const char *name;
	unsigned int line;
	ini_file_handler handler;
	void *context;
	struct text *error;
	bool failed;
};

static void fail(struct reading *reading, const char *message) {
	if (reading->failed)
		return;
	reading->failed = true;
	text_format(reading->error, "%s:%u: %s", reading->name, reading->line, message);
}

/* Hands a section or a pair to the caller; false after a failure, which is noted. */
static bool hand_over(struct reading *reading, const char *section, const char *key,
		      const char *value) {
	char storage[512];
	struct text message;

	text_init(&message, storage, sizeof(storage));
	if (reading->handler(reading->context, reading->line, section, key, value, &message) == 0)
		return true;
	fail(reading, storage);
	return false;
}

static const char *section_problem(const char *line) {
	const char *end = strchr(line, ']');

	if (!end)
		return "expected ] at the end of the section's name";
	if (end[1 + strspn(end + 1, " \t")] != '\0')
		return "expected nothing after the section's ]";
	if (end - line - 1 > SECTION_LONGEST)
		return "the section's name is too long: expected at most 49 bytes";
	return NULL;
}

static const char *key_problem(const char *line) {
	if (!strchr(line, '='))
		return "expected key=value";
	if (strcspn(line, "=") > strcspn(line, ":"))
		return "expected = and not : after the key";
	for (const char *c = line + 1; *c; c++)
		if ((*c == ';' || *c == '#') && isspace((unsigned char)c[-1]))
			return "a value ends where a blank and ; or # begin a comment: put the "
			       "comment on a line of its own, and a password like that into "
			       "password_file";
	return NULL;
}

static const char *line_problem(const char *line) {
	const char *start = line + strspn(line, " \t");

	if (*start == '\0' || *start == '#' || *start == ';')
		return NULL;
	if (start != line)
		return "expected the line to start without blanks";
	return *line == '[' ? section_problem(line) : key_problem(line);
}

static bool read_bounded(struct reading *reading, char *line, size_t size) {
	size_t length = 0;
	int c;

	while ((c = getc(reading->stream)) != EOF && c != '\n') {
		if (c == '\0' || length + 1 >= size || (length >= LINE_LONGEST && c != '\r')) {
			reading->line++;
			fail(reading, c == '\0'
					      ? "the line holds a NUL byte"
					      : "the line is too long: expected at most 197 bytes");
			return false;
		}
		line[length++] = (char)c;
	}
	if (c == EOF && length == 0)
		return false;
	reading->line++;
	if (length > 0 && line[length - 1] == '\r')
		length--;
	line[length] = '\0';
	return true;
}

/* inih tells of a section only with its first key; one without keys may be misspelt too. */
static void begin_section(struct reading *reading, const char *name) {
	char section[SECTION_LONGEST + 1];

	snprintf(section, sizeof(section), "%.*s", (int)strcspn(name, "]"), name);
	hand_over(reading, section, NULL, NULL);
}

/* Stands in for fgets(3) below inih. */
static char *next_line(char *line, int size, void *stream) {
	static const char bom[] = "\xEF\xBB\xBF";
	struct reading *reading = stream;
	const char *problem;
	char *start = line;

	if (reading->failed || !read_bounded(reading, line, (size_t)size))
		return NULL;
	if (reading->line == 1 && strncmp(line, bom, 3) == 0)
		start += 3;
	problem = line_problem(start);
	if (problem)
		fail(reading, problem);
	else if (*start == '[')
		begin_section(reading, start + 1);
	return reading->failed ? NULL : line;
}

static int on_pair(void *context, const char *section, const char *key, const char *value) {
	struct reading *reading = context;

	return !reading->failed && hand_over(reading, section, key, value);
}

int ini_file_read(FILE *stream, const char *name, ini_file_handler handler, void *context,
		  struct text *error) {
	struct reading reading = {
		.stream = stream,
		.name = name,
		.handler = handler,
		.context = context,
		.error = error,
	};
	int r = ini_parse_stream(next_line, &reading, on_pair, &reading);

	if (r != 0)
		fail(&reading, "expected [section], key=value or a comment");
	if (ferror(stream))
		fail(&reading, strerror(errno));
	return reading.failed ? -EINVAL : 0;
}
