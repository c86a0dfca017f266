# SPDX-License-Identifier: Apache-2.0
"""Sockets that come from the starter, as systemd passes them: by name, and not all of them need be there."""

import socket

from daemon import SERVER, Daemon, start_with_sockets, until

LISTENER = '[[server.listener]]\nname = "{}"\naddress = "127.0.0.1:{}"\n'
SITE = '[[site]]\nname = "s"\ndefault = true\nroot = "{}"\n'


def listening():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(8)
    return listener, listener.getsockname()[1]


class Activated(Daemon):
    """A daemon that gets sockets by the names of `passed`."""

    def __init__(self, folder, text, passed):
        super().__init__(folder)
        self.config.write_text(text + SITE.format(self.root))
        self.passed = passed

    def launch(self):
        with self.log_file.open("ab") as log:
            self.process = start_with_sockets(self.passed, [SERVER, "--config", self.config, "--state", self.folder],
                                              log)


def test_a_listener_without_a_socket_does_not_stop_the_others(tmp_path):
    """As in a standby instance while systemd cannot yet open a new listener's socket."""
    listener, port = listening()
    text = LISTENER.format("new", 1) + LISTENER.format("old", port)
    daemon = Activated(tmp_path, text, {"old": listener})
    daemon.launch()
    listener.close()
    try:
        until(daemon.is_ready, "the daemon is ready")
        daemon.port = port
        assert daemon.get("/none").status == 404
        found = {entry["name"]: (entry["address"], entry["configured"])
                 for entry in daemon.admin_json("/status")["listeners"]}
        assert found == {"new": (None, "127.0.0.1:1"), "old": (f"127.0.0.1:{port}", f"127.0.0.1:{port}")}
        assert "listener 'new'" in daemon.log() and "ccodesctl apply" in daemon.log()
        assert daemon.admin("POST", "/reload").status == 200
        assert daemon.get("/none").status == 404
    finally:
        assert daemon.stop() == 0


def test_no_socket_at_all_is_an_error(tmp_path):
    listener, _ = listening()
    daemon = Activated(tmp_path, LISTENER.format("new", 1), {"other": listener})
    daemon.launch()
    listener.close()
    assert daemon.process.wait(10) == 1
    assert "listener 'new'" in daemon.log() and "ccodesctl apply" in daemon.log()
