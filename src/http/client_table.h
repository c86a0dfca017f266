/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * The account of each client address: what it holds at a time, over all workers. IPv6 clients count by /64. Also says when
 * a line may be logged about one. Thread-safe; locks are held for a look-up, at accept and close only.
 */
struct client_table;
struct client_entry;

int client_table_new(struct client_table **ret_table);
void client_table_free(struct client_table *table);

/* Counts one more connection of this address. `limit` 0: none. -EUSERS above it, -ENOMEM. NULL entry for addresses other than IP. */
int client_table_enter(struct client_table *table, const struct sockaddr *address, int64_t limit,
                       struct client_entry **ret_entry);
void client_table_leave(struct client_table *table, struct client_entry *entry); /* NULL */

/* What is charged to an account besides its connections. Each is given back by whoever charged it, before client_table_leave. */
enum client_holding {
        CLIENT_REQUESTS,    /* under way */
        CLIENT_HEAD_MEMORY, /* bytes of heads that are not complete */
        CLIENT_SLOW_READS,  /* answers that are taken too slowly */
        CLIENT_HOLDINGS,
};

/* Charges `amount`; -EUSERS, and nothing is charged, when that were more than `limit` (0: none). Lock-free. A NULL account has no limit. */
int client_account_charge(struct client_entry *entry, enum client_holding holding, uint32_t amount, uint64_t limit);
void client_account_release(struct client_entry *entry, enum client_holding holding, uint32_t amount);

/* Whether something may be logged about this address in this second: true once, then false till the next. Lock-free;
 * two addresses may share a slot, which then logs less, never more. */
bool client_table_may_log(struct client_table *table, const struct sockaddr *address, int64_t second);

/* Remembers that a connection of this address was ended for a flood, at `now` (ms, above 0), and when the last one was; 0: none is known.
 * Lock-free; two addresses may share a slot. Nothing is known of addresses other than IP. */
void client_table_note_flood(struct client_table *table, const struct sockaddr *address, uint64_t now);
uint64_t client_table_flooded_at(struct client_table *table, const struct sockaddr *address);

/* Addresses with a connection. */
uint64_t client_table_count(struct client_table *table);
