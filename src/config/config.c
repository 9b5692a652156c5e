/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/ini_file.h"
#include "config/option.h"

#define ENVIRONMENT_PREFIX "CLUSTERCHECKD_"
#define ENDPOINT_PREFIX "endpoint "

static const char *const reserved_paths[] = {"/", "/live", "/status", "/metrics"};

static void *option_target(struct config *config, const struct config_option *option) {
	return (char *)config + option->offset;
}

static void *endpoint_target(struct endpoint *endpoint, const struct config_option *option) {
	if (option_is_of_endpoint(option))
		return (char *)endpoint + option->offset;
	return (char *)&endpoint->policy + (option->offset - offsetof(struct config, policy));
}

static int refuse_value(const struct config_option *option, const char *value, struct text *error) {
	text_format(error, "[%s] %s: expected ", option->section, option->key);
	option_expectation(option, error);
	if (!option->secret)
		text_format(error, ", not \"%.80s\"", value);
	return -EINVAL;
}

static int record(struct setting *setting, const struct config_option *option, const char *value,
		  enum config_layer layer, unsigned int line, struct text *error) {
	if (layer == LAYER_FILE && setting->layer == LAYER_FILE) {
		text_format(error, "%s is set twice: first in line %u", option->key, setting->line);
		return -EINVAL;
	}
	/* From the environment or an argument there may be line breaks, which no file can hold. */
	for (const char *byte = value; *byte; byte++) {
		if ((unsigned char)*byte < 0x20 && *byte != '\t') {
			text_format(error, "[%s] %s: expected no control characters",
				    option->section, option->key);
			return -EINVAL;
		}
	}
	if (!text_copy(setting->text, sizeof(setting->text), value))
		return refuse_value(option, value, error);
	setting->layer = layer;
	setting->line = line;
	return 0;
}

