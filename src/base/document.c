/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/document.h"

#include <stdlib.h>

#include "base/cleanup.h"

static _Thread_local bool failed;

static void *allocate(size_t size) {
	void *memory = malloc(size);

	failed = failed || !memory;
	return memory;
}

/* Before main(): jansson must free as it has allocated. */
static void __attribute__((constructor)) set_allocator(void) {
	json_set_alloc_funcs(allocate, free);
}

void document_begin(void) {
	failed = false;
}

bool document_failed(void) {
	return failed;
}

char *document_dump(json_t *root, size_t flags) {
	AUTO_FREE char *bytes = json_dumps(root, flags);

	json_decref(root);
	return failed ? NULL : TAKE_POINTER(bytes);
}
