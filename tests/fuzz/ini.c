/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file: refused with one line that names the file, or dumped as one that loads to
 * the same. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/config.h"

static int load(struct config *config, const void *bytes, size_t size) {
	char path[64], storage[512];
	int fd = fuzz_file(bytes, size, path, sizeof(path));
	const struct config_sources sources = {.file = path, .file_required = true};
	struct text error;
	int r;

	text_init(&error, storage, sizeof(storage));
	r = config_load(config, &sources, &error);
	close(fd);
	if (r < 0) {
		require_line(storage);
		require(strncmp(storage, path, strlen(path)) == 0);
	}
	return r;
}

/* What a dump does not show: the password, and where each value comes from. */
static void blank_unshown(struct config *config) {
	memset(config->mysql.password, 0, sizeof(config->mysql.password));
	memset(config->file, 0, sizeof(*config) - offsetof(struct config, file));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct config config, again;
	AUTO_FREE char *dump = NULL;
	size_t dump_size;
	FILE *stream;

	if (load(&config, data, size) < 0)
		return 0;
	stream = open_memstream(&dump, &dump_size);
	require(stream);
	config_dump(&config, stream);
	fclose(stream);
	require(load(&again, dump, dump_size) == 0);
	blank_unshown(&config);
	blank_unshown(&again);
	require(memcmp(&config, &again, sizeof(config)) == 0);
	return 0;
}
