/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The keys under which session tickets are sealed (AES-256-CBC with HMAC-SHA-256, RFC 5077 section 4), shared by all
 * workers and contexts. Three generations: the one that seals, the one before (still opens), and the next one (so that
 * another instance that has it already can open). Everything but ref and unref is called on one thread; workers read the
 * keys at any time and take no lock.
 *
 * Times are in seconds of one clock that goes on over restarts and that all instances share: time(2).
 */
struct tls_tickets;

#define TLS_TICKETS_BLOB_SIZE 512

/* Random keys; they change every `rotation` seconds. -ENOMEM, or -EIO when OpenSSL has no cipher or no randomness. */
int tls_tickets_new(int64_t now, int64_t rotation, struct tls_tickets **ret_tickets);
struct tls_tickets *tls_tickets_ref(struct tls_tickets *tickets);
struct tls_tickets *tls_tickets_unref(struct tls_tickets *tickets); /* NULL; wipes the keys with the last reference */

/* A reload may change how often the keys change. */
void tls_tickets_set_rotation(struct tls_tickets *tickets, int64_t rotation);

/* Rotates if it is time; to be called now and then. True when the keys changed, so that they should be saved. */
bool tls_tickets_rotate(struct tls_tickets *tickets, int64_t now);

/* The keys as bytes, for a sealed memfd in systemd's descriptor store, and back: length of the blob. Restoring leaves the
 * keys as they are with -EBADMSG for bytes of another version or length, or -ESTALE for keys that are too old. Rotate
 * afterwards. */
size_t tls_tickets_save(const struct tls_tickets *tickets, unsigned char ret_blob[TLS_TICKETS_BLOB_SIZE]);
int tls_tickets_restore(struct tls_tickets *tickets, const unsigned char *blob, size_t length, int64_t now);
