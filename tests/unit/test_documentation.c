/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sample file and the man page say what the option ledger says: every key in its section, with
 * its default, and no other.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "config/option.h"

/* How a document writes its sections and keys. */
struct format {
	const char *path;
	const char *section_prefix; /* before the [ of a section's title */
	/* A key and its default are cut out of a line; false when the line holds none. */
	bool (*key)(char *line, const char **key, char **fallback);
};

struct reading {
	const struct format *format;
	unsigned int line;
	size_t faults;
	size_t seen[CONFIG_OPTION_MAX];
};

static void complain(struct reading *reading, const char *what, const char *key,
		     const char *detail) {
	print_error("%s:%u: %s: %s%s\n", reading->format->path, reading->line, key, what, detail);
	reading->faults++;
}

/* "#key=default" */
static bool sample_key(char *line, const char **key, char **fallback) {
	size_t length = strspn(line + 1, "abcdefghijklmnopqrstuvwxyz_");

	if (line[0] != '#' || length == 0 || line[1 + length] != '=')
		return false;
	line[1 + length] = '\0';
	*key = line + 1;
	*fallback = line + length + 2;
	return true;
}

/* "*key*=_default_" or, where the default is nothing, "*key*="; scdoc's backslashes are removed. */
static bool man_key(char *line, const char **key, char **fallback) {
	size_t length = strspn(line + 1, "abcdefghijklmnopqrstuvwxyz_");
	char *out, *c;

	if (line[0] != '*' || length == 0 || strncmp(line + 1 + length, "*=", 2) != 0)
		return false;
	line[1 + length] = '\0';
	*key = line + 1;
	c = line + length + 3;
	*fallback = out = c + (*c == '_');
	for (c = *fallback; *c; c++)
		if (*c != '\\')
			*out++ = *c;
	if (out > *fallback && out[-1] == '_')
		out--;
	*out = '\0';
	return true;
}

static const struct format sample = {SAMPLE_FILE, "", sample_key};
static const struct format man_page = {MAN_PAGE, "## ", man_key};

static void check_key(struct reading *reading, const char *section, const char *key,
		      const char *fallback) {
	int index = option_find(section, key);

	if (index < 0) {
		complain(reading, "the ledger has no such key in section ", key, section);
		return;
	}
	if (strcmp(option_at((size_t)index)->fallback, fallback) != 0)
		complain(reading, "the ledger's default is ", key,
			 option_at((size_t)index)->fallback);
	reading->seen[index]++;
}

/*
 * The title "[section]" of a line, cut out of it, or NULL; "endpoint" of "[endpoint /NAME]", which
 * the sample has commented out.
 */
static const char *section_of(const struct format *format, char *line) {
	size_t length = strlen(format->section_prefix);

	if (format == &sample && line[0] == '#')
		line++;
	if (strncmp(line, format->section_prefix, length) != 0 || line[length] != '[')
		return NULL;
	line += length + 1;
	if (!strchr(line, ']'))
		return NULL;
	line[strcspn(line, " ]")] = '\0';
	return line;
}

static void read_document(struct reading *reading) {
	AUTO_FILE FILE *stream = fopen(reading->format->path, "re");
	AUTO_FREE char *line = NULL;
	char section[64] = "";
	size_t size = 0;

	if (!stream)
		fail_msg("%s: %s", reading->format->path, strerror(errno));
	while (getline(&line, &size, stream) >= 0) {
		const char *title, *key;
		char *fallback;

		reading->line++;
		line[strcspn(line, "\n")] = '\0';
		title = section_of(reading->format, line);
		if (title)
			text_copy(section, sizeof(section), title);
		else if (reading->format->key(line, &key, &fallback))
			check_key(reading, section, key, fallback);
	}
}

static void check_document(const struct format *format) {
	struct reading reading = {.format = format};

	read_document(&reading);
	for (size_t i = 0; i < option_count(); i++) {
		if (reading.seen[i] == 0)
			complain(&reading, "missing from section ", option_at(i)->key,
				 option_at(i)->section);
		if (reading.seen[i] > 1)
			complain(&reading, "more than once in section ", option_at(i)->key,
				 option_at(i)->section);
	}
	assert_int_equal(reading.faults, 0);
}

