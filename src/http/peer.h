/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>

/* Who is at the other end of a connection. */
struct http_peer {
        union {
                sa_family_t family; /* AF_UNIX: nobody with an address */
                struct sockaddr any;
                struct sockaddr_in ipv4;
                struct sockaddr_in6 ipv6;
        };
};

/* Room for an address with its port, as text. */
#define HTTP_PEER_TEXT_MAX 64

/* Of the address that accept(2) gave. */
struct http_peer http_peer_of(const struct sockaddr *address, socklen_t length);

/* The address as people know it ("192.0.2.1:4711", "[2001:db8::1]:4711", "unix:"). */
void http_peer_text(const struct http_peer *peer, char ret_text[HTTP_PEER_TEXT_MAX]);
