/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * MESSAGE_IDs of what an operator should react to. Each has an entry in policy/ccodes.catalog that says what to do
 * (`journalctl -x`); a test holds the two lists against each other. Made with `systemd-id128 new`.
 */
#define MESSAGE_ID_STARTED "0c9d3a1f4b7e4f6f8a1de1c3f0a95b01"
#define MESSAGE_ID_STOPPING "4f1e0f0d9c9b4b0d9a7cfb0a1a6f2b02"
#define MESSAGE_ID_RELOADED "b6b0d1c6a3d0466fa9d8c6b0b3f17c03"
#define MESSAGE_ID_RELOAD_FAILED "7b3f1f9be1d54a4e9d3b6a4d8f2e5d04"
#define MESSAGE_ID_CONFIG_INVALID "d2a8e6f13c5b47a28f9e0c1b7d643e05"
#define MESSAGE_ID_LISTEN_FAILED "e91c4b7a2d8f4e3fb5a6c0d917283f06"
#define MESSAGE_ID_SANDBOX_FAILED "1a5d7c9e3f2b4a688d0e6b4c92f7a107"
#define MESSAGE_ID_CERTIFICATE_INVALID "5c8f2e1d7a9b4c3e9f6d0a1b8e47c208"
#define MESSAGE_ID_CERTIFICATE_RELOADED "96d3b0f4e8a14c5f8e7b2d6c1f059309"
#define MESSAGE_ID_CLIENT_REFUSED "a4e7c1d95b3f4286b0f8d2e6c971340a"
#define MESSAGE_ID_LOG_DROPPED "38f6a9c2d1e74b5d9c0b7f5e2a8d160b"
#define MESSAGE_ID_WORKER_STUCK "c7b1e8d40f6a4d3ea2c95f1b6d80e70c"
#define MESSAGE_ID_RESOURCE_EXHAUSTED "f20d6b8e9c3a4175b8e4d7c0a1f5960d"
#define MESSAGE_ID_REQUEST_FAILED "8e5a0c7f1b2d4f96a3d8e6b9c4f7120e"
