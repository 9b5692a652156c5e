/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings from outside a file, one per line: each is taken both as an argument of -o and as a
 * variable of the environment. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/config.h"

static void load(struct config *config, const struct config_sources *sources) {
	char storage[512];
	struct text error;

	text_init(&error, storage, sizeof(storage));
	if (config_load(config, sources, &error) < 0) {
		require_line(storage);
		return;
	}
	require(config->policy.max_age > config->interval);
	require(config->interval >= 10 * NSEC_PER_MSEC && config->interval <= 60 * NSEC_PER_SEC);
	require(config->http.max_connections >= 1 && config->http.max_connections <= 100000);
	require(config->policy.max_flow_control >= 0 && config->policy.max_flow_control <= 1);
	require(config->endpoints.count >= 3 && config->endpoints.count <= ENDPOINT_MAX);
	require(!config->mysql.socket[0] || config->mysql.socket[0] == '/');
	require(!config->mysql.socket[0] || !config->mysql.host[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct config config;
	AUTO_FREE char *string = fuzz_string(data, size);
	char *lines[32];
	const struct config_sources arguments = {
		.arguments = (const char *const *)lines,
		.argument_count = fuzz_lines(string, lines, ARRAY_SIZE(lines)),
	};
	const struct config_sources environment = {.environment = lines};

	load(&config, &arguments);
	load(&config, &environment);
	return 0;
}
