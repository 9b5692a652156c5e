/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bounded text buffer, and durations for people.
 */
#include "unit.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

/* Storage between two guards, so that one byte too many is seen. */
struct guarded {
	char before;
	char storage[8];
	char after;
};

static void guard(struct guarded *guarded) {
	memset(guarded, '#', sizeof(*guarded));
}

static void check_guards(const struct guarded *guarded) {
	assert_int_equal(guarded->before, '#');
	assert_int_equal(guarded->after, '#');
}

static void begins_empty(void **state) {
	struct guarded guarded;
	struct text text;

	(void)state;
	guard(&guarded);
	text_init(&text, guarded.storage, sizeof(guarded.storage));
	assert_string_equal(guarded.storage, "");
	assert_int_equal(text.length, 0);
	assert_false(text.truncated);
	check_guards(&guarded);
}

static void appends_to_the_last_byte(void **state) {
	struct guarded guarded;
	struct text text;

	(void)state;
	guard(&guarded);
	text_init(&text, guarded.storage, sizeof(guarded.storage));
	text_append(&text, "");
	text_append(&text, "abc");
	text_format(&text, "%s%d", "d", 42);
	text_append_bytes(&text, "xyz", 1);
	assert_string_equal(guarded.storage, "abcd42x");
	assert_int_equal(text.length, 7);
	assert_false(text.truncated);
	text_append(&text, "");
	assert_false(text.truncated);
	check_guards(&guarded);
}

static void append_keeps_what_fits(void **state) {
	struct guarded guarded;
	struct text text;

	(void)state;
	guard(&guarded);
	text_init(&text, guarded.storage, sizeof(guarded.storage));
	text_append(&text, "abc");
	text_append(&text, "defgh");
	assert_string_equal(guarded.storage, "abcdefg");
	assert_int_equal(text.length, 7);
	assert_true(text.truncated);
	text_append(&text, "more");
	assert_string_equal(guarded.storage, "abcdefg");
	assert_int_equal(text.length, 7);
	check_guards(&guarded);
}

static void format_keeps_what_fits(void **state) {
	struct guarded guarded;
	struct text text;

	(void)state;
	guard(&guarded);
	text_init(&text, guarded.storage, sizeof(guarded.storage));
	text_format(&text, "%d", 1234567);
	assert_false(text.truncated);
	text_format(&text, "%s", "");
	assert_false(text.truncated);
	text_format(&text, "%d", 8);
	assert_true(text.truncated);
	assert_string_equal(guarded.storage, "1234567");
	assert_int_equal(text.length, 7);
	text_init(&text, guarded.storage, sizeof(guarded.storage));
	text_format(&text, "%s", "abcdefgh");
	assert_true(text.truncated);
	assert_string_equal(guarded.storage, "abcdefg");
	check_guards(&guarded);
}

static void one_byte_holds_the_end_alone(void **state) {
	char storage[2] = {'#', '#'};
	struct text text;

	(void)state;
	text_init(&text, storage, 1);
	text_append(&text, "a");
	text_format(&text, "%d", 1);
	assert_int_equal(text.length, 0);
	assert_true(text.truncated);
	assert_int_equal(storage[0], '\0');
	assert_int_equal(storage[1], '#');
}

static void bytes_may_be_anything(void **state) {
	char storage[8];
	struct text text;

	(void)state;
	text_init(&text, storage, sizeof(storage));
	text_append_bytes(&text, "a\0b", 3);
	assert_int_equal(text.length, 3);
	assert_memory_equal(storage, "a\0b", 4);
}

static void copy_says_when_it_cut(void **state) {
	char target[4];

	(void)state;
	assert_true(text_copy(target, sizeof(target), "abc"));
	assert_string_equal(target, "abc");
	assert_false(text_copy(target, sizeof(target), "wxyz"));
	assert_string_equal(target, "wxy");
	assert_true(text_copy(target, sizeof(target), ""));
	assert_string_equal(target, "");
	assert_true(text_copy(target, 1, ""));
	assert_false(text_copy(target, 1, "a"));
	assert_string_equal(target, "");
}

