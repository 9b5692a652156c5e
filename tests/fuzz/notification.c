/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A datagram to the notify socket, and the words of a wsrep_notify_cmd: whatever is taken from
 * either is written and read again without a change. */
#include "fuzz.h"

#include <string.h>

#include "base/cleanup.h"
#include "config/notification.h"

#define MOST_WORDS 16

static void check_round_trip(const struct notification *notification) {
	struct notification again;
	char storage[NOTIFICATION_SIZE];
	struct text text;

	text_init(&text, storage, sizeof(storage));
	notification_write(notification, &text);
	require(!text.truncated);
	require(notification_parse(&again, storage, text.length) == 0);
	require(strcmp(again.status, notification->status) == 0);
	require(strcmp(again.primary, notification->primary) == 0);
	require(strcmp(again.index, notification->index) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	AUTO_FREE char *line = fuzz_string(data, size);
	char *words[MOST_WORDS + 1] = {NULL};
	char *rest = line;
	struct notification notification;
	const char *socket;

	if (notification_parse(&notification, (const char *)data, size) == 0)
		check_round_trip(&notification);
	for (size_t i = 0; i < MOST_WORDS && rest; i++)
		words[i] = strsep(&rest, " ");
	notification_take_arguments(&notification, words, &socket);
	check_round_trip(&notification);
	return 0;
}
