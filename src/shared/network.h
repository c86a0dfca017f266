/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * Networks as people write them ("192.0.2.0/24", "2001:db8::/32", "::1"), and sets of them. IPv4 addresses are taken for what they are
 * mapped to in IPv6 (RFC 4291 section 2.5.5.2), so that a dual-stack socket makes no difference.
 */
#define IP_ADDRESS_SIZE 16

struct ip_address {
        uint8_t bytes[IP_ADDRESS_SIZE];
};

struct network {
        struct ip_address first, last;
};

/* False for families other than IP. */
bool ip_address_from_socket(const struct sockaddr *address, struct ip_address *ret_address);

/* An address, or an address and the length of its prefix. -EINVAL, also for one with bits set behind its prefix: then `ret_hint` (which may
 * be NULL) says what is wrong with it. */
int network_parse(const char *text, const char **ret_hint, struct network *ret_network);

/* An immutable set. A look-up costs the logarithm of the number of networks, however they overlap. */
struct network_set;

/* Copies. -ENOMEM. */
int network_set_new(const struct network *networks, size_t count, struct network_set **ret_set);
void network_set_free(struct network_set *set); /* NULL */

/* NULL is the empty set. Any thread. */
bool network_set_has(const struct network_set *set, const struct ip_address *address);
