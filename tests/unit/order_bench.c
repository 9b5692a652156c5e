/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "order_bench.h"

struct maintenance_files files;
char directory[] = "/tmp/clustercheckd-unit-XXXXXX";
struct publication *publication;
struct steward *steward;
char told[640];

int bench_begin(void **state) {
	static const struct endpoint_list endpoints = {
		.count = 1, .items = {{.path = "/", .policy = {.max_age = NSEC_PER_SEC}}}};

	(void)state;
	if (make_directory(directory) < 0)
		return -1;
	snprintf(files.file, sizeof(files.file), "%s/maintenance", directory);
	snprintf(files.legacy_file, sizeof(files.legacy_file), "%s/disabled", directory);
	publication = publication_create(&endpoints);
	steward = steward_create(publication, &files);
	return publication && steward ? 0 : -1;
}

int bench_end(void **state) {
	(void)state;
	steward_destroy(steward);
	publication_destroy(publication);
	unlink(files.file);
	unlink(files.legacy_file);
	return rmdir(directory);
}

struct snapshot published(void) {
	struct snapshot snapshot;

	publication_copy(publication, &snapshot, NULL);
	return snapshot;
}

enum maintenance mode(void) {
	struct snapshot snapshot = published();

	return order_mode(&snapshot.facts.order, clock_now());
}

int give_wish(const struct wish *wish) {
	struct text error;

	text_init(&error, told, sizeof(told));
	return steward_order(steward, wish, &error);
}

int give(enum maintenance wanted, const char *by, bool own_only) {
	struct wish wish = {.mode = wanted, .own_only = own_only};

	text_copy(wish.by, sizeof(wish.by), by);
	return give_wish(&wish);
}
