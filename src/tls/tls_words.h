/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/error.h"

/* OpenSSL's error queue in words for people. */

/* The words for one code of ERR_get_error; static. */
const char *tls_words(unsigned long code);

/* error_set with ": " and the words for the first cause in the queue appended; empties the queue. Returns `code`. */
int tls_words_set(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Empties the queue when there is something in it: OpenSSL takes what a call before it left there for its own. */
void tls_words_clear(void);
