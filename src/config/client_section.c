/* SPDX-License-Identifier: Apache-2.0 */
/* The table of [http.clients]. The defaults let an office behind one address work, and keep one attacker from holding more
 * than a small share of what there is. */
#include "config/client_section.h"

#include <errno.h>

#include "shared/config_fault.h"
#include "shared/network.h"

#define NETWORKS_MAX 1024

static int check_networks(const void *value, struct error *error) {
        const struct config_strings *strings = value;
        char excerpt[CONFIG_EXCERPT_SIZE];
        if (strings->count > NETWORKS_MAX)
                return error_set(error, -EINVAL, "must hold at most %d networks", NETWORKS_MAX);
        for (size_t i = 0; i < strings->count; i++) {
                const char *hint;
                struct network network;
                if (network_parse(strings->items[i], &hint, &network) < 0)
                        return error_set(error, -EINVAL, "must hold addresses and networks; '%s' %s",
                                         config_excerpt(excerpt, strings->items[i]), hint);
        }
        return 0;
}

static const struct config_key keys[] = {
        {
                        .name = "max_connections",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_clients, max_connections),
                        .fallback = "1024",
                        .minimum = 0,
                        .maximum = 1000000,
                        .documentation = "Connections; one more is refused with 429, or closed where TLS would have to "
                                         "be spoken first. Raise it where all clients come through one balancer or one "
                                         "large network.",
        },
        {
                        .name = "max_requests",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_clients, max_requests),
                        .fallback = "2048",
                        .minimum = 0,
                        .maximum = 10000000,
                        .documentation = "Requests under way, WebSockets and event streams among them, over all of its "
                                         "connections; one more is answered with 429.",
        },
        {
                        .name = "max_head_memory",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_clients, max_head_memory),
                        .fallback = "\"4M\"",
                        .minimum = 0,
                        .maximum = INT64_MAX,
                        .documentation = "Memory of requests whose heads have begun but not ended; a head that does "
                                         "not come whole while this much is held is answered with 429.",
        },
        {
                        .name = "max_slow_reads",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_clients, max_slow_reads),
                        .fallback = "256",
                        .minimum = 0,
                        .maximum = 1000000,
                        .documentation = "Answers that the client has been taking at less than slow_read_rate for five "
                                         "seconds or more; one more is cut.",
        },
        {
                        .name = "slow_read_rate",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_clients, slow_read_rate),
                        .fallback = "\"4K\"",
                        .minimum = 1,
                        .maximum = 1024 * 1024 * 1024,
                        .documentation = "Bytes a second below which an answer counts as read slowly.",
        },
        {
                        .name = "exempt",
                        .type = CONFIG_STRING_LIST,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_clients, exempt),
                        .fallback = "[]",
                        .check = check_networks,
                        .documentation = "Addresses and networks (\"192.0.2.7\", \"10.0.0.0/8\", \"2001:db8::/32\") "
                                         "for which none of these limits holds: balancers, monitoring.",
        },
};

const struct config_table config_clients_table = {
        .name = "clients",
        .size = sizeof(struct config_clients),
        .keys = keys,
        .key_count = ELEMENTS_OF(keys),
        .documentation = "What one client may hold at a time: one IPv4 address, or one /64 of IPv6. 0 is no limit.",
};
