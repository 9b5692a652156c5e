/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The legacy command's sysconfig file: what was read, quoted for the shell, is read the same. */
#include "fuzz.h"

#include <string.h>

#include "base/cleanup.h"
#include "config/legacy.h"

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

static void read_bytes(struct legacy *legacy, const void *bytes, size_t size) {
	AUTO_FILE FILE *stream = fmemopen((void *)(uintptr_t)bytes, size, "r");

	memset(legacy, 0, sizeof(*legacy));
	if (stream)
		legacy_read_stream(legacy, stream);
}

static void write_quoted(struct text *out, const char *name, const char *value) {
	text_format(out, "export %s='", name);
	for (; *value; value++)
		text_append_bytes(out, *value == '\'' ? "'\\''" : value, *value == '\'' ? 4 : 1);
	text_append(out, "'\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct legacy legacy, again;
	char storage[LEGACY_KEY_COUNT * 4 * CONFIG_TEXT_SIZE + 1024];
	struct text out;

	read_bytes(&legacy, data, size);
	text_init(&out, storage, sizeof(storage));
	for (int key = 0; key < LEGACY_KEY_COUNT; key++) {
		require(!strchr(legacy.values[key], '\n'));
		if (legacy.is_set[key] && !legacy.is_cut[key])
			write_quoted(&out, names[key], legacy.values[key]);
	}
	require(!out.truncated);
	read_bytes(&again, storage, out.length);
	for (int key = 0; key < LEGACY_KEY_COUNT; key++)
		if (again.is_set[key] || (legacy.is_set[key] && !legacy.is_cut[key]))
			require(strcmp(legacy.values[key], again.values[key]) == 0);
	return 0;
}
