/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/endpoints.h"
#include "config/ini_file.h"
#include "config/option.h"
#include "config/setting.h"

#define ENVIRONMENT_PREFIX "CLUSTERCHECKD_"

static void *option_target(struct config *config, const struct config_option *option) {
	return (char *)config + option->offset;
}

static int set_option(struct config *config, size_t index, const char *value,
		      enum config_layer layer, unsigned int line, struct text *error) {
	const struct config_option *option = option_at(index);

	if (setting_record(&config->settings[index], option, value, layer, line, error) < 0)
		return -EINVAL;
	if (option_parse(option, value, option_target(config, option)) < 0)
		return setting_refuse(option, value, error);
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
		    "agent, control, notify, maintenance, process or log",
		    section);
	return -EINVAL;
}

static int begin_section(struct config *config, const char *section, struct text *error) {
	const char *path = endpoints_path(section);

	if (path)
		return endpoints_declare(config, path, error);
	return option_section_exists(section) ? 0 : refuse_section(section, error);
}

static int set_named(struct config *config, const char *section, const char *key, const char *value,
		     enum config_layer layer, unsigned int line, struct text *error) {
	const char *path = endpoints_path(section);
	int index;

	if (path)
		return endpoints_override(config, path, key, value, layer, line, error);
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

/* --- values together ------------------------------------------------------------------------ */

static int refuse(const struct config *config, struct text *error, const char *message) {
	text_format(error, "%s%s%s", config->file, config->file[0] ? ": " : "", message);
	return -EINVAL;
}

/* A list of addresses to listen on, and where it is written. */
struct doors {
	const char *section, *path, *key;
	const struct listen_list *list;
};

static size_t collect_doors(const struct config *config, struct doors *doors) {
	size_t count = 0;

	doors[count++] = (struct doors){"http", "", "listen", &config->http.listen};
	doors[count++] = (struct doors){"agent", "", "listen", &config->agent.listen};
	for (size_t i = 0; i < config->endpoints.count; i++) {
		const struct endpoint *endpoint = &config->endpoints.items[i];

		doors[count++] =
			(struct doors){"endpoint ", endpoint->path, "agent", &endpoint->agent};
	}
	return count;
}

static int refuse_pair(const struct config *config, const struct doors *a, const struct doors *b,
		       struct text *error) {
	char storage[256];
	struct text message;

	text_init(&message, storage, sizeof(storage));
	text_format(&message, "[%s%s] %s, [%s%s] %s: expected %s in only one of them", a->section,
		    a->path, a->key, b->section, b->path, b->key,
		    listen_list_common(a->list, b->list)->text);
	return refuse(config, error, storage);
}

/*
 * A reload hands sockets on by their address, and would open one door to two endpoints. Addresses
 * that merely overlap are the kernel's to refuse.
 */
static int refuse_shared_doors(const struct config *config, struct text *error) {
	struct doors doors[2 + ENDPOINT_MAX];
	size_t count = collect_doors(config, doors);

	for (size_t i = 0; i < count; i++)
		for (size_t k = i + 1; k < count; k++)
			if (listen_list_common(doors[i].list, doors[k].list))
				return refuse_pair(config, &doors[i], &doors[k], error);
	return 0;
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
	/* The port would be passed over. */
	if (config_host_is_socket(config->mysql.host))
		return refuse(config, error,
			      "[mysql] host: expected an address such as 127.0.0.1 for TCP, or "
			      "socket= for the Unix socket, not localhost");
	if (config->mysql.tls == TLS_VERIFY && !config->mysql.tls_ca[0])
		return refuse(config, error, "[mysql] tls: expected tls_ca beside verify");
	if (config->mysql.server_public_key[0] && config->mysql.tls != TLS_OFF)
		return refuse(config, error,
			      "[mysql] server_public_key: expected tls=off beside it");
	if (!config->http.tls_cert[0] != !config->http.tls_key[0])
		return refuse(config, error, "[http] tls_cert, tls_key: expected both or neither");
	return refuse_shared_doors(config, error);
}

/* --- loading and asking --------------------------------------------------------------------- */

int config_load(struct config *config, const struct config_sources *sources, struct text *error) {
	memset(config, 0, sizeof(*config));
	if (load_builtin(config, error) < 0 || load_file(config, sources, error) < 0 ||
	    load_environment(config, sources, error) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sources->argument_count; i++)
		if (load_argument(config, sources->arguments[i], error) < 0)
			return -EINVAL;
	if (endpoints_resolve(config, error) < 0)
		return -EINVAL;
	return validate(config, error);
}

bool config_credential(char *path, size_t size) {
	const char *directory = getenv("CREDENTIALS_DIRECTORY");

	return directory && snprintf(path, size, "%s/mysql-password", directory) < (int)size &&
	       access(path, F_OK) == 0;
}

bool config_host_is_socket(const char *host) {
	return strcasecmp(host, "localhost") == 0;
}

bool config_file_exists(const char *path) {
	return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool config_is_set(const struct config *config, const char *section, const char *key) {
	int index = option_find(section, key);

	return index >= 0 && config->settings[index].layer != LAYER_BUILTIN;
}
