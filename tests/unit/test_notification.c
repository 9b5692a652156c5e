/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notifications: Galera's arguments in all their spellings, and datagrams from anyone.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/notification.h"

static struct notification notification;
static const char *socket_path;

#define TAKE(...) \
	notification_take_arguments(&notification, (char *[]){__VA_ARGS__, NULL}, &socket_path)

static void expect(const char *status, const char *primary, const char *index) {
	assert_string_equal(notification.status, status);
	assert_string_equal(notification.primary, primary);
	assert_string_equal(notification.index, index);
}

static void arguments_as_galera_gives_them(void **state) {
	(void)state;
	TAKE("--status", "synced", "--uuid", "3f5fb61c-e822-11f1-aec2-5ee54cdedab9", "--primary",
	     "yes", "--index", "2", "--members", "3f5f20e6/node1/127.0.0.11:3306,/node2/");
	expect("synced", "yes", "2");
	assert_null(socket_path);
	TAKE("--status", "Synced", "--uuid", "x", "--primary", "Yes", "--index", "0");
	expect("synced", "yes", "0");
	TAKE("--status=Donor", "--primary=no", "--index=-1");
	expect("donor", "no", "-1");
	/* What a node in no view has for an index. */
	TAKE("--index", "18446744073709551615");
	expect("", "", "18446744073709551615");
}

static void the_socket_may_be_named(void **state) {
	(void)state;
	TAKE("-s", "/a/b", "--status", "joined");
	expect("joined", "", "");
	assert_string_equal(socket_path, "/a/b");
	TAKE("--status", "joined", "--socket", "/c");
	expect("joined", "", "");
	assert_string_equal(socket_path, "/c");
	TAKE("--socket=/d", "--status", "joined");
	assert_string_equal(socket_path, "/d");
}

static void what_is_not_known_is_passed_over(void **state) {
	char *none[] = {NULL};
	char huge[4096];

	(void)state;
	notification_take_arguments(&notification, none, &socket_path);
	expect("", "", "");
	TAKE("--new", "thing", "--status", "joined", "stray", "--other=1", "", "-", "--");
	expect("joined", "", "");
	assert_null(socket_path);
	TAKE("--status");
	expect("", "", "");
	TAKE("--status", "--uuid", "x", "--primary", "yes");
	expect("", "yes", "");
	TAKE("--statuses", "synced", "--status", "donor");
	expect("donor", "", "");
	TAKE("-s");
	assert_null(socket_path);
	memset(huge, 'a', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	TAKE("--status", huge, "--index", huge, "--primary", "no");
	expect("", "no", "");
	TAKE("--status", "syn\nced", "--primary", "y es", "--index", "1=2");
	expect("", "", "");
}

static int parse(const char *bytes, size_t length) {
	/* Exactly sized, so that a sanitizer sees a byte too far. */
	AUTO_FREE char *copy = malloc(length ? length : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	return notification_parse(&notification, copy, length);
}

static void a_datagram_comes_back_as_it_went(void **state) {
	char storage[NOTIFICATION_SIZE];
	struct text datagram;

	(void)state;
	TAKE("--status", "Disconnecting", "--primary", "no", "--index", "18446744073709551615");
	text_init(&datagram, storage, sizeof(storage));
	notification_write(&notification, &datagram);
	assert_false(datagram.truncated);
	assert_int_equal(parse(datagram.bytes, datagram.length), 0);
	expect("disconnecting", "no", "18446744073709551615");
}

/* Every prefix, every byte changed to every other, and bytes behind. */
static void mutilated_datagrams_are_survived(void **state) {
	char storage[NOTIFICATION_SIZE];
	struct text datagram;

	(void)state;
	TAKE("--status", "synced", "--primary", "yes", "--index", "1");
	text_init(&datagram, storage, sizeof(storage));
	notification_write(&notification, &datagram);
	for (size_t length = 0; length < datagram.length; length++)
		assert_int_equal(parse(storage, length), -EINVAL);
	for (size_t i = 0; i < datagram.length; i++) {
		char kept = storage[i];

		for (int byte = 0; byte < 256; byte++) {
			storage[i] = (char)byte;
			if (parse(storage, datagram.length) == 0)
				assert_null(strpbrk(notification.status, "\n\033 ="));
		}
		storage[i] = kept;
	}
	storage[datagram.length] = 'x';
	assert_int_equal(parse(storage, datagram.length + 1), -EINVAL);
	assert_int_equal(parse("", 0), -EINVAL);
	assert_int_equal(parse("synced\n", 7), -EINVAL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_as_galera_gives_them),
		cmocka_unit_test(the_socket_may_be_named),
		cmocka_unit_test(what_is_not_known_is_passed_over),
		cmocka_unit_test(a_datagram_comes_back_as_it_went),
		cmocka_unit_test(mutilated_datagrams_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
