/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/steward.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "node/announce.h"

/* For another process that is at the file. */
#define PATIENCE NSEC_PER_SEC

struct steward {
	pthread_mutex_t lock;
	struct publication *publication; /* or NULL */
	struct maintenance_files files;
	struct order order; /* as published */
	bool has_read;	    /* what stands there, or that it cannot be known */
	bool swept;	    /* its time was over, and its file was taken away or could not be */
	int64_t sweep_by;   /* clock_now() from when on another process is not waited for; or 0 */
};

struct steward *steward_create(struct publication *publication,
			       const struct maintenance_files *files) {
	struct steward *steward = calloc(1, sizeof(*steward));

	if (!steward)
		return NULL;
	pthread_mutex_init(&steward->lock, NULL);
	steward->publication = publication;
	steward->files = *files;
	return steward;
}

void steward_destroy(struct steward *steward) {
	if (!steward)
		return;
	pthread_mutex_destroy(&steward->lock);
	free(steward);
}

/* --- with the lock held --------------------------------------------------------------------- */

static size_t publish(struct steward *steward, const struct order *order, struct change *changes) {
	steward->order = *order;
	steward->swept = false;
	steward->sweep_by = 0;
	if (!steward->publication)
		return 0;
	return publication_set_order(steward->publication, order, changes);
}

static bool is_over(const struct order *order) {
	return order->mode != MAINTENANCE_NONE &&
	       order_mode(order, clock_now()) == MAINTENANCE_NONE;
}

/*
 * The lock that keeps others from giving an order between the last look at the file and its
 * removal. Without waiting: the prober must not. False when it is to be tried again.
 */
static bool lock_to_sweep(struct steward *steward, int *lock) {
	*lock = maintenance_lock(steward->files.file, 0);
	if (*lock != -EWOULDBLOCK)
		return true;
	if (steward->sweep_by == 0)
		steward->sweep_by = clock_now() + PATIENCE;
	return clock_now() >= steward->sweep_by;
}

/* Whether the order that is over still is what stands there; if not, the next look takes it. */
static bool is_unchanged(const struct steward *steward) {
	struct order fresh;

	return maintenance_read(&steward->files, &fresh) == 0 &&
	       order_equals(&fresh, &steward->order);
}

/* The file goes; until then it would be read as an order again after a restart of the clock. */
static size_t sweep(struct steward *steward, bool locked, struct change *changes) {
	const struct order none = {0};
	AUTO_CLOSE int lock = -1;
	char storage[512];
	struct text error;

	if (steward->swept || (!locked && !lock_to_sweep(steward, &lock)) || !is_unchanged(steward))
		return 0;
	text_init(&error, storage, sizeof(storage));
	log_info("%s ends: its time is over",
		 steward->order.mode == MAINTENANCE_DRAINING ? "drain" : "disable");
	if (maintenance_remove(steward->files.file, &error) == 0)
		return publish(steward, &none, changes);
	log_warning("%s; the order in it is over all the same", storage);
	steward->swept = true;
	return 0;
}

/*
 * What cannot be read at the moment is what was just written, or else stands as it stood. Where
 * nothing stood yet, at the start, the node is rather out than in against an order. `locked`: other
 * processes are kept from the file already.
 */
static size_t read_again(struct steward *steward, bool locked, const struct order *written,
			 struct change *changes) {
	struct order fresh;
	int r = maintenance_read(&steward->files, &fresh);

	if (r == -EAGAIN && written)
		fresh = *written;
	else if (r == -EAGAIN && steward->has_read)
		return 0;
	steward->has_read = true;
	if (order_equals(&fresh, &steward->order))
		return is_over(&steward->order) ? sweep(steward, locked, changes) : 0;
	order_reckon(&fresh, clock_now(), clock_wall());
	if (fresh.origin == ORDER_DAMAGED)
		log_error("%s: %s; the node counts as disabled until this is mended", fresh.file,
			  fresh.reason);
	return publish(steward, &fresh, changes);
}

static bool is_of_another(const struct order *order, const struct wish *wish) {
	return order_mode(order, clock_now()) != MAINTENANCE_NONE &&
	       (order->origin != ORDER_GIVEN || strcmp(order->by, wish->by) != 0);
}

