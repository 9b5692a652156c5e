/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cppcheck, which reads no header of a library's, has to know of jansson's loops. */
#define json_array_foreach(array, index, value) \
	for (index = 0; (value = json_array_get(array, index)) != 0; index++)
#define json_object_foreach(object, key, value)                                          \
	for (key = next_key(object); key && (value = json_object_get(object, key)) != 0; \
	     key = next_key(object))
