/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server's status file: what is taken from it is one line of text and a share. */
#include "fuzz.h"

#include <string.h>

#include "node/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct transfer transfer = {0};
	char storage[128];
	struct text text;

	if (transfer_parse(&transfer, (const char *)data, size) < 0) {
		require(!transfer.known);
		return 0;
	}
	require(transfer.known && !transfer.receiving);
	require(transfer.progress >= 0 && transfer.progress <= 1);
	require(transfer.has_progress || transfer.progress == 0);
	require(!strpbrk(transfer.state, "\n\r\033") && !strpbrk(transfer.comment, "\n\r\033"));
	text_init(&text, storage, sizeof(storage));
	transfer_describe(&transfer, 0, &text);
	require(!text.truncated);
	return 0;
}
