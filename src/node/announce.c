/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/announce.h"

#include "base/log.h"

void announce_changes(const struct change *changes, size_t count) {
	char storage[640];
	struct text line;

	for (size_t i = 0; i < count; i++) {
		text_init(&line, storage, sizeof(storage));
		change_describe(&changes[i], &line);
		log_info("%s", storage);
	}
}