static void the_sample_file_is_the_ledger(void **state) {
	(void)state;
	check_document(&sample);
}

static void the_man_page_is_the_ledger(void **state) {
	(void)state;
	check_document(&man_page);
}

/* --- the words of a key --------------------------------------------------------------------- */

/* The whole page; it must fit. */
static void slurp_page(char *page, size_t size) {
	AUTO_FILE FILE *stream = fopen(MAN_PAGE, "re");
	size_t length;

	assert_non_null(stream);
	length = fread(page, 1, size, stream);
	assert_true(length > 0 && length < size);
	page[length] = '\0';
}

/* Every value that a key takes stands in the paragraphs below it. */
static void the_man_page_names_every_word(void **state) {
	static char page[128 * 1024];

	(void)state;
	slurp_page(page, sizeof(page));
	for (size_t i = 0; i < option_count(); i++) {
		const struct config_option *option = option_at(i);
		char title[64], place[64];
		char *section, *begin, *end, kept;

		if (option->type != OPTION_WORD)
			continue;
		snprintf(place, sizeof(place), "\n## [%s]\n", option->section);
		snprintf(title, sizeof(title), "\n*%s*=", option->key);
		section = strstr(page, place);
		assert_non_null(section);
		begin = strstr(section, title);
		assert_non_null(begin);
		end = strstr(begin + 1, "\n*");
		assert_non_null(end);
		kept = *end;
		*end = '\0';
		for (size_t word = 0; option->words[word]; word++)
			if (!strstr(begin, option->words[word]))
				fail_msg("%s: [%s] %s does not name %s", MAN_PAGE, option->section,
					 option->key, option->words[word]);
		*end = kept;
	}
}

/* --- the sample as a configuration ---------------------------------------------------------- */

static int load_sample(bool uncommented, struct config *config) {
	AUTO_FILE FILE *from = fopen(SAMPLE_FILE, "re");
	AUTO_FREE char *line = NULL;
	AUTO_CLOSE int fd = memfd_create("clustercheckd.ini", MFD_CLOEXEC);
	size_t size = 0;
	char path[32], storage[512];
	struct config_sources sources = {.file = path, .file_required = true};
	struct text error;
	int r;

	assert_non_null(from);
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	while (getline(&line, &size, from) >= 0) {
		bool is_key =
			line[0] == '#' && line[1] >= 'a' && line[1] <= 'z' && strchr(line, '=') &&
			strspn(line + 1, "abcdefghijklmnopqrstuvwxyz_") + 1 == strcspn(line, "=");

		dprintf(fd, "%s", line + (uncommented && (is_key || strncmp(line, "#[", 2) == 0)));
	}
	text_init(&error, storage, sizeof(storage));
	r = config_load(config, &sources, &error);
	if (r < 0)
		print_error("%s: %s\n", SAMPLE_FILE, storage);
	return r;
}

static void the_sample_file_loads(void **state) {
	static struct config config;

	(void)state;
	assert_int_equal(load_sample(false, &config), 0);
	for (size_t i = 0; i < option_count(); i++)
		assert_int_equal(config.settings[i].layer, LAYER_BUILTIN);
	assert_int_equal(config.override_count, 0);
}

static void the_sample_file_loads_uncommented(void **state) {
	static struct config config;

	(void)state;
	assert_int_equal(load_sample(true, &config), 0);
	for (size_t i = 0; i < option_count(); i++) {
		if (option_is_of_endpoint(option_at(i)))
			continue;
		assert_int_equal(config.settings[i].layer, LAYER_FILE);
		assert_string_equal(config.settings[i].text, option_at(i)->fallback);
	}
	assert_int_equal(config.override_count, 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sample_file_is_the_ledger),
		cmocka_unit_test(the_man_page_is_the_ledger),
		cmocka_unit_test(the_man_page_names_every_word),
		cmocka_unit_test(the_sample_file_loads),
		cmocka_unit_test(the_sample_file_loads_uncommented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
