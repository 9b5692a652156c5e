/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses to listen on, and networks that may connect.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/address.h"

/* --- listening ------------------------------------------------------------------------------ */

static void listen_takes(void **state) {
	static const struct {
		const char *written, *text;
		int family;
		uint16_t port;
		bool dual_stack;
	} cases[] = {
		{"*:9200", "*:9200", AF_INET6, 9200, true},
		{"[::]:9200", "*:9200", AF_INET6, 9200, true},
		{"[0::0]:9200", "*:9200", AF_INET6, 9200, true},
		{"0.0.0.0:9200", "0.0.0.0:9200", AF_INET, 9200, false},
		{"127.0.0.1:9200", "127.0.0.1:9200", AF_INET, 9200, false},
		{" 127.0.0.1:9200\t", "127.0.0.1:9200", AF_INET, 9200, false},
		{"[::1]:1", "[::1]:1", AF_INET6, 1, false},
		{"[2001:db8::7]:65535", "[2001:db8::7]:65535", AF_INET6, 65535, false},
		{"[::ffff:192.0.2.7]:80", "[::ffff:192.0.2.7]:80", AF_INET6, 80, false},
		{"127.0.0.1:09200", "127.0.0.1:9200", AF_INET, 9200, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct listen_list list;
		const struct listen_address *entry = &list.items[0];
		uint16_t port;

		if (listen_list_parse(&list, cases[i].written) != 0 || list.count != 1)
			fail_msg("%s is refused", cases[i].written);
		assert_string_equal(entry->text, cases[i].text);
		assert_int_equal(entry->address.ss_family, cases[i].family);
		assert_int_equal(entry->dual_stack, cases[i].dual_stack);
		if (cases[i].family == AF_INET) {
			port = ((const struct sockaddr_in *)&entry->address)->sin_port;
			assert_int_equal(entry->length, sizeof(struct sockaddr_in));
		} else {
			port = ((const struct sockaddr_in6 *)&entry->address)->sin6_port;
			assert_int_equal(entry->length, sizeof(struct sockaddr_in6));
		}
		assert_int_equal(ntohs(port), cases[i].port);
	}
}

static void listen_keeps_the_address(void **state) {
	const struct sockaddr_in *v4;
	const struct sockaddr_in6 *v6;
	struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;
	struct listen_list list;

	(void)state;
	assert_int_equal(listen_list_parse(&list, "127.0.0.2:80, [::1]:80,*:81"), 0);
	assert_int_equal(list.count, 3);
	v4 = (const struct sockaddr_in *)&list.items[0].address;
	v6 = (const struct sockaddr_in6 *)&list.items[1].address;
	assert_int_equal(ntohl(v4->sin_addr.s_addr), 0x7f000002);
	assert_memory_equal(&v6->sin6_addr, &loopback, sizeof(loopback));
	assert_string_equal(list.items[2].text, "*:81");
}

static void listen_refuses(void **state) {
	static const char *const cases[] = {
		" ",
		",",
		"9200",
		":9200",
		"*",
		"*:",
		"*:0",
		"*:65536",
		"*:99999",
		"*:123456",
		"*:-1",
		"*:+80",
		"*:http",
		"*: 80",
		"* :80",
		"**:80",
		"localhost:9200",
		"127.0.0.1",
		"127.0.0:9200",
		"127.0.0.1.1:9200",
		"256.0.0.1:9200",
		"127.0.0.01:9200",
		"::1:9200",
		"::",
		"[::1]",
		"[::1]9200",
		"[::1:9200",
		"::1]:9200",
		"[]:9200",
		"[127.0.0.1]:9200",
		"[fe80::1%lo]:9200",
		"[12345::]:9200",
		"/run/clustercheckd.sock",
		"*:80,",
		",*:80",
		"*:80,,*:81",
		"*:80 *:81",
		"*:80;*:81",
		"*:80,*:80",
		"*:80,[::]:80",
		"127.0.0.1:80,127.0.0.1:080",
		"[::1]:80,[0:0:0:0:0:0:0:1]:80", /* one address twice: the second cannot be bound */
		"[2001:DB8::1]:80,[2001:db8::1]:80",
		"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]:80",
	};
	struct listen_list list;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (listen_list_parse(&list, cases[i]) != -EINVAL)
			fail_msg("\"%s\" is taken", cases[i]);
}

static void listen_has_room_for_eight(void **state) {
	struct listen_list list;

	(void)state;
	assert_int_equal(listen_list_parse(&list, "*:1,*:2,*:3,*:4,*:5,*:6,*:7,*:8"), 0);
	assert_int_equal(list.count, LISTEN_MAX);
	assert_string_equal(list.items[7].text, "*:8");
	assert_int_equal(listen_list_parse(&list, "*:1,*:2,*:3,*:4,*:5,*:6,*:7,*:8,*:9"), -EINVAL);
	assert_int_equal(listen_list_parse(&list, ""), 0);
	assert_int_equal(list.count, 0);
}

/* --- networks ------------------------------------------------------------------------------- */

static bool allows(const char *networks, const char *peer) {
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct network_list list;

	assert_int_equal(network_list_parse(&list, networks), 0);
	if (inet_pton(AF_INET, peer, &v4.sin_addr) == 1)
		return network_list_allows(&list, (const struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, peer, &v6.sin6_addr), 1);
	return network_list_allows(&list, (const struct sockaddr *)&v6);
}

static void networks_match(void **state) {
	static const struct {
		const char *networks, *peer;
		bool allowed;
	} cases[] = {
		{"", "192.0.2.1", true},
		{"", "2001:db8::1", true},
		{"192.0.2.7", "192.0.2.7", true},
		{"192.0.2.7", "192.0.2.6", false},
		{"192.0.2.7/32", "192.0.2.7", true},
		{"192.0.2.7/32", "192.0.2.8", false},
		{"10.0.0.0/8", "10.0.0.0", true},
		{"10.0.0.0/8", "10.255.255.255", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.0.0/8", "9.255.255.255", false},
		{"10.128.0.0/9", "10.128.0.1", true},
		{"10.128.0.0/9", "10.127.255.255", false},
		{"192.0.2.0/31", "192.0.2.1", true},
		{"192.0.2.0/31", "192.0.2.2", false},
		{"192.0.2.4/30", "192.0.2.7", true},
		{"192.0.2.4/30", "192.0.2.8", false},
		{"0.0.0.0/0", "203.0.113.9", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"0.0.0.0/0", "::1", false},
		/* what a dual-stack socket says of an IPv4 peer */
		{"10.0.0.0/8", "::ffff:10.1.2.3", true},
		{"10.0.0.0/8", "::ffff:11.1.2.3", false},
		{"10.0.0.0/8", "::10.1.2.3", false},
		{"0.0.0.0/0", "::ffff:203.0.113.9", true},
		{"::ffff:10.0.0.0/104", "10.1.2.3", true},
		{"::ffff:10.0.0.0/104", "11.1.2.3", false},
		{"2001:db8::/32", "2001:db8:ffff::1", true},
		{"2001:db8::/32", "2001:db9::1", false},
		{"2001:db8::/32", "10.0.0.1", false},
		{"2001:db8::1", "2001:db8::1", true},
		{"2001:db8::1", "2001:db8::2", false},
		{"2001:db8::/127", "2001:db8::1", true},
		{"2001:db8::/127", "2001:db8::2", false},
		{"fe80::/10", "febf::1", true},
		{"fe80::/10", "fec0::1", false},
		{"::/0", "2001:db8::1", true},
		{"::/0", "10.0.0.1", true},
		{"::1", "127.0.0.1", false},
		{"127.0.0.0/8, ::1", "::1", true},
		{"127.0.0.0/8,::1", "127.9.9.9", true},
		{" 10.0.0.0/8 ,\t192.0.2.7 ", "192.0.2.7", true},
		{"10.0.0.0/8, 192.0.2.7", "192.0.2.8", false},
		{"10.0.0.0/08", "10.1.1.1", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (allows(cases[i].networks, cases[i].peer) != cases[i].allowed)
			fail_msg("\"%s\" and %s: expected %d", cases[i].networks, cases[i].peer,
				 cases[i].allowed);
}

static void networks_refuse(void **state) {
	static const char *const cases[] = {
		" ",
		",",
		"10.0.0.0/8,",
		",10.0.0.0/8",
		"10.0.0.0/8,,::1",
		"10.0.0.0/8 ::1",
		"10.0.0.0/33",
		"10.0.0.0/",
		"10.0.0.0/-8",
		"10.0.0.0/+8",
		"10.0.0.0/8/8",
		"10.0.0.0/255.0.0.0",
		"10.0.0.0 /8",
		"10.0.0.0/ 8",
		"10.0.0.1/8",
		"10.0.0.128/24",
		"192.0.2.1/31",
		"0.0.0.1/0",
		"10.0.0/8",
		"10/8",
		"*",
		"/8",
		"::/129",
		"::1/0",
		"2001:db8::1/64",
		"[::1]",
		"::1:9200:",
		"localhost",
		"example.org/24",
		"fe80::1%lo",
		"10.0.0.0/999999",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001",
	};
	struct network_list list;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (network_list_parse(&list, cases[i]) != -EINVAL)
			fail_msg("\"%s\" is taken", cases[i]);
}

static void networks_have_room_for_sixty_four(void **state) {
	struct network_list list;
	char written[1024] = "";

	(void)state;
	for (int i = 0; i < NETWORK_MAX; i++)
		snprintf(written + strlen(written), sizeof(written) - strlen(written),
			 "%s10.0.0.%d", i ? "," : "", i);
	assert_int_equal(network_list_parse(&list, written), 0);
	assert_int_equal(list.count, NETWORK_MAX);
	assert_true(allows(written, "10.0.0.63"));
	assert_false(allows(written, "10.0.0.64"));
	strcat(written, ",10.0.0.64");
	assert_int_equal(network_list_parse(&list, written), -EINVAL);
}

/* A Unix socket has its own permissions; a family nobody knows has none. */
static void other_families(void **state) {
	const struct sockaddr local = {.sa_family = AF_UNIX};
	const struct sockaddr strange = {.sa_family = AF_PACKET};
	struct network_list list;

	(void)state;
	assert_int_equal(network_list_parse(&list, "192.0.2.7"), 0);
	assert_true(network_list_allows(&list, &local));
	assert_false(network_list_allows(&list, &strange));
}

static void addresses_are_described(void **state) {
	struct listen_list list;
	struct sockaddr other = {.sa_family = AF_UNIX};
	char text[64];

	(void)state;
	assert_int_equal(listen_list_parse(&list, "127.0.0.1:80,[::1]:81"), 0);
	for (size_t i = 0; i < list.count; i++) {
		assert_int_equal(address_describe((const struct sockaddr *)&list.items[i].address,
						  text, sizeof(text)),
				 0);
		assert_string_equal(text, i ? "[::1]:81" : "127.0.0.1:80");
	}
	assert_int_equal(address_describe(&other, text, sizeof(text)), 0);
	assert_string_equal(text, "unix");
	other.sa_family = AF_NETLINK;
	assert_int_equal(address_describe(&other, text, sizeof(text)), -EAFNOSUPPORT);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listen_takes),
		cmocka_unit_test(listen_keeps_the_address),
		cmocka_unit_test(listen_refuses),
		cmocka_unit_test(listen_has_room_for_eight),
		cmocka_unit_test(addresses_are_described),
		cmocka_unit_test(networks_match),
		cmocka_unit_test(networks_refuse),
		cmocka_unit_test(networks_have_room_for_sixty_four),
		cmocka_unit_test(other_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
