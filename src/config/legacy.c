/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/legacy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/endpoints.h"

#define BUILTIN_PASSWORD "clustercheckpassword!"
#define BUILTIN_DEFAULTS_FILE "/etc/my.cnf"

static const char *const names[LEGACY_KEY_COUNT] = {
	[LEGACY_USERNAME] = "MYSQL_USERNAME",
	[LEGACY_PASSWORD] = "MYSQL_PASSWORD",
	[LEGACY_HOST] = "MYSQL_HOST",
	[LEGACY_PORT] = "MYSQL_PORT",
	[LEGACY_AVAILABLE_WHEN_DONOR] = "AVAILABLE_WHEN_DONOR",
	[LEGACY_AVAILABLE_WHEN_READONLY] = "AVAILABLE_WHEN_READONLY",
	[LEGACY_ERR_FILE] = "ERR_FILE",
	[LEGACY_DEFAULTS_EXTRA_FILE] = "DEFAULTS_EXTRA_FILE",
};

/* An empty user or password is kept and means "do not send it"; any other empty value is its
 * default. */
static void set(struct legacy *legacy, enum legacy_key key, const char *value) {
	bool may_be_empty = key == LEGACY_USERNAME || key == LEGACY_PASSWORD;

	legacy->is_set[key] = value[0] || may_be_empty;
	legacy->is_cut[key] = !text_copy(legacy->values[key], sizeof(legacy->values[key]), value);
}

static int find_key(const char *name, size_t length) {
	for (int key = 0; key < LEGACY_KEY_COUNT; key++)
		if (strlen(names[key]) == length && memcmp(names[key], name, length) == 0)
			return key;
	return -ENOENT;
}

/* --- the sysconfig file --------------------------------------------------------------------- */

/* A word does not go on in the next line, neither behind a backslash nor within quotes. */
static bool ends_line(const char *word, char quote) {
	return *word == '\n' || (quote != '\'' && strncmp(word, "\\\n", 2) == 0);
}

/*
 * One shell word: quotes are removed, backslashes undone outside single quotes, and it ends at an
 * unquoted blank. What the shell would expand stands for itself.
 */
static void unquote(const char *word, char *value, size_t size) {
	size_t length = 0;
	char quote = '\0';

	for (; *word && length < size - 1; word++) {
		if (ends_line(word, quote) || (quote == '\0' && strchr(" \t\r;", *word)))
			break;
		if (*word == quote) {
			quote = '\0';
		} else if (quote == '\0' && (*word == '"' || *word == '\'')) {
			quote = *word;
		} else if (*word == '\\' && quote != '\'' && word[1] &&
			   (quote == '\0' || strchr("\"\\$`", word[1]))) {
			value[length++] = *++word;
		} else {
			value[length++] = *word;
		}
	}
	value[length] = '\0';
}

static void read_assignment(struct legacy *legacy, const char *line) {
	char value[CONFIG_TEXT_SIZE + 1]; /* one too long is seen to be */
	size_t length;
	int key;

	line += strspn(line, " \t");
	if (strncmp(line, "export ", 7) == 0 || strncmp(line, "export\t", 7) == 0)
		line += 7 + strspn(line + 7, " \t");
	length = strcspn(line, "=");
	if (line[length] != '=')
		return;
	key = find_key(line, length);
	if (key < 0)
		return;
	unquote(line + length + 1, value, sizeof(value));
	set(legacy, (enum legacy_key)key, value);
}

void legacy_read_stream(struct legacy *legacy, FILE *stream) {
	AUTO_FREE char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stream) >= 0)
		read_assignment(legacy, line);
}

/* --- environment and arguments -------------------------------------------------------------- */

void legacy_read_environment(struct legacy *legacy, char *const *environment) {
	for (; environment && *environment; environment++) {
		size_t length = strcspn(*environment, "=");
		int key = find_key(*environment, length);

		if (key >= 0 && (*environment)[length] == '=')
			set(legacy, (enum legacy_key)key, *environment + length + 1);
	}
}

void legacy_read_arguments(struct legacy *legacy, size_t count, const char *const *arguments) {
	static const enum legacy_key order[] = {
		LEGACY_USERNAME,
		LEGACY_PASSWORD,
		LEGACY_AVAILABLE_WHEN_DONOR,
		LEGACY_ERR_FILE,
		LEGACY_AVAILABLE_WHEN_READONLY,
		LEGACY_DEFAULTS_EXTRA_FILE,
	};
	size_t key = 0;

	if (count > 0 && strcmp(arguments[0], "-") == 0) {
		set(legacy, LEGACY_USERNAME, "");
		set(legacy, LEGACY_PASSWORD, "");
		key = 2;
		arguments++;
		count--;
	}
	for (size_t i = 0; i < count && key < ARRAY_SIZE(order); i++)
		set(legacy, order[key++], arguments[i]);
}

