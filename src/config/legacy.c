/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/legacy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

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
	text_copy(legacy->values[key], sizeof(legacy->values[key]), value);
}

static int find_key(const char *name, size_t length) {
	for (int key = 0; key < LEGACY_KEY_COUNT; key++)
		if (strlen(names[key]) == length && memcmp(names[key], name, length) == 0)
			return key;
	return -ENOENT;
}

/* --- the sysconfig file --------------------------------------------------------------------- */

/*
 * One shell word: quotes are removed, backslashes undone outside single quotes, and it ends at an
 * unquoted blank. What the shell would expand stands for itself.
 */
static void unquote(const char *word, char *value, size_t size) {
	size_t length = 0;
	char quote = '\0';

	for (; *word && length < size - 1; word++) {
		if (quote == '\0' && strchr(" \t\r\n;", *word))
			break;
		if (*word == quote) {
			quote = '\0';
		} else if (quote == '\0' && (*word == '"' || *word == '\'')) {
			quote = *word;
		} else if (*word == '\\' && quote != '\'' && word[1] &&
			   (quote == '\0' || strchr("\"\\$`", word[1]))) {
			value[length++] = *++word;
		} else if (*word == '\n') {
			break;
		} else {
			value[length++] = *word;
		}
	}
	value[length] = '\0';
}

static void read_assignment(struct legacy *legacy, const char *line) {
	char value[CONFIG_TEXT_SIZE];
	size_t length;
	int key;

	line += strspn(line, " \t");
	if (strncmp(line, "export", 6) == 0 && strspn(line + 6, " \t") > 0)
		line += 6 + strspn(line + 6, " \t");
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

static int copy_value(const struct legacy *legacy, enum legacy_key key, char *target, size_t size,
		      struct text *error) {
	if (!legacy->is_set[key] || text_copy(target, size, legacy->values[key]))
		return 0;
	text_format(error, "%s: expected at most %zu bytes", names[key], size - 1);
	return -EINVAL;
}

static int apply_server(const struct legacy *legacy, struct config *config, struct text *error) {
	struct mysql_settings *mysql = &config->mysql;
	char *end;

	if (legacy->is_set[LEGACY_HOST])
		mysql->socket[0] = '\0';
	if (copy_value(legacy, LEGACY_HOST, mysql->host, sizeof(mysql->host), error) < 0)
		return -EINVAL;
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
static int apply_account(const struct legacy *legacy, struct config *config, struct text *error) {
	struct mysql_settings *mysql = &config->mysql;
	char credential[CONFIG_PATH_SIZE];
	bool has_source = config_is_set(config, "mysql", "password") || mysql->password_file[0] ||
			  mysql->defaults_file[0] ||
			  config_credential(credential, sizeof(credential));

	if (copy_value(legacy, LEGACY_USERNAME, mysql->user, sizeof(mysql->user), error) < 0 ||
	    copy_value(legacy, LEGACY_PASSWORD, mysql->password, sizeof(mysql->password), error) <
		    0)
		return -EINVAL;
	if (legacy->is_set[LEGACY_PASSWORD])
		mysql->password_file[0] = '\0';
	else if (!has_source)
		text_copy(mysql->password, sizeof(mysql->password), BUILTIN_PASSWORD);
	return 0;
}

static int apply_option_file(const struct legacy *legacy, struct config *config,
			     struct text *error) {
	struct mysql_settings *mysql = &config->mysql;
	const char *path = BUILTIN_DEFAULTS_FILE;

	if (legacy->is_set[LEGACY_DEFAULTS_EXTRA_FILE])
		path = legacy->values[LEGACY_DEFAULTS_EXTRA_FILE];
	else if (mysql->defaults_file[0])
		return 0;
	mysql->standard_option_files = true;
	mysql->defaults_file[0] = '\0';
	if (access(path, R_OK) != 0 ||
	    text_copy(mysql->defaults_file, sizeof(mysql->defaults_file), path))
		return 0;
	text_format(error, "DEFAULTS_EXTRA_FILE: expected at most %zu bytes",
		    sizeof(mysql->defaults_file) - 1);
	return -EINVAL;
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

int legacy_apply(const struct legacy *legacy, struct config *config, struct text *error) {
	if (apply_server(legacy, config, error) < 0 || apply_account(legacy, config, error) < 0 ||
	    apply_option_file(legacy, config, error) < 0)
		return -EINVAL;
	apply_flags(legacy, &config->policy);
	return config_resolve_endpoints(config, error);
}

const char *legacy_err_file(const struct legacy *legacy) {
	return legacy->is_set[LEGACY_ERR_FILE] ? legacy->values[LEGACY_ERR_FILE] : NULL;
}
