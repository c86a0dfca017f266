/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The keys under which session tickets are sealed (AES-256-CBC with HMAC-SHA-256, RFC 5077 section 4), shared by all workers and
 * contexts. Three generations: the one that seals, the one before (still opens), the next one (so that another instance that has it already can open).
 * Rotation happens on one thread; readers take no lock.
 */
struct tls_tickets;

#define TLS_TICKETS_BLOB_SIZE 512

/* Random keys; `now` and `rotation` in seconds. */
int tls_tickets_new(int64_t now, int64_t rotation, struct tls_tickets **ret_tickets);
struct tls_tickets *tls_tickets_ref(struct tls_tickets *tickets);
struct tls_tickets *tls_tickets_unref(struct tls_tickets *tickets); /* NULL; wipes the keys */

/* Rotates if it is time; to be called now and then. True when the keys changed, so that they should be saved. */
bool tls_tickets_rotate(struct tls_tickets *tickets, int64_t now);

/* The keys as bytes, for a sealed memfd in systemd's descriptor store, and back. -EBADMSG for bytes of another version or length, -ESTALE for keys that are too old. */
size_t tls_tickets_save(const struct tls_tickets *tickets, unsigned char ret_blob[TLS_TICKETS_BLOB_SIZE]);
int tls_tickets_restore(struct tls_tickets *tickets, const unsigned char *blob, size_t length, int64_t now);