/* As it will be read again. */
static void make_order(const struct steward *steward, const struct wish *wish,
		       struct order *order) {
	int64_t since = clock_wall() / NSEC_PER_MSEC * NSEC_PER_MSEC;

	*order = (struct order){0};
	if (wish->mode == MAINTENANCE_NONE)
		return;
	*order = (struct order){.mode = wish->mode, .origin = ORDER_GIVEN, .since = since};
	memcpy(order->file, steward->files.file, sizeof(order->file));
	memcpy(order->by, wish->by, sizeof(order->by));
	memcpy(order->reason, wish->reason, sizeof(order->reason));
	if (wish->duration)
		order->until = (since + wish->duration) / NSEC_PER_MSEC * NSEC_PER_MSEC;
}

/* Below a legacy file an order of one's own goes, or it would come to light with that one's end. */
static int fulfil_below_legacy(struct steward *steward, const struct wish *wish,
			       struct text *error) {
	struct maintenance_files hidden = steward->files;
	struct order order;
	int r = 0;

	hidden.legacy_file[0] = '\0';
	maintenance_look(&hidden, &order);
	if (wish->mode == MAINTENANCE_NONE && !is_of_another(&order, wish))
		r = maintenance_remove(hidden.file, error);
	if (r < 0)
		return r;
	order_describe(&steward->order, clock_now(), error);
	return -EBUSY;
}

static int fulfil(struct steward *steward, const struct wish *wish, struct order *order,
		  struct text *error) {
	if (!steward->files.file[0]) {
		text_append(error, "[maintenance] file is empty: there is no place for an order");
		return -ENOTSUP;
	}
	if (wish->own_only && steward->order.origin == ORDER_LEGACY)
		return fulfil_below_legacy(steward, wish, error);
	if (wish->own_only && is_of_another(&steward->order, wish)) {
		order_describe(&steward->order, clock_now(), error);
		return -EBUSY;
	}
	make_order(steward, wish, order);
	if (wish->mode == MAINTENANCE_NONE)
		return maintenance_remove(steward->files.file, error);
	return maintenance_write(steward->files.file, order, error);
}

/* --- from outside --------------------------------------------------------------------------- */

void steward_refresh(struct steward *steward) {
	struct change changes[ENDPOINT_MAX];
	size_t count;

	pthread_mutex_lock(&steward->lock);
	count = read_again(steward, false, NULL, changes);
	pthread_mutex_unlock(&steward->lock);
	announce_changes(changes, count);
}

void steward_look(struct steward *steward) {
	struct change changes[ENDPOINT_MAX];
	size_t count;

	if (pthread_mutex_trylock(&steward->lock) != 0)
		return;
	count = read_again(steward, false, NULL, changes);
	pthread_mutex_unlock(&steward->lock);
	announce_changes(changes, count);
}

void steward_configure(struct steward *steward, const struct maintenance_files *files) {
	pthread_mutex_lock(&steward->lock);
	/* What stood in another file says nothing about this one. */
	if (strcmp(steward->files.file, files->file) != 0)
		steward->has_read = false;
	steward->files = *files;
	pthread_mutex_unlock(&steward->lock);
	steward_refresh(steward);
}

int steward_order(struct steward *steward, const struct wish *wish, struct text *error) {
	struct change before[ENDPOINT_MAX], after[ENDPOINT_MAX];
	size_t before_count, after_count;
	struct order order;
	int lock, r;

	pthread_mutex_lock(&steward->lock);
	lock = maintenance_lock(steward->files.file, PATIENCE);
	before_count = read_again(steward, lock >= 0, NULL, before);
	r = fulfil(steward, wish, &order, error);
	/* Even a failure may have changed the file: what stands there counts. */
	after_count = read_again(steward, lock >= 0, r == 0 ? &order : NULL, after);
	cleanup_close(&lock);
	pthread_mutex_unlock(&steward->lock);
	announce_changes(before, before_count);
	announce_changes(after, after_count);
	return r;
}

void steward_current(struct steward *steward, struct order *order) {
	pthread_mutex_lock(&steward->lock);
	*order = steward->order;
	pthread_mutex_unlock(&steward->lock);
	if (is_over(order))
		*order = (struct order){0};
}
