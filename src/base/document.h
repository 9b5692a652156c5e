/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON documents that are whole or not at all. Where an allocation fails, jansson (2.14) does not
 * always say so: a text is read without the byte that could not be stored, or written without the
 * word; and a member that could not be made is left out. What is missing would be read as not being
 * so. Hence whoever reads or makes a document begins here, and asks at its end.
 */
#ifndef CLUSTERCHECKD_BASE_DOCUMENT_H
#define CLUSTERCHECKD_BASE_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>

/* Of this thread alone; documents do not nest. */
void document_begin(void);

/* True when memory has been short since the beginning. */
bool document_failed(void);

/* Writes the document, and gives up the reference. The caller frees the bytes; NULL: it failed. */
char *document_dump(json_t *root, size_t flags);

#endif
