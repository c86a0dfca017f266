/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/listener_section.h"
#include "shared/error.h"

/* Addresses as they are typed for `ccodesctl run`, more freely than in the configuration. */
#define RUN_ADDRESSES_MAX 2
#define RUN_ADDRESS_SIZE 160

struct run_addresses {
        char items[RUN_ADDRESSES_MAX][RUN_ADDRESS_SIZE]; /* as config_address_parse takes them */
        size_t count;
};

/* "8080" and ":8080" are every address of the machine, "localhost:8080" is 127.0.0.1 and ::1; else as in the
 * configuration. Without IPv6 its half is left out. -EINVAL with an error. */
int run_address_parse(const char *text, bool has_ipv6, struct error *error, struct run_addresses *ret_addresses);

/* Whether this machine has ::1. */
bool run_address_has_ipv6(void);

/* Gives all of them one free port where they ask for port 0 and are more than one. */
int run_address_choose_port(struct run_addresses *addresses, struct error *error);

/* Appends "http://localhost:8080" and the like for a bound address, one for each network address of this machine when it
 * is a wildcard, separated by spaces. */
void run_address_append_urls(struct text *text, const char *address, bool tls);
