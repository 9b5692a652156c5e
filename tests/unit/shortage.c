/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shortage.h"

#include <errno.h>

/* Of the thread that walks: what goes on in others is not part of the way. */
static _Thread_local struct {
	unsigned long nth;  /* that fails on this way */
	unsigned long left; /* until then; 0: none does */
	bool for_good;	    /* and all after it */
	unsigned long failures;
} shortage;

bool shortage_strikes(void) {
	if (shortage.left == 0 || --shortage.left > 0)
		return false;
	shortage.failures++;
	if (shortage.for_good)
		shortage.left = 1;
	errno = ENOMEM;
	return true;
}

unsigned long shortage_failures(void) {
	return shortage.failures;
}

void shortage_begin(void) {
	shortage.left = shortage.nth;
}

void shortage_end(void) {
	shortage.left = 0;
}

unsigned long shortage_walk(void (*go)(void *context), void *context, bool for_good) {
	shortage.nth = 0;
	shortage.for_good = for_good;
	do {
		shortage.nth++;
		shortage.failures = 0;
		go(context);
		shortage_end();
	} while (shortage.failures > 0);
	return shortage.nth - 1;
}

void *__real_malloc(size_t size);
void *__real_realloc(void *pointer, size_t size);
char *__real_strdup(const char *text);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size) {
	return shortage_strikes() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
	return shortage_strikes() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *pointer, size_t size) {
	return shortage_strikes() ? NULL : __real_realloc(pointer, size);
}

char *__wrap_strdup(const char *text) {
	return shortage_strikes() ? NULL : __real_strdup(text);
}
