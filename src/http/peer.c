/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of an address is what fits in the larger of the two kinds that have one. */
#include "http/peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct http_peer http_peer_of(const struct sockaddr *address, socklen_t length) {
        struct http_peer peer = { .family = AF_UNIX };
        if (length <= sizeof(peer) && (address->sa_family == AF_INET || address->sa_family == AF_INET6))
                memcpy(&peer, address, length);
        return peer;
}

void http_peer_text(const struct http_peer *peer, char ret_text[HTTP_PEER_TEXT_MAX]) {
        char host[INET6_ADDRSTRLEN];
        const struct in6_addr *ipv6 = &peer->ipv6.sin6_addr;

        if (peer->family == AF_INET) {
                (void) inet_ntop(AF_INET, &peer->ipv4.sin_addr, host, sizeof(host));
                (void) snprintf(ret_text, HTTP_PEER_TEXT_MAX, "%s:%u", host, ntohs(peer->ipv4.sin_port));
        } else if (peer->family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(ipv6)) {
                /* A dual-stack socket shows IPv4 clients as mapped addresses; people know them by their own. */
                (void) inet_ntop(AF_INET, &ipv6->s6_addr[12], host, sizeof(host));
                (void) snprintf(ret_text, HTTP_PEER_TEXT_MAX, "%s:%u", host, ntohs(peer->ipv6.sin6_port));
        } else if (peer->family == AF_INET6) {
                (void) inet_ntop(AF_INET6, ipv6, host, sizeof(host));
                (void) snprintf(ret_text, HTTP_PEER_TEXT_MAX, "[%s]:%u", host, ntohs(peer->ipv6.sin6_port));
        } else {
                (void) snprintf(ret_text, HTTP_PEER_TEXT_MAX, "unix:");
        }
}