static int check_path(const char *path, struct text *error) {
	size_t length = strlen(path);

	if (path[0] != '/' || length < 2 || length >= ENDPOINT_PATH_SIZE ||
	    path[strspn(path, "/-_.~0123456789abcdefghijklmnopqrstuvwxyz"
			      "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] != '\0') {
		text_format(error,
			    "[endpoint %.60s]: expected a path like /name of at most %d bytes from "
			    "letters, digits and -_.~/",
			    path, ENDPOINT_PATH_SIZE - 1);
		return -EINVAL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(reserved_paths); i++) {
		if (strcmp(path, reserved_paths[i]) == 0) {
			text_format(error,
				    "[endpoint %s]: expected another path, this one is built in; "
				    "[policy] "
				    "judges /",
				    path);
			return -EINVAL;
		}
	}
	return 0;
}

static int refuse_endpoint_count(struct text *error) {
	text_format(error, "expected at most %d endpoints, three of them built in", ENDPOINT_MAX);
	return -EINVAL;
}

static struct endpoint_override *find_override(struct config *config, const char *path,
					       size_t option) {
	for (size_t i = 0; i < config->override_count; i++) {
		struct endpoint_override *override = &config->overrides[i];

		if (override->option == option && strcmp(override->path, path) == 0)
			return override;
	}
	if (config->override_count == CONFIG_OVERRIDE_MAX)
		return NULL;
	return &config->overrides[config->override_count++];
}

static int set_override(struct config *config, const char *path, const char *key, const char *value,
			enum config_layer layer, unsigned int line, struct text *error) {
	struct endpoint_override *override;
	const struct config_option *option;
	struct endpoint scratch;
	int index;

	if (check_path(path, error) < 0)
		return -EINVAL;
	index = option_find("policy", key);
	if (index < 0)
		index = option_find("endpoint", key);
	if (index < 0) {
		text_format(error, "[endpoint %s] %.60s: expected agent or a key of [policy]", path,
			    key);
		return -EINVAL;
	}
	option = option_at((size_t)index);
	if (option_parse(option, value, endpoint_target(&scratch, option)) < 0)
		return refuse_value(option, value, error);
	override = find_override(config, path, (size_t)index);
	if (!override) {
		text_format(error, "expected at most %d keys in [endpoint] sections",
			    CONFIG_OVERRIDE_MAX);
		return -EINVAL;
	}
	text_copy(override->path, sizeof(override->path), path);
	override->option = (size_t)index;
	return record(&override->setting, option, value, layer, line, error);
}

static int set_option(struct config *config, size_t index, const char *value,
		      enum config_layer layer, unsigned int line, struct text *error) {
	const struct config_option *option = option_at(index);

	if (record(&config->settings[index], option, value, layer, line, error) < 0)
		return -EINVAL;
	if (option_parse(option, value, option_target(config, option)) < 0)
		return refuse_value(option, value, error);
	return 0;
}

static int refuse_section(const char *section, struct text *error) {
	if (!section[0]) {
		text_append(
			error,
			"expected a section with a name, such as [mysql], before the first key");
		return -EINVAL;
	}
	text_format(error,
		    "[%.60s]: no such section; expected mysql, policy, endpoint /NAME, http, "
		    "agent, control, notify, maintenance or log",
		    section);
	return -EINVAL;
}

/* An endpoint without keys of its own judges as [policy] does. */
static int begin_section(struct config *config, const char *section, struct text *error) {
	const char *path = section + strlen(ENDPOINT_PREFIX);

	if (strncmp(section, ENDPOINT_PREFIX, strlen(ENDPOINT_PREFIX)) != 0)
		return option_section_exists(section) ? 0 : refuse_section(section, error);
	if (check_path(path, error) < 0)
		return -EINVAL;
	for (size_t i = 0; i < config->path_count; i++)
		if (strcmp(config->paths[i], path) == 0)
			return 0;
	if (config->path_count == ENDPOINT_MAX)
		return refuse_endpoint_count(error);
	text_copy(config->paths[config->path_count++], ENDPOINT_PATH_SIZE, path);
	return 0;
}

static int set_named(struct config *config, const char *section, const char *key, const char *value,
		     enum config_layer layer, unsigned int line, struct text *error) {
	int index;

	if (strncmp(section, ENDPOINT_PREFIX, strlen(ENDPOINT_PREFIX)) == 0)
		return set_override(config, section + strlen(ENDPOINT_PREFIX), key, value, layer,
				    line, error);
	index = option_find(section, key);
	if (index >= 0 && !option_is_of_endpoint(option_at((size_t)index)))
		return set_option(config, (size_t)index, value, layer, line, error);
	if (!option_section_exists(section))
		return refuse_section(section, error);
	text_format(error, "[%s] %.60s: no such key; clustercheckd --help lists them", section,
		    key);
	return -EINVAL;
}

static int load_builtin(struct config *config, struct text *error) {
	for (size_t i = 0; i < option_count(); i++)
		if (!option_is_of_endpoint(option_at(i)) &&
		    set_option(config, i, option_at(i)->fallback, LAYER_BUILTIN, 0, error) < 0)
			return -EINVAL;
	return 0;
}

static int on_line(void *context, unsigned int line, const char *section, const char *key,
		   const char *value, struct text *error) {
	if (!key)
		return begin_section(context, section, error);
	return set_named(context, section, key, value, LAYER_FILE, line, error);
}

static int load_file(struct config *config, const struct config_sources *sources,
		     struct text *error) {
	AUTO_FILE FILE *stream = NULL;

	if (!sources->file)
		return 0;
	stream = fopen(sources->file, "re");
	if (!stream) {
		if (!sources->file_required)
			return 0;
		text_format(error, "%s: %s", sources->file, strerror(errno));
		return -EINVAL;
	}
	if (!text_copy(config->file, sizeof(config->file), sources->file)) {
		text_format(error, "%.60s...: the path is too long", sources->file);
		return -EINVAL;
	}
	return ini_file_read(stream, sources->file, on_line, config, error);
}

static bool environment_matches(const struct config_option *option, const char *name,
				size_t length) {
	char storage[64];
	struct text expected;

	text_init(&expected, storage, sizeof(storage));
	text_format(&expected, "%s_%s", option->section, option->key);
	return expected.length == length && strncasecmp(storage, name, length) == 0;
}

/*
 * What Kubernetes puts into the environment for services called clustercheckd or
 * clustercheckd-NAME. Nothing else with our prefix is passed over, or a misspelt name would
 * silently do nothing.
 */
static bool is_service_link(const char *name) {
	const char *value = strchr(name, '=') + 1;
	const char *port = strstr(name, "PORT_");

	return strstr(name, "SERVICE_HOST=") || strstr(name, "SERVICE_PORT=") ||
	       strstr(name, "SERVICE_PORT_") || (port && strspn(port + 5, "0123456789") > 0) ||
	       strncmp(value, "tcp://", 6) == 0 || strncmp(value, "udp://", 6) == 0;
}

static int load_variable(struct config *config, const char *name, struct text *error) {
	size_t length = strcspn(name, "=");
	char storage[512];
	struct text message;

	for (size_t i = 0; i < option_count(); i++) {
		if (option_is_of_endpoint(option_at(i)) ||
		    !environment_matches(option_at(i), name, length))
			continue;
		text_init(&message, storage, sizeof(storage));
		if (set_option(config, i, name + length + 1, LAYER_ENVIRONMENT, 0, &message) == 0)
			return 0;
		text_format(error, "environment variable " ENVIRONMENT_PREFIX "%.*s: %s",
			    (int)length, name, storage);
		return -EINVAL;
	}
	if (is_service_link(name))
		return 0;
	text_format(error, "environment variable " ENVIRONMENT_PREFIX "%.*s: no such setting",
		    (int)(length < 60 ? length : 60), name);
	return -EINVAL;
}

static int load_environment(struct config *config, const struct config_sources *sources,
			    struct text *error) {
	const size_t prefix = strlen(ENVIRONMENT_PREFIX);

	for (char *const *entry = sources->environment; entry && *entry; entry++)
		if (strncmp(*entry, ENVIRONMENT_PREFIX, prefix) == 0 && strchr(*entry, '=') &&
		    load_variable(config, *entry + prefix, error) < 0)
			return -EINVAL;
	return 0;
}

static int load_argument(struct config *config, const char *argument, struct text *error) {
	const char *equals = strchr(argument, '=');
	char name[128], storage[512];
	struct text message;
	char *dot;

	if (!equals || (size_t)(equals - argument) >= sizeof(name)) {
		text_format(error, "-o %.60s: expected section.key=value", argument);
		return -EINVAL;
	}
	memcpy(name, argument, (size_t)(equals - argument));
	name[equals - argument] = '\0';
	dot = strrchr(name, '.');
	if (!dot) {
		text_format(error, "-o %.60s: expected section.key=value", name);
		return -EINVAL;
	}
	*dot = '\0';
	text_init(&message, storage, sizeof(storage));
	if (set_named(config, name, dot + 1, equals + 1, LAYER_ARGUMENT, 0, &message) == 0)
		return 0;
	text_format(error, "-o %s.%s: %s", name, dot + 1, storage);
	return -EINVAL;
}

static struct endpoint *add_endpoint(struct config *config, const char *path) {
	struct endpoint_list *list = &config->endpoints;
	struct endpoint *endpoint;

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].path, path) == 0)
			return &list->items[i];
	if (list->count == ENDPOINT_MAX)
		return NULL;
	endpoint = &list->items[list->count++];
	text_copy(endpoint->path, sizeof(endpoint->path), path);
	endpoint->policy = config->policy;
	return endpoint;
}