static void a_cut_is_marked(void **state) {
	static const struct {
		const char *written, *expected;
	} cases[] = {
		{"", ""},
		{"abcdefghijk", "abcdefghijk"}, /* just fits: nothing was lost */
		{"abcdefghijkl", "abcdefgh…"},
		{"abcdefg→ijkl", "abcdefg…"}, /* never half a character */
		{"abcdef→ijkl", "abcdef…"},
		{"abcde→ijkl", "abcde→…"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char storage[13] = "............";
		struct text text;

		text_init(&text, storage, 12);
		text_append(&text, cases[i].written);
		text_mark_cut(&text);
		assert_string_equal(storage, cases[i].expected);
		assert_int_equal(text.length, strlen(storage));
		assert_int_equal(storage[12], '\0');
	}
}

static void what_others_wrote_is_flattened(void **state) {
	static const struct {
		const char *written, *expected;
	} cases[] = {
		{"", ""},
		{"a b~", "a b~"},
		{"a\nb\t\x1b[2J\x7f", "a?b??[2J?"},
		{"\xc2\x9b\x32J", "??2J"}, /* CSI as one character of UTF-8 */
		{"\xc2\x80\xc2\x9f\xc2\xa0", "????\xc2\xa0"},
		{"é → 𝄞", "é → 𝄞"},
		{"\xe9t\xe9", "?t?"}, /* Latin-1 */
		{"\xe2\x86", "??"},   /* cut */
		{"\xf0\x9d\x84", "???"},
		{"\x80\xbf\xff\xfe", "????"},
		{"\xc0\x9b\xc1\xbf", "????"}, /* longer than needed */
		{"\xe0\x82\x9b", "???"},
		{"\xf0\x80\x82\x9b", "????"},
		{"\xed\xa0\x80\xed\x9f\xbf\xee\x80\x80", "???\xed\x9f\xbf\xee\x80\x80"},
		{"\xf4\x8f\xbf\xbf\xf4\x90\x80\x80", "\xf4\x8f\xbf\xbf????"},
		{"\xf5\x80\x80\x80", "????"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char storage[64];
		struct text text;

		text_init(&text, storage, sizeof(storage));
		text_append(&text, "\n");
		text_append(&text, cases[i].written);
		text_flatten(&text, 1, '?');
		assert_string_equal(storage + 1, cases[i].expected);
		assert_int_equal(storage[0], '\n');
	}
}

static void durations_for_people(void **state) {
	static const struct {
		int64_t nanoseconds;
		const char *expected;
	} cases[] = {
		{0, "0 ms"},
		{999999, "0 ms"},
		{750 * NSEC_PER_MSEC, "750 ms"},
		{NSEC_PER_SEC - 1, "999 ms"},
		{NSEC_PER_SEC, "1.0 s"},
		{12345 * NSEC_PER_MSEC, "12.3 s"},
		{60 * NSEC_PER_SEC - 1, "59.9 s"},
		{60 * NSEC_PER_SEC, "1 min 00 s"},
		{245 * NSEC_PER_SEC, "4 min 05 s"},
		{3600 * NSEC_PER_SEC - 1, "59 min 59 s"},
		{3600 * NSEC_PER_SEC, "1 h 00 min"},
		{12000 * NSEC_PER_SEC, "3 h 20 min"},
		{86400 * NSEC_PER_SEC - 1, "23 h 59 min"},
		{86400 * NSEC_PER_SEC, "1 d 0 h"},
		{187200 * NSEC_PER_SEC, "2 d 4 h"},
		{INT64_MAX, "106751 d 23 h"},
	};
	char storage[64];
	struct text text;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		text_init(&text, storage, sizeof(storage));
		text_append_duration(&text, cases[i].nanoseconds);
		assert_string_equal(storage, cases[i].expected);
	}
}

/* What poll(2) gets: never 0 before the deadline, or a wait would spin. */
static void time_left_is_rounded_up(void **state) {
	const int day = 24 * 3600 * 1000;

	(void)state;
	assert_int_equal(clock_left_ms(100, 100), 0);
	assert_int_equal(clock_left_ms(100, 101), 0);
	assert_int_equal(clock_left_ms(101, 100), 1);
	assert_int_equal(clock_left_ms(NSEC_PER_MSEC, 0), 1);
	assert_int_equal(clock_left_ms(NSEC_PER_MSEC + 1, 0), 2);
	assert_int_equal(clock_left_ms(NSEC_PER_SEC, 0), 1000);
	assert_int_equal(clock_left_ms(CLOCK_NEVER, 0), day);
	assert_int_equal(clock_left_ms(CLOCK_NEVER, clock_now()), day);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_empty),
		cmocka_unit_test(appends_to_the_last_byte),
		cmocka_unit_test(append_keeps_what_fits),
		cmocka_unit_test(format_keeps_what_fits),
		cmocka_unit_test(one_byte_holds_the_end_alone),
		cmocka_unit_test(bytes_may_be_anything),
		cmocka_unit_test(copy_says_when_it_cut),
		cmocka_unit_test(a_cut_is_marked),
		cmocka_unit_test(what_others_wrote_is_flattened),
		cmocka_unit_test(durations_for_people),
		cmocka_unit_test(time_left_is_rounded_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
