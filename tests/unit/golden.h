/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Golden files: what a renderer makes of the sample report, byte for byte. After a wanted change,
 * UPDATE_GOLDEN=1 meson test -C build writes them anew; then read the diff.
 */
#ifndef CLUSTERCHECKD_TESTS_GOLDEN_H
#define CLUSTERCHECKD_TESTS_GOLDEN_H

/* Fails the running test when the file tests/unit/golden/NAME holds anything but `text`. */
void golden_compare(const char *name, const char *text);

#endif