static void add_builtin_endpoints(struct config *config) {
	struct endpoint *endpoint;

	add_endpoint(config, "/");
	endpoint = add_endpoint(config, "/rw");
	endpoint->policy.read_only = ADMISSION_UNAVAILABLE;
	endpoint->policy.donor = DONOR_UNAVAILABLE;
	endpoint = add_endpoint(config, "/ro");
	endpoint->policy.read_only = ADMISSION_AVAILABLE;
	endpoint->policy.donor = DONOR_AUTO;
}

int config_resolve_endpoints(struct config *config, struct text *error) {
	memset(&config->endpoints, 0, sizeof(config->endpoints));
	add_builtin_endpoints(config);
	for (size_t i = 0; i < config->path_count; i++)
		if (!add_endpoint(config, config->paths[i]))
			return refuse_endpoint_count(error);
	for (size_t i = 0; i < config->override_count; i++) {
		const struct endpoint_override *override = &config->overrides[i];
		const struct config_option *option = option_at(override->option);
		struct endpoint *endpoint = add_endpoint(config, override->path);

		if (!endpoint)
			return refuse_endpoint_count(error);
		option_parse(option, override->setting.text, endpoint_target(endpoint, option));
	}
	return 0;
}

static int refuse(const struct config *config, struct text *error, const char *message) {
	text_format(error, "%s%s%s", config->file, config->file[0] ? ": " : "", message);
	return -EINVAL;
}

/* What single values cannot show. */
static int validate(const struct config *config, struct text *error) {
	if (config->policy.max_age <= config->interval)
		return refuse(config, error,
			      "[mysql] max_age: expected more than interval, or every answer would "
			      "be stale before the next probe");
	if (config->mysql.socket[0] && config->mysql.host[0])
		return refuse(config, error, "[mysql] socket, host: expected only one of them");
	if (config->mysql.password[0] && config->mysql.password_file[0])
		return refuse(config, error,
			      "[mysql] password, password_file: expected only one of them");
	/* Both client libraries take that name for the Unix socket, and pass over the port. */
	if (strcasecmp(config->mysql.host, "localhost") == 0)
		return refuse(config, error,
			      "[mysql] host: expected an address such as 127.0.0.1 for TCP, or "
			      "socket= for the Unix socket, not localhost");
	if (config->mysql.tls == TLS_VERIFY && !config->mysql.tls_ca[0])
		return refuse(config, error, "[mysql] tls: expected tls_ca beside verify");
	if (!config->http.tls_cert[0] != !config->http.tls_key[0])
		return refuse(config, error, "[http] tls_cert, tls_key: expected both or neither");
	return 0;
}

int config_load(struct config *config, const struct config_sources *sources, struct text *error) {
	memset(config, 0, sizeof(*config));
	if (load_builtin(config, error) < 0 || load_file(config, sources, error) < 0 ||
	    load_environment(config, sources, error) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sources->argument_count; i++)
		if (load_argument(config, sources->arguments[i], error) < 0)
			return -EINVAL;
	if (config_resolve_endpoints(config, error) < 0)
		return -EINVAL;
	return validate(config, error);
}

bool config_credential(char *path, size_t size) {
	const char *directory = getenv("CREDENTIALS_DIRECTORY");

	return directory && snprintf(path, size, "%s/mysql-password", directory) < (int)size &&
	       access(path, F_OK) == 0;
}

bool config_file_exists(const char *path) {
	return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool config_is_set(const struct config *config, const char *section, const char *key) {
	int index = option_find(section, key);

	return index >= 0 && config->settings[index].layer != LAYER_BUILTIN;
}
