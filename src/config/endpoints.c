/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/endpoints.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/option.h"
#include "config/setting.h"

#define SECTION_PREFIX "endpoint "

static const char *const reserved_paths[] = {"/", "/live", "/status", "/metrics"};

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

/* Whoever reads a line of a file says so itself. */
static int refuse_endpoint_count(const char *file, struct text *error) {
	text_format(error, "%s%s", file, file[0] ? ": " : "");
	text_format(error, "expected at most %d endpoints, three of them built in", ENDPOINT_MAX);
	return -EINVAL;
}

const char *endpoints_path(const char *section) {
	const size_t length = strlen(SECTION_PREFIX);

	return strncmp(section, SECTION_PREFIX, length) == 0 ? section + length : NULL;
}

int endpoints_declare(struct config *config, const char *path, struct text *error) {
	if (check_path(path, error) < 0)
		return -EINVAL;
	for (size_t i = 0; i < config->path_count; i++)
		if (strcmp(config->paths[i], path) == 0)
			return 0;
	if (config->path_count == ENDPOINT_MAX)
		return refuse_endpoint_count("", error);
	text_copy(config->paths[config->path_count++], ENDPOINT_PATH_SIZE, path);
	return 0;
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

static void *endpoint_target(struct endpoint *endpoint, const struct config_option *option) {
	if (option_is_of_endpoint(option))
		return (char *)endpoint + option->offset;
	return (char *)&endpoint->policy + (option->offset - offsetof(struct config, policy));
}

int endpoints_override(struct config *config, const char *path, const char *key, const char *value,
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
		return setting_refuse(option, value, error);
	override = find_override(config, path, (size_t)index);
	if (!override) {
		text_format(error, "expected at most %d keys in [endpoint] sections",
			    CONFIG_OVERRIDE_MAX);
		return -EINVAL;
	}
	text_copy(override->path, sizeof(override->path), path);
	override->option = (size_t)index;
	return setting_record(&override->setting, option, value, layer, line, error);
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

int endpoints_resolve(struct config *config, struct text *error) {
	memset(&config->endpoints, 0, sizeof(config->endpoints));
	add_builtin_endpoints(config);
	for (size_t i = 0; i < config->path_count; i++)
		if (!add_endpoint(config, config->paths[i]))
			return refuse_endpoint_count(config->file, error);
	for (size_t i = 0; i < config->override_count; i++) {
		const struct endpoint_override *override = &config->overrides[i];
		const struct config_option *option = option_at(override->option);
		struct endpoint *endpoint = add_endpoint(config, override->path);

		if (!endpoint)
			return refuse_endpoint_count(config->file, error);
		option_parse(option, override->setting.text, endpoint_target(endpoint, option));
	}
	return 0;
}