/* --- application ---------------------------------------------------------------------------- */

/* Every text of struct mysql_settings that is set here has CONFIG_TEXT_SIZE bytes. */
static void copy_value(const struct legacy *legacy, enum legacy_key key, char *target) {
	if (legacy->is_set[key])
		text_copy(target, CONFIG_TEXT_SIZE, legacy->values[key]);
}

/* A configured socket is the one that "localhost" means. */
static void apply_host(const char *host, struct mysql_settings *mysql) {
	bool is_socket = config_host_is_socket(host);

	if (!is_socket)
		mysql->socket[0] = '\0';
	text_copy(mysql->host, sizeof(mysql->host), is_socket ? "" : host);
}

static int apply_server(const struct legacy *legacy, struct config *config, struct text *error) {
	struct mysql_settings *mysql = &config->mysql;
	char *end;

	if (legacy->is_set[LEGACY_HOST])
		apply_host(legacy->values[LEGACY_HOST], mysql);
	if (!legacy->is_set[LEGACY_PORT])
		return 0;
	mysql->port = strtoul(legacy->values[LEGACY_PORT], &end, 10);
	if (*end || mysql->port == 0 || mysql->port > 65535) {
		text_append(error, "MYSQL_PORT: expected a number from 1 to 65535");
		return -EINVAL;
	}
	return 0;
}

/* The built-in account is the original's, where no layer names another source of a password. */
static void apply_account(const struct legacy *legacy, struct config *config) {
	struct mysql_settings *mysql = &config->mysql;
	char credential[CONFIG_PATH_SIZE];
	bool has_source = config_is_set(config, "mysql", "password") || mysql->password_file[0] ||
			  mysql->defaults_file[0] ||
			  config_credential(credential, sizeof(credential));

	copy_value(legacy, LEGACY_USERNAME, mysql->user);
	copy_value(legacy, LEGACY_PASSWORD, mysql->password);
	if (legacy->is_set[LEGACY_PASSWORD])
		mysql->password_file[0] = '\0';
	else if (!has_source)
		text_copy(mysql->password, sizeof(mysql->password), BUILTIN_PASSWORD);
}

static void apply_option_file(const struct legacy *legacy, struct config *config) {
	struct mysql_settings *mysql = &config->mysql;
	const char *path = BUILTIN_DEFAULTS_FILE;

	if (legacy->is_set[LEGACY_DEFAULTS_EXTRA_FILE])
		path = legacy->values[LEGACY_DEFAULTS_EXTRA_FILE];
	else if (mysql->defaults_file[0])
		return;
	mysql->standard_option_files = true;
	text_copy(mysql->defaults_file, sizeof(mysql->defaults_file),
		  access(path, R_OK) == 0 ? path : "");
}

/* The flags as the scripts read them: donor only for "1", read-only unless numerically 0. */
static void apply_flags(const struct legacy *legacy, struct policy *policy) {
	const char *donor = legacy->values[LEGACY_AVAILABLE_WHEN_DONOR];
	const char *readonly = legacy->values[LEGACY_AVAILABLE_WHEN_READONLY];
	char *end;

	if (legacy->is_set[LEGACY_AVAILABLE_WHEN_DONOR])
		policy->donor = strcmp(donor, "1") == 0 ? DONOR_AVAILABLE : DONOR_UNAVAILABLE;
	if (legacy->is_set[LEGACY_AVAILABLE_WHEN_READONLY]) {
		bool is_zero = strtol(readonly, &end, 10) == 0 && end != readonly && !*end;

		policy->read_only = is_zero ? ADMISSION_UNAVAILABLE : ADMISSION_AVAILABLE;
	}
}

static int refuse_cut_values(const struct legacy *legacy, struct text *error) {
	for (int key = 0; key < LEGACY_KEY_COUNT; key++) {
		if (!legacy->is_cut[key])
			continue;
		text_format(error, "%s: expected at most %d bytes", names[key],
			    CONFIG_TEXT_SIZE - 1);
		return -EINVAL;
	}
	return 0;
}

int legacy_apply(const struct legacy *legacy, struct config *config, struct text *error) {
	if (refuse_cut_values(legacy, error) < 0 || apply_server(legacy, config, error) < 0)
		return -EINVAL;
	apply_account(legacy, config);
	apply_option_file(legacy, config);
	apply_flags(legacy, &config->policy);
	return endpoints_resolve(config, error);
}

const char *legacy_err_file(const struct legacy *legacy) {
	return legacy->is_set[LEGACY_ERR_FILE] ? legacy->values[LEGACY_ERR_FILE] : NULL;
}
