/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An order in the maintenance file, and a wish over the control socket: refused with one line, or
 * written and read again without a change. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "serve/commands.h"

static void check_order(const uint8_t *data, size_t size) {
	struct order order, again;
	char storage[ORDER_REASON_SIZE];
	AUTO_FREE char *bytes = NULL;
	struct text error;

	text_init(&error, storage, sizeof(storage));
	if (order_parse(&order, (const char *)data, size, &error) < 0) {
		require_line(storage);
		return;
	}
	require(order.mode != MAINTENANCE_NONE);
	bytes = order_format(&order);
	require(bytes && strlen(bytes) <= ORDER_TEXT_SIZE);
	require(order_parse(&again, bytes, strlen(bytes), &error) == 0);
	require(order_equals(&order, &again));
}

static void check_wish(const uint8_t *data, size_t size) {
	AUTO_FREE char *json = fuzz_string(data, size);
	AUTO_FREE char *bytes = NULL;
	struct wish wish, again;
	char storage[512];
	struct text error;

	text_init(&error, storage, sizeof(storage));
	if (wish_parse(&wish, json, &error) < 0) {
		require_line(storage);
		return;
	}
	require(wish.by[0] && wish.duration >= 0);
	bytes = wish_format(&wish);
	require(bytes && strlen(bytes) <= COMMAND_LARGEST);
	require(wish_parse(&again, bytes, &error) == 0);
	require(memcmp(&wish, &again, sizeof(wish)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	check_order(data, size);
	check_wish(data, size);
	return 0;
}
