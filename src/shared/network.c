/* SPDX-License-Identifier: Apache-2.0 */
/* A set is an array of ranges that neither overlap nor touch, in order: an address is looked for by halving. */
#include "shared/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "shared/syscall.h"

#define BITS 128
#define IPV4_BITS 32

struct network_set {
        size_t count;
        struct network ranges[];
};

static void map_ipv4(const struct in_addr *ipv4, struct ip_address *ret_address) {
        *ret_address = (struct ip_address) { .bytes = { [10] = 0xff, [11] = 0xff } };
        memcpy(ret_address->bytes + 12, ipv4, sizeof(*ipv4));
}

bool ip_address_from_socket(const struct sockaddr *address, struct ip_address *ret_address) {
        if (address->sa_family == AF_INET) {
                map_ipv4(&((const struct sockaddr_in *) address)->sin_addr, ret_address);
                return true;
        }
        if (address->sa_family == AF_INET6) {
                memcpy(ret_address->bytes, &((const struct sockaddr_in6 *) address)->sin6_addr, IP_ADDRESS_SIZE);
                return true;
        }
        return false;
}

/* Sets the bits behind the prefix in `last`. False when one of them is set in `first`. */
static bool set_last(struct network *network, unsigned prefix) {
        network->last = network->first;
        for (unsigned bit = prefix; bit < BITS; bit++) {
                uint8_t mask = (uint8_t) (0x80 >> (bit % 8));
                if (network->first.bytes[bit / 8] & mask)
                        return false;
                network->last.bytes[bit / 8] |= mask;
        }
        return true;
}

static bool parse_prefix(const char *text, unsigned most, unsigned *ret_prefix) {
        unsigned prefix = 0;
        size_t length = strlen(text);
        if (length == 0 || length > 3 || strspn(text, "0123456789") != length || (length > 1 && text[0] == '0'))
                return false;
        for (; *text; text++)
                prefix = 10 * prefix + (unsigned) (*text - '0');
        *ret_prefix = prefix;
        return prefix <= most;
}

int network_parse(const char *text, const char **ret_hint, struct network *ret_network) {
        const char *ignored, **hint = ret_hint ? ret_hint : &ignored;
        char address[INET6_ADDRSTRLEN];
        struct in_addr ipv4;
        struct in6_addr ipv6;
        struct network network;
        unsigned bits, prefix;

        size_t length = strcspn(text, "/");
        *hint = "is neither an IPv4 nor an IPv6 address, nor a network such as 192.0.2.0/24 or 2001:db8::/32";
        if (length >= sizeof(address))
                return -EINVAL;
        memcpy(address, text, length);
        address[length] = '\0';
        if (inet_pton(AF_INET, address, &ipv4) == 1) {
                map_ipv4(&ipv4, &network.first);
                bits = IPV4_BITS;
        } else if (inet_pton(AF_INET6, address, &ipv6) == 1) {
                memcpy(network.first.bytes, &ipv6, IP_ADDRESS_SIZE);
                bits = BITS;
        } else {
                return -EINVAL;
        }

        prefix = bits;
        if (text[length] == '/' && !parse_prefix(text + length + 1, bits, &prefix)) {
                *hint = bits == BITS ? "needs a prefix from 0 to 128 behind '/'"
                                     : "needs a prefix from 0 to 32 behind '/'";
                return -EINVAL;
        }
        if (!set_last(&network, BITS - bits + prefix)) {
                *hint = "has bits set behind its prefix: write the network's own address, or a longer prefix";
                return -EINVAL;
        }
        *ret_network = network;
        return 0;
}

static int compare(const struct ip_address *a, const struct ip_address *b) {
        return memcmp(a->bytes, b->bytes, IP_ADDRESS_SIZE);
}

static int compare_first(const void *a, const void *b) {
        return compare(&((const struct network *) a)->first, &((const struct network *) b)->first);
}

/* The address behind this one; all zeroes behind the last. */
static struct ip_address next_address(struct ip_address address) {
        for (size_t i = IP_ADDRESS_SIZE; i-- > 0;)
                if (++address.bytes[i] != 0)
                        break;
        return address;
}

/* Whether `range` begins within `before` or right behind it. */
static bool continues(const struct network *before, const struct network *range) {
        struct ip_address next = next_address(before->last);
        return compare(&range->first, &before->last) <= 0 || compare(&range->first, &next) == 0;
}

int network_set_new(const struct network *networks, size_t count, struct network_set **ret_set) {
        struct network_set *set = calloc(1, sizeof(*set) + count * sizeof(set->ranges[0]));
        if (!set)
                return -ENOMEM;
        if (count > 0) {
                memcpy(set->ranges, networks, count * sizeof(set->ranges[0]));
                qsort(set->ranges, count, sizeof(set->ranges[0]), compare_first);
        }
        for (size_t i = 0; i < count; i++) {
                struct network range = set->ranges[i];
                struct network *before = set->count > 0 ? &set->ranges[set->count - 1] : NULL;
                if (!before || !continues(before, &range))
                        set->ranges[set->count++] = range;
                else if (compare(&range.last, &before->last) > 0)
                        before->last = range.last;
        }
        *ret_set = set;
        return 0;
}

void network_set_free(struct network_set *set) {
        free(set);
}

bool network_set_has(const struct network_set *set, const struct ip_address *address) {
        size_t low = 0, high = set ? set->count : 0;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (compare(&set->ranges[middle].last, address) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return set && low < set->count && compare(&set->ranges[low].first, address) <= 0;
}
